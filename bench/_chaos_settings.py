"""The service's settings for workers that are to be killed: impatient with mail servers, everything else as it is."""

from config.settings import *  # noqa: F403  a settings module is its names

EMAIL_BACKEND = "bench._chaos_mail.Backend"
EMAIL_TIMEOUT = 1
