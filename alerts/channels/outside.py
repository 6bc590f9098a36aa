"""Calls to an address that a clinic has chosen: only outside this network, only https, and never for long.

The name is looked up once and the connection goes to the address that was found, so that a name which changes its mind
between the check and the call reaches nothing inside. Redirects are not followed. Nothing of the answer is read but its
status.
"""

import socket
import ssl
import threading
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPSConnection
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

CONNECT_S = 5
# For everything together: a server that answers a byte at a time holds nobody up for longer.
TOTAL_S = 10


class NotAllowed(Exception):
    """The address is none that may be called; the words are for whoever entered it."""


def check(url: str) -> None:
    """Whether an address may be called, as far as it can be seen without looking its name up.

    Raises:
        NotAllowed.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise NotAllowed(_("This is not an address: write one such as https://hooks.example.org/brim.")) from None
    if parts.scheme != "https" and not (settings.PRIVATE_WEBHOOKS and parts.scheme == "http"):
        raise NotAllowed(_("The address must begin with https://."))
    if not parts.hostname or any(sign.isspace() or not sign.isprintable() for sign in url) or not url.isascii():
        raise NotAllowed(_("This is not an address: write one such as https://hooks.example.org/brim."))
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise NotAllowed(_("Leave out user, password and #: calls are signed instead."))
    if port == 0:
        raise NotAllowed(_("The port must be from 1 to 65535."))
    try:
        is_private = not ip_address(parts.hostname).is_global
    except ValueError:
        is_private = parts.hostname.endswith((".local", ".localhost", ".internal")) or "." not in parts.hostname
    if is_private and not settings.PRIVATE_WEBHOOKS:
        raise NotAllowed(_("The address lies inside a private network; it must be reachable from outside."))


def post(url: str, *, body: bytes, headers: Mapping[str, str]) -> int:
    """Call an address; returns the status of its answer.

    Raises:
        NotAllowed: the address, or where its name leads to now, may not be called.
        OSError, HTTPException: it cannot be reached, or does not answer in time.
    """
    check(url)
    parts = urlsplit(url)
    host = parts.hostname or ""
    is_secure = parts.scheme == "https"
    port = parts.port or (443 if is_secure else 80)
    address = _resolved(host, port)
    connection = _Secure(host, port, address) if is_secure else _Plain(host, port, address)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    watch = threading.Timer(TOTAL_S, _cut, [connection])
    watch.start()
    try:
        connection.request("POST", target, body=body, headers=dict(headers))
        return connection.getresponse().status
    finally:
        watch.cancel()
        connection.close()


def _resolved(host: str, port: int) -> str:
    """An address of a name, all of whose addresses lie outside."""
    found = {str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    inside = [address for address in found if not _is_outside(address)]
    if inside and not settings.PRIVATE_WEBHOOKS:
        raise NotAllowed("the name leads into a private network")
    return min(found, key=lambda address: (":" in address, address))


def _is_outside(address: str) -> bool:
    """IPv4 written as IPv6 (mapped, 6to4, Teredo, NAT64) is judged as what it stands for."""
    found = ip_address(address.partition("%")[0])
    mapped = getattr(found, "ipv4_mapped", None) or getattr(found, "sixtofour", None)
    if mapped is not None:
        return bool(mapped.is_global)
    if found.version == 6 and (found.teredo is not None or found.packed.startswith(b"\x00\x64\xff\x9b")):
        return False
    return found.is_global and not found.is_multicast


def _cut(connection: HTTPConnection) -> None:
    sock = connection.sock
    if sock is not None:
        try:
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # it is closed already


class _Plain(HTTPConnection):
    def __init__(self, host: str, port: int, address: str) -> None:
        super().__init__(host, port, timeout=CONNECT_S)
        self.address = address

    def connect(self) -> None:
        self.sock = socket.create_connection((self.address, self.port), self.timeout)


class _Secure(HTTPSConnection):
    def __init__(self, host: str, port: int, address: str) -> None:
        self.tls = ssl.create_default_context()
        super().__init__(host, port, timeout=CONNECT_S, context=self.tls)
        self.address = address

    def connect(self) -> None:
        plain: Any = socket.create_connection((self.address, self.port), self.timeout)
        self.sock = plain
        self.sock = self.tls.wrap_socket(plain, server_hostname=self.host)
