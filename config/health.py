"""Probes: the process, what it depends on, and whether reminders really leave."""

from collections.abc import Callable

import redis
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache

from alerts.services.engine import state
from pumps.services.fleet import late_pumps
from pumps.services.nightly import last_check


@login_not_required
@never_cache
def live(request: HttpRequest) -> JsonResponse:
    """200 while the process answers."""
    return JsonResponse({"status": "ok"})


@login_not_required
@never_cache
def ready(request: HttpRequest) -> JsonResponse:
    """200 while database, Redis and migrations are as they should be, else 503 naming what is not."""
    checks: dict[str, Callable[[], str]] = {
        "database": _database,
        "redis": _redis,
        "migrations": _migrations,
    }
    results = {name: check() for name, check in checks.items()}
    is_ready = all(result == "ok" for result in results.values())
    return JsonResponse({"status": "ok" if is_ready else "not ready", **results}, status=200 if is_ready else 503)


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        return "no answer"
    return "ok"


def _redis() -> str:
    client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2)
    try:
        client.ping()
    except redis.RedisError:
        return "no answer"
    finally:
        client.close()
    return "ok"


def _migrations() -> str:
    try:
        executor = MigrationExecutor(connection)
        pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except Error:
        return "no answer"
    return "ok" if not pending else f"{len(pending)} to apply"


@login_not_required
@never_cache
def engine(request: HttpRequest) -> JsonResponse:
    """200 only if a full tick finished lately and nothing due is late; ages and counts either way."""
    now = timezone.now()
    try:
        found = state(now=now, late_pumps=late_pumps(now))
        fleet = last_check()
    except Error:
        return JsonResponse({"ok": False, "error": "database: no answer"}, status=503)
    return JsonResponse({**found.as_json(), "fleet_check": fleet}, status=200 if found.ok else 503)
