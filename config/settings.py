"""One settings module, driven by the environment, with no unsafe default.

`bin/serve` and its kind set BRIM_LOCAL=1 (this machine only, plain HTTP) and every other variable. Started in any
other way, a missing SECRET_KEY, ALLOWED_HOSTS, DATABASE_URL, REDIS_URL or BASE_URL stops the program at once.
"""

from pathlib import Path

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from config.environment import (
    celery_broker,
    heartbeat_address,
    is_provider,
    mail_provider,
    mail_server,
    twilio_account,
)

env = environ.Env()

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(env.str("DATA_DIR", default=str(BASE_DIR / "var")))

LOCAL: bool = env.bool("BRIM_LOCAL", default=False)
DEMO: bool = env.bool("BRIM_DEMO", default=False) and LOCAL
if env.bool("BRIM_DEMO", default=False) and not LOCAL:
    raise ImproperlyConfigured("BRIM_DEMO is for bin/serve on one machine; unset it in production.")

SECRET_KEY: str = env.str("SECRET_KEY")
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS")
BASE_URL: str = env.str("BASE_URL").rstrip("/")
if len(SECRET_KEY) < 40:
    raise ImproperlyConfigured("SECRET_KEY must be at least 40 random characters.")
if not ALLOWED_HOSTS or "*" in ALLOWED_HOSTS:
    raise ImproperlyConfigured("ALLOWED_HOSTS must name the hosts Brim answers to; * is no host.")
if not LOCAL and not BASE_URL.startswith("https://"):
    raise ImproperlyConfigured("BASE_URL must begin with https://: links in messages are made from it.")
DEBUG = False

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "django.forms",  # its templates, since FORM_RENDERER finds them through the app loader
    "csp",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "anymail",
    "config",
    "clinics",
    "patients",
    "alerts",
    "scheduling",
    "pumps",
    "therapy",
    "portal",
    "interop",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "clinics.middleware.end_idle_sessions",
    "clinics.middleware.speak",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "config.middleware.no_store",
    "config.viewings.keep_viewings",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "clinics.middleware.ask_for_second_factor",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "alerts.context.engine_banner",
                "clinics.context.session",
                "therapy.context.waiting_to_be_signed",
                "alerts.context.open_alerts",
                "frame.context.frame",
            ],
        },
    },
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

# --- people ---------------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "clinics.User"
AUTHENTICATION_BACKENDS = ["clinics.backends.EmailBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "account_login"
PASSWORD_RESET_TIMEOUT = 3 * 24 * 3600

# allauth: log-in by e-mail, lock-out, passwords, second factors. Accounts are made by invitation alone.
ACCOUNT_ADAPTER = "clinics.adapter.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
# An invitation's link proves the address; there is nothing more to verify.
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_LOGIN_ON_PASSWORD_RESET = True
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_FORMS = {
    "login": "clinics.forms.LogInForm",
    "reset_password": "clinics.forms.ResetForm",
    "reset_password_from_key": "clinics.forms.NewPasswordForm",
    "change_password": "clinics.forms.ChangePasswordForm",
    "reauthenticate": "clinics.forms.ReauthenticateForm",
}
# Five wrong passwords for one address lock it for five minutes, wherever they come from; twenty a minute one computer.
# The page behind an emergency card is for one reader at a time: nobody goes through links one after the other.
ACCOUNT_RATE_LIMITS = {"login": "60/m/ip", "login_failed": "20/m/ip,5/300s/key", "card": "30/m/ip"}
MFA_ADAPTER = "clinics.adapter.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_TOTP_TOLERANCE = 1
MFA_FORMS = {
    "authenticate": "clinics.forms.SecondFactorForm",
    "reauthenticate": "clinics.forms.SecondFactorForm",
    "activate_totp": "clinics.forms.ActivateTotpForm",
}

# --- stores ---------------------------------------------------------------------------------------------------------

DATABASES = {"default": env.db("DATABASE_URL")}
if DATABASES["default"]["ENGINE"] != "django.db.backends.postgresql":
    raise ImproperlyConfigured("DATABASE_URL must name a PostgreSQL server: postgres://user:password@host/name.")
DATABASES["default"]["CONN_MAX_AGE"] = 60
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL: str = env.str("REDIS_URL")
# Failed tries are counted here, by all processes together and without Redis. Nothing that users write is kept in it.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "brim_cache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}

# --- mail -----------------------------------------------------------------------------------------------------------

MAIL_DIR = DATA_DIR / "mail"
DEFAULT_FROM_EMAIL: str = env.str("DEFAULT_FROM_EMAIL", default="Brim <brim@localhost>")
# A server answers up to seven commands for one message: all of them together stay within the lease of a row.
EMAIL_TIMEOUT = 8
EMAIL_URL: str = env.str("EMAIL_URL", default="")
# Set where mail leaves through a provider, which says later what bounced.
EMAIL_PROVIDER = ""
# Without a mail server, messages become files under DATA_DIR/mail, shown on the messages page.
MAIL_TO_FILES = LOCAL and not EMAIL_URL
if MAIL_TO_FILES:
    EMAIL_BACKEND = "alerts.mail_files.EmailBackend"
elif is_provider(EMAIL_URL):
    _provider = mail_provider(
        EMAIL_URL,
        secret=env.str("EMAIL_WEBHOOK_SECRET", default=""),
        signing_key=env.str("EMAIL_WEBHOOK_KEY", default=""),
    )
    EMAIL_BACKEND = _provider.backend
    EMAIL_PROVIDER = _provider.name
    ANYMAIL = {**_provider.options, "REQUESTS_TIMEOUT": EMAIL_TIMEOUT, "DEBUG_API_REQUESTS": False}
elif EMAIL_URL:
    _mail = mail_server(EMAIL_URL)
    EMAIL_BACKEND = "alerts.channels.smtp.EmailBackend"
    EMAIL_HOST = _mail.host
    EMAIL_PORT = _mail.port
    EMAIL_HOST_USER = _mail.user
    EMAIL_HOST_PASSWORD = _mail.password
    EMAIL_USE_TLS = _mail.use_tls
    EMAIL_USE_SSL = _mail.use_ssl
else:
    raise ImproperlyConfigured("Set EMAIL_URL: without a mail server no reminder can leave.")

# --- text messages, calls, webhooks ----------------------------------------------------------------------------------

# Unset: this channel is absent, and its messages say so instead of leaving.
SMS_URL: str = env.str("SMS_URL", default="")
VOICE_URL: str = env.str("VOICE_URL", default="")
SMS = twilio_account("SMS_URL", SMS_URL) if SMS_URL else None
VOICE = twilio_account("VOICE_URL", VOICE_URL) if VOICE_URL else None
# For trials on one machine: where to speak Twilio's HTTP instead, and webhooks to addresses of this network.
TWILIO_API_URL: str = env.str("TWILIO_API_URL", default="") if LOCAL else ""
PRIVATE_WEBHOOKS: bool = env.bool("BRIM_PRIVATE_WEBHOOKS", default=False) and LOCAL

# --- background work ------------------------------------------------------------------------------------------------

CELERY_BROKER_URL = celery_broker(REDIS_URL)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = False  # every task is re-found by the next tick, so a lost message costs one interval
CELERY_TASK_TIME_LIMIT = 3600
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# Imports, jobs and call lists run one at a time, delivery and the nightly run take two each, so of at least eight slots
# one is always free for the tick.
CELERY_WORKER_CONCURRENCY = 8
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_ENABLE_UTC = True
CELERY_TIMEZONE = "UTC"
TICK_SECONDS: float = env.float("BRIM_TICK_SECONDS", default=30.0)
# Asked for after each round that went well, so that an outside monitor notices when there are none.
HEARTBEAT_URL: str = heartbeat_address(env.str("HEARTBEAT_URL", default=""))
# A tick older than its interval is worthless: it expires instead of piling up behind a stopped worker.
CELERY_BEAT_SCHEDULE = {
    "tick": {
        "task": "pumps.tasks.tick",
        "schedule": TICK_SECONDS,
        "options": {"expires": TICK_SECONDS},
    },
    "deliver": {
        "task": "alerts.tasks.deliver",
        "schedule": TICK_SECONDS / 3,
        "options": {"expires": TICK_SECONDS},
    },
    "imports": {
        "task": "interop.tasks.run_imports",
        "schedule": TICK_SECONDS,
        "options": {"expires": TICK_SECONDS},
    },
    "jobs": {
        "task": "pumps.tasks.run_jobs",
        "schedule": TICK_SECONDS,
        "options": {"expires": TICK_SECONDS},
    },
    "clear_jobs": {
        "task": "interop.tasks.clear_jobs",
        "schedule": 3600.0,
        "options": {"expires": 3600.0},
    },
    "nightly": {
        "task": "pumps.tasks.nightly_if_due",
        "schedule": 600.0,
        "options": {"expires": 600.0},
    },
    "call_lists": {
        "task": "pumps.tasks.write_call_lists",
        "schedule": 600.0,
        "options": {"expires": 600.0},
    },
    "audit": {
        "task": "pumps.tasks.audit_if_due",
        "schedule": 600.0,
        "options": {"expires": 600.0},
    },
    "forget_viewings": {
        "task": "pumps.tasks.forget_viewings",
        "schedule": 6 * 3600.0,
        "options": {"expires": 3600.0},
    },
}

# --- paper ----------------------------------------------------------------------------------------------------------

# Each morning's call list of every clinic, for the day on which nothing else answers. It holds names and numbers.
CALL_LIST_DIR = Path(env.str("CALL_LIST_DIR", default=str(DATA_DIR / "call-lists")))

# --- time, language -------------------------------------------------------------------------------------------------

USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
USE_I18N = True
# What pages and messages speak. A language is added by a catalogue in locale/.
LANGUAGES = [("en", "English"), ("es", "Español")]
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = ["config.formats"]

# --- static files ---------------------------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = env.path("STATIC_ROOT", default=str(DATA_DIR / "static"))()
STATICFILES_DIRS = [
    BASE_DIR / "static",
    ("bootstrap", BASE_DIR / "node_modules/bootstrap/dist"),
    ("htmx", BASE_DIR / "node_modules/htmx.org/dist"),
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# --- the wire -------------------------------------------------------------------------------------------------------

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "worker-src": [SELF],
        "object-src": [NONE],
        "frame-ancestors": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
    },
}
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = 12 * 3600  # a working day on a shared ward computer
# A log-in ends when nothing was done for so long; the page warns, and what was typed stays on it.
SESSION_IDLE_SECONDS: int = env.int("BRIM_IDLE_MINUTES", default=60) * 60
if SESSION_IDLE_SECONDS < 300:
    raise ImproperlyConfigured("BRIM_IDLE_MINUTES must be at least 5.")
# So long who saw what is kept, and who logged in: as long as the law where the clinic is asks for.
VIEWINGS_KEPT_DAYS: int = env.int("BRIM_VIEWINGS_KEPT_DAYS", default=2557)
if VIEWINGS_KEPT_DAYS < 365:
    raise ImproperlyConfigured("BRIM_VIEWINGS_KEPT_DAYS must be at least 365.")
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = not LOCAL
CSRF_COOKIE_SECURE = not LOCAL
SECURE_SSL_REDIRECT = not LOCAL
# Health probes come from inside, over plain HTTP.
SECURE_REDIRECT_EXEMPT = [r"^health/"]
BEHIND_PROXY: bool = env.bool("BEHIND_PROXY", default=False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
SECURE_HSTS_SECONDS = 0 if LOCAL else 365 * 24 * 3600
SECURE_HSTS_INCLUDE_SUBDOMAINS = not LOCAL
SECURE_HSTS_PRELOAD = not LOCAL
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "clinics.api.authentication.BearerAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["clinics.api.parsing.BodyParser"],
    "DEFAULT_PAGINATION_CLASS": "clinics.api.pagination.Cursor",
    "DEFAULT_SCHEMA_CLASS": "clinics.api.schema.Schema",
    "EXCEPTION_HANDLER": "clinics.api.errors.handle",
    "COERCE_DECIMAL_TO_STRING": True,
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}

SPECTACULAR_SETTINGS = {
    "TITLE": "Brim",
    "DESCRIPTION": "Keeps intrathecal baclofen pumps from running dry.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "AlertKindEnum": "alerts.models.Alert.Kind",
        "ContactKindEnum": "patients.models.Contact.Kind",
        "AppointmentStateEnum": "scheduling.models.STATES",
        "PatientStatusEnum": "patients.models.Patient.Status",
        "LabelSetEnum": "clinics.models.Clinic.LabelSet",
        "SpasticityOriginEnum": "patients.models.Patient.Origin",
        "RefillOwnerEnum": "pumps.models.RefillOwner",
        "ReportKindEnum": "alerts.models.Report.Kind",
        "AdverseKindEnum": "therapy.models.AdverseEvent.Kind",
        "AdverseOutcomeEnum": "therapy.models.AdverseEvent.Outcome",
        "ScreeningOutcomeEnum": "therapy.models.Trial.Outcome",
        "TherapyPhaseEnum": "therapy.models.Phase",
        "ProposalStateEnum": "therapy.models.ProposalState",
    },
}

# --- log ------------------------------------------------------------------------------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    # They tell each step of cutting a font down to its letters, and each request with its text and number.
    "loggers": {name: {"level": "WARNING"} for name in ("fontTools", "fpdf", "twilio")},
}
