"""An outside monitor hears of each round that went well (HEARTBEAT_URL), and so notices a server that is gone."""

import logging
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from django.conf import settings

logger = logging.getLogger(__name__)

SECONDS = 5.0


def ping() -> bool:
    """Ask for HEARTBEAT_URL once, outside any transaction; whether it was answered with success.

    A monitor that does not answer is no reason for a round to fail: it is logged. Redirections are not followed.
    """
    if not settings.HEARTBEAT_URL:
        return False
    parts = urlsplit(settings.HEARTBEAT_URL)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=SECONDS)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request("GET", path, headers={"User-Agent": "Brim"})
        status = connection.getresponse().status
    except (OSError, HTTPException) as error:
        # The address may hold a secret: only its host is logged.
        logger.warning("the outside monitor at %s could not be told: %s", parts.hostname, error)
        return False
    finally:
        connection.close()
    if not 200 <= status < 300:
        logger.warning("the outside monitor at %s answered %s", parts.hostname, status)
    return 200 <= status < 300
