"""What people report about a patient: kept, and told at once."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from alerts.models import Alert, Notification, Report
from alerts.services import lifecycle
from alerts.services.lifecycle import Opening
from clinical.escalation import Deadlines
from clinics.models import User
from patients.models import Contact, Patient

ALERT_KINDS = {
    Report.Kind.WITHDRAWAL: Alert.Kind.WITHDRAWAL,
    Report.Kind.OVERDOSE: Alert.Kind.OVERDOSE,
    Report.Kind.ONE_TONE: Alert.Kind.PUMP_ALARM,
    Report.Kind.TWO_TONES: Alert.Kind.PUMP_ALARM_TWO_TONES,
    Report.Kind.CALL_BACK: Alert.Kind.CALL_BACK,
}


@transaction.atomic
def report(
    *,
    pump_id: int,
    patient: Patient,
    kind: Report.Kind,
    symptoms: Sequence[str] = (),
    note: str = "",
    began_at: datetime,
    now: datetime,
    by: User | None = None,
    message: Notification | None = None,
    contact: Contact | None = None,
) -> Report:
    """Keep a report and open the alert of its kind, or count it on the one that is open and make that due now."""
    alert = _open(pump_id, ALERT_KINDS[kind])
    if alert is None:
        opening = Opening(patient.clinic_id, patient.pk, pump_id, ALERT_KINDS[kind], Deadlines(opened_at=now))
        lifecycle.open_all([opening], now=now)
        alert = Alert.objects.open().get(pump=pump_id, kind=ALERT_KINDS[kind])
    alert.reports, alert.detail, alert.next_due_at = alert.reports + 1, note, now
    alert.acknowledged_until, alert.acknowledged_by = None, None
    alert.save()
    return Report.objects.create(
        clinic_id=patient.clinic_id,
        patient=patient,
        pump_id=pump_id,
        alert=alert,
        kind=kind,
        symptoms=list(symptoms),
        note=note,
        began_at=began_at,
        reported_at=now,
        by=by,
        message=message,
        contact=contact,
    )


def _open(pump_id: int, kind: Alert.Kind) -> Alert | None:
    return Alert.objects.open().select_for_update().filter(pump=pump_id, kind=kind).first()
