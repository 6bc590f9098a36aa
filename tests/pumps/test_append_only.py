import importlib

import pytest
from django.db import IntegrityError, connection, transaction

from pumps.models import Event, PriorVersion
from tests.builders import a_running_pump

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE pumps_event SET filled_ml = 1",
        "DELETE FROM pumps_event",
        "UPDATE pumps_priorversion SET reason = ''",
        "DELETE FROM pumps_priorversion",
    ],
)
def test_the_database_refuses_to_change_history(statement: str) -> None:
    a_running_pump()
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert Event.objects.count() == 2
    assert PriorVersion.objects.exists()


def test_the_database_refuses_to_truncate_the_ledger() -> None:
    """The test database lacks this trigger (see conftest); it is put back from the migration's own text."""
    sql = importlib.import_module("pumps.migrations.0002_append_only").FORWARDS
    [statement] = [part for part in sql.split(";\n") if "pumps_event_no_truncate" in part]
    with connection.cursor() as cursor:
        cursor.execute(statement)
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            cursor.execute("TRUNCATE pumps_event CASCADE")
        cursor.execute("DROP TRIGGER pumps_event_no_truncate ON pumps_event")
