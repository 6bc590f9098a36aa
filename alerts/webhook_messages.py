"""What a program of the clinic is told: ids, what, how urgent, when. No names, no numbers of records, no health data
beyond the kind of the alert."""

import json
from datetime import UTC, datetime
from typing import Any

from alerts.models import Alert, Notification
from alerts.people import patient_of, pump_id_of
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
            "priority": priority_of(row),
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


HIGH_KINDS = {
    Alert.Kind.PUMP_STOPPED,
    Alert.Kind.PUMP_STALLED,
    Alert.Kind.PUMP_ALARM,
    Alert.Kind.PUMP_ALARM_TWO_TONES,
    Alert.Kind.WITHDRAWAL,
    Alert.Kind.OVERDOSE,
    Alert.Kind.CONCENTRATION_NOT_PROGRAMMED,
}
HIGH_TIERS = {"past", "low", "empty", "ended"}
LOW_TIERS = {"book", "patient", "unbooked", "changed", "half_year"}


def priority_of(row: Notification) -> Priority:
    if row.alert is None:
        return Priority.INFORMATION
    if row.alert.kind in HIGH_KINDS or row.tier in HIGH_TIERS:
        return Priority.HIGH
    return Priority.LOW if row.tier in LOW_TIERS else Priority.MEDIUM


def _moment(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment is not None else None


def _written(values: dict[str, Any]) -> bytes:
    return json.dumps(values, separators=(",", ":")).encode()
