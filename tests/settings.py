"""The service's own settings, with a quick password hash, static files without a manifest, and no connection kept
open behind a test's back, which would hold up the end of the test database."""

from config.settings import *  # noqa: F403  a settings module is its names
from config.settings import DATABASES, STORAGES

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {**STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
DATABASES = {"default": {**DATABASES["default"], "CONN_MAX_AGE": 0}}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
