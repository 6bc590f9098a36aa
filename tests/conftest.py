import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from django.core.cache import cache
from django.db import connection

from pumps.models import PumpModel
from pumps.services.catalogue import sync

OTHERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""

# Examples are drawn anew on every run, but in CI, where a failure has to be the change's own.
hypothesis.settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    hypothesis.settings.load_profile("ci")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The slow first, so that no worker is left with a long file when the others are done: those with browsers and
    processes of their own, then the walks through every address, then the many quick ones."""
    items.sort(key=_haste)


def _haste(item: pytest.Item) -> int:
    if item.get_closest_marker("browser") or item.get_closest_marker("processes"):
        return 0
    return 1 if item.path.parent == Path(__file__).parent else 2


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """The catalogue is in every test database. Tests with real transactions are flushed with TRUNCATE, which the
    ledger's own trigger refuses, so that one trigger is absent here (tests/pumps/test_append_only.py puts it back).

    At the end a thread of the live server may not have closed its session yet; the database goes all the same.
    """
    with django_db_blocker.unblock():
        with connection.cursor() as cursor:
            cursor.execute("DROP TRIGGER IF EXISTS pumps_event_no_truncate ON pumps_event")
        sync()
    yield
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(OTHERS)


@pytest.fixture(autouse=True)
def _no_cache_between_tests() -> Iterator[None]:
    yield
    cache.clear()


@pytest.fixture(autouse=True)
def _catalogue(request: pytest.FixtureRequest) -> None:
    """The catalogue is there for every test that has the database, also after one whose flush took it along."""
    if request.node.get_closest_marker("django_db") or {"db", "transactional_db"} & set(request.fixturenames):
        request.getfixturevalue("db")
        if not PumpModel.objects.exists():
            sync()


@pytest.fixture
def committed(transactional_db: None) -> None:
    """A test with real commits: live server, threads, processes."""
