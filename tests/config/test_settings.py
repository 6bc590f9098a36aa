"""The settings module, imported in a process of its own with exactly the environment given."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.environment import celery_broker, mail_provider, mail_server, twilio_account

ROOT = Path(__file__).resolve().parent.parent.parent
PRODUCTION = {
    "SECRET_KEY": "k3" * 40,
    "ALLOWED_HOSTS": "brim.example.org",
    "BASE_URL": "https://brim.example.org",
    "DATABASE_URL": "postgres://brim:secret@db/brim",
    "REDIS_URL": "redis://redis:6379/0",
    "EMAIL_URL": "smtp+tls://brim:secret@mail.example.org:587",
}
SHOW = "import config.settings as s; print({})"


def run(environment: dict[str, str], expression: str = "1") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", SHOW.format(expression)],
        env={"PATH": os.environ["PATH"], **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_production_starts_with_secure_defaults() -> None:
    shown = "s.DEBUG, s.DEMO, s.SECURE_SSL_REDIRECT, s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE, s.EMAIL_USE_TLS"
    result = run(PRODUCTION, shown)
    assert result.stdout.strip() == "False False True True True True", result.stderr


@pytest.mark.parametrize("missing", sorted(PRODUCTION))
def test_nothing_starts_without(missing: str) -> None:
    result = run({key: value for key, value in PRODUCTION.items() if key != missing})
    assert result.returncode != 0
    assert missing in result.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BRIM_DEMO", "1"),
        ("DATABASE_URL", "sqlite:///x.db"),
        ("EMAIL_URL", "mailto:x"),
        ("HEARTBEAT_URL", "monitor"),
        ("SECRET_KEY", ""),
        ("SECRET_KEY", "short"),
        ("ALLOWED_HOSTS", ""),
        ("ALLOWED_HOSTS", "*"),
        ("BASE_URL", "http://brim.example.org"),
        ("EMAIL_URL", "mailgun://key"),
        ("EMAIL_URL", "postmark://"),
        ("SMS_URL", "twilio://AC1:token@/"),
        ("SMS_URL", "twilio://AC1@/?from=+15550100"),
        ("VOICE_URL", "sip://AC1:token@/?from=+15550100"),
    ],
)
def test_what_is_unsafe_or_unknown_is_refused(name: str, value: str) -> None:
    result = run({**PRODUCTION, name: value})
    assert result.returncode != 0
    assert name in result.stderr.splitlines()[-1]


def test_beat_runs_plain_intervals_in_utc() -> None:
    shown = "s.CELERY_TIMEZONE, *(type(entry['schedule']).__name__ for entry in s.CELERY_BEAT_SCHEDULE.values())"
    assert set(run(PRODUCTION, shown).stdout.split()) == {"UTC", "float"}


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://localhost", ("localhost", 25, "", "", False, False)),
        ("smtp://127.0.0.1:2525", ("127.0.0.1", 2525, "", "", False, False)),
        ("smtp+tls://a%40b.org:p%3Aw@mail.org", ("mail.org", 587, "a@b.org", "p:w", True, False)),
        ("smtp+ssl://mail.org", ("mail.org", 465, "", "", False, True)),
    ],
)
def test_mail_addresses(url: str, expected: tuple[object, ...]) -> None:
    found = mail_server(url)
    assert (found.host, found.port, found.user, found.password, found.use_tls, found.use_ssl) == expected


@pytest.mark.parametrize("url", ["http://mail.org", "smtp://", "mail.org"])
def test_other_mail_addresses_are_refused(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="EMAIL_URL"):
        mail_server(url)


def test_celery_speaks_of_unix_sockets_in_its_own_way() -> None:
    assert celery_broker("redis://r:6379/0") == "redis://r:6379/0"
    assert celery_broker("unix:///run/r.sock?db=1") == "redis+socket:///run/r.sock?virtual_host=1"


SECRET = "brim:sixteen-random-signs"


def test_mail_providers_are_read() -> None:
    found = mail_provider("mailgun://key-A@mg.example.org?region=eu", secret=SECRET, signing_key="sign")
    assert found.backend == "anymail.backends.mailgun.EmailBackend"
    assert found.options["MAILGUN_API_KEY"] == "key-A"
    assert found.options["MAILGUN_SENDER_DOMAIN"] == "mg.example.org"
    assert found.options["MAILGUN_WEBHOOK_SIGNING_KEY"] == "sign"
    assert str(found.options["MAILGUN_API_URL"]).startswith("https://api.eu.")
    assert mail_provider("sendgrid://SG.aB", secret=SECRET, signing_key="s").options["SENDGRID_API_KEY"] == "SG.aB"


@pytest.mark.parametrize(
    ("url", "secret", "signing_key", "named"),
    [
        ("postmark://t", "", "", "EMAIL_WEBHOOK_SECRET"),
        ("postmark://t", "brim:short", "", "EMAIL_WEBHOOK_SECRET"),
        ("sendgrid://k", SECRET, "", "EMAIL_WEBHOOK_KEY"),
        ("mailgun://@d", SECRET, "s", "EMAIL_URL"),
    ],
)
def test_a_provider_without_all_its_keys_is_refused(url: str, secret: str, signing_key: str, named: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=named):
        mail_provider(url, secret=secret, signing_key=signing_key)


def test_a_twilio_account_keeps_its_token_to_itself() -> None:
    found = twilio_account("SMS_URL", "twilio://AC1:to%2Fken@/?from=+15550100")
    assert (found.account, found.token, found.sender) == ("AC1", "to/ken", "+15550100")
    assert "ken" not in repr(found)
