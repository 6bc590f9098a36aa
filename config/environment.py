"""Parsing of the environment variables whose form Django has no reader for."""

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

SMTP_PORTS = {"smtp": 25, "smtp+tls": 587, "smtp+ssl": 465}


@dataclass(frozen=True)
class MailServer:
    host: str
    port: int
    user: str
    password: str
    use_tls: bool
    use_ssl: bool


def mail_server(url: str) -> MailServer:
    """Read ``EMAIL_URL``: ``smtp[+tls|+ssl]://[user:password@]host[:port]``.

    Raises:
        ImproperlyConfigured: another scheme, or no host.
    """
    parts = urlsplit(url)
    if parts.scheme not in SMTP_PORTS or not parts.hostname:
        raise ImproperlyConfigured(
            "EMAIL_URL must look like smtp://[user:password@]host:port (or smtp+tls://, smtp+ssl://)."
        )
    return MailServer(
        host=parts.hostname,
        port=parts.port or SMTP_PORTS[parts.scheme],
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        use_tls=parts.scheme == "smtp+tls",
        use_ssl=parts.scheme == "smtp+ssl",
    )


@dataclass(frozen=True)
class Provider:
    """A mail provider as django-anymail wants it: `options` is its ANYMAIL."""

    name: str
    backend: str
    options: dict[str, object]


# By scheme: anymail's name of the key, and of what its calls about bounces are signed with, where it signs them.
PROVIDERS = {
    "mailgun": ("MAILGUN_API_KEY", "MAILGUN_WEBHOOK_SIGNING_KEY"),
    "postmark": ("POSTMARK_SERVER_TOKEN", ""),
    "sendgrid": ("SENDGRID_API_KEY", "SENDGRID_TRACKING_WEBHOOK_VERIFICATION_KEY"),
    "brevo": ("BREVO_API_KEY", ""),
    "sparkpost": ("SPARKPOST_API_KEY", ""),
}
MAILGUN_IN_EUROPE = "https://api.eu.mailgun.net/v3"


def is_provider(url: str) -> bool:
    return urlsplit(url).scheme in PROVIDERS


def mail_provider(url: str, *, secret: str, signing_key: str) -> Provider:
    """Read ``EMAIL_URL`` of a provider: ``mailgun://KEY@DOMAIN[?region=eu]``, else ``NAME://KEY``.

    Args:
        secret: ``EMAIL_WEBHOOK_SECRET``, ``user:password``, which the provider's calls about bounces must bring.
        signing_key: ``EMAIL_WEBHOOK_KEY``, what the provider signs these calls with.

    Raises:
        ImproperlyConfigured: a part is missing.
    """
    parts = urlsplit(url)
    name = parts.scheme
    key_name, signing_name = PROVIDERS[name]
    key, _, domain = (unquote(part) for part in parts.netloc.partition("@"))
    if not key or (name == "mailgun") != bool(domain):
        shape = "mailgun://KEY@DOMAIN" if name == "mailgun" else f"{name}://KEY"
        raise ImproperlyConfigured(f"EMAIL_URL must look like {shape}.")
    user, _, password = secret.partition(":")
    if not user or len(password) < 16:
        raise ImproperlyConfigured(
            "EMAIL_WEBHOOK_SECRET must be user:password, of at least 16 random characters: with it the provider says "
            "which messages bounced."
        )
    if signing_name and not signing_key:
        raise ImproperlyConfigured(f"EMAIL_WEBHOOK_KEY must be the key that {name} signs its webhooks with.")
    options: dict[str, object] = {key_name: key, "WEBHOOK_SECRET": secret}
    if signing_name:
        options[signing_name] = signing_key
    if domain:
        options["MAILGUN_SENDER_DOMAIN"] = domain
    if parse_qs(parts.query).get("region") == ["eu"]:
        options["MAILGUN_API_URL"] = MAILGUN_IN_EUROPE
    return Provider(name, f"anymail.backends.{name}.EmailBackend", options)


@dataclass(frozen=True)
class TwilioAccount:
    account: str
    token: str
    sender: str

    def __repr__(self) -> str:
        return f"TwilioAccount({self.account})"


E164 = re.compile(r"\+[1-9]\d{6,14}")


def twilio_account(variable: str, url: str) -> TwilioAccount:
    """Read ``SMS_URL`` or ``VOICE_URL``: ``twilio://ACCOUNT:TOKEN@/?from=+15550100``.

    Raises:
        ImproperlyConfigured: another scheme, or a part is missing.
    """
    parts = urlsplit(url)
    account, _, token = (unquote(part) for part in parts.netloc.rpartition("@")[0].partition(":"))
    sender = parse_qs(parts.query.replace("+", "%2B")).get("from", [""])[0]
    if parts.scheme != "twilio" or not account or not token or not E164.fullmatch(sender):
        raise ImproperlyConfigured(
            f"{variable} must look like twilio://ACCOUNT:TOKEN@/?from=+15550100, the number with its country's code."
        )
    return TwilioAccount(account, token, sender)


def celery_broker(redis_url: str) -> str:
    """The same server in Celery's notation: a unix socket is ``redis+socket://`` and the database ``virtual_host``."""
    if not redis_url.startswith("unix://"):
        return redis_url
    return "redis+socket://" + redis_url.removeprefix("unix://").replace("db=", "virtual_host=")


def heartbeat_address(url: str) -> str:
    """Check ``HEARTBEAT_URL``: empty, or an address of the web.

    Raises:
        ImproperlyConfigured: another scheme, no host, or a port that is none.
    """
    if not url:
        return ""
    parts = urlsplit(url)
    try:
        is_port = parts.port is None or parts.port > 0
    except ValueError:
        is_port = False
    if parts.scheme not in ("https", "http") or not parts.hostname or not is_port:
        raise ImproperlyConfigured("HEARTBEAT_URL must look like https://monitor.example.org/ping/name, or be empty.")
    return url
