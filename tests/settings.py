"""The service's own settings, with a quick password hash and static files without a manifest."""

from config.settings import *  # noqa: F403  a settings module is its names
from config.settings import STORAGES

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {**STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
