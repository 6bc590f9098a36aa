"""Parsing of the environment variables whose form Django has no reader for."""

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

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
