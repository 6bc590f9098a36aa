"""What a program of the clinic is told: ids, what, how urgent, when. No names, no numbers of records, no health data
beyond the kind of the alert."""

import json
from datetime import UTC, datetime
from typing import Any

from alerts.models import Notification
from alerts.people import patient_of, pump_id_of
from alerts.priorities import priority_of
from clinical.escalation import Priority

VERSION = 1


def body(row: Notification) -> bytes:
    """`id` is the same on every retry: a receiver that has seen it answers 200 and does nothing."""
    alert, patient = row.alert, patient_of(row)
    pump_id = pump_id_of(row)
    return _written(
        {
            "id": str(row.pk),
            "version": VERSION,
            "event": "alert",
            "clinic": str(row.clinic_id),
            "alert": str(row.alert_id) if row.alert_id is not None else None,
            "kind": alert.kind if alert is not None else None,
            "tier": row.tier,
            "priority": priority_of(alert.kind, row.tier) if alert is not None else Priority.INFORMATION,
            "telling": row.repeat_number,
            "pump": str(pump_id) if pump_id is not None else None,
            "patient": str(patient.pk) if patient is not None else None,
            "opened_at": _moment(alert.opened_at if alert is not None else None),
            "refill_by": _moment(alert.refill_by if alert is not None else None),
            "due_at": _moment(row.due_at),
        }
    )


def trial(clinic_id: int, now: datetime) -> bytes:
    """What a press on "send a test" sends."""
    return _written({"id": None, "version": VERSION, "event": "test", "clinic": str(clinic_id), "due_at": _moment(now)})


def _moment(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment is not None else None


def _written(values: dict[str, Any]) -> bytes:
    return json.dumps(values, separators=(",", ":")).encode()
