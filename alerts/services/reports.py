"""What people say about a patient or their pump: kept for ever, told at once, and told again if it is said again."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from alerts.models import Alert, Notification, Report
from alerts.services import lifecycle
from alerts.services.lifecycle import Ladder, Opening
from clinical import symptoms as known
from clinical.escalation import CALL_LADDER, EMERGENCY_LADDER, IMMEDIATE_LADDER, Deadlines
from clinical.saying import say
from clinical.symptoms import Syndrome
from clinics.errors import Conflict, Impossible
from clinics.models import User
from patients.models import Contact, Patient

Kind = Report.Kind
# The alert each report opens, and by which ladder. Source of what is an emergency: clinical rules, section 4.
OPENS: dict[str, tuple[str, Ladder]] = {
    Kind.WITHDRAWAL: (Alert.Kind.WITHDRAWAL, EMERGENCY_LADDER),
    Kind.OVERDOSE: (Alert.Kind.OVERDOSE, EMERGENCY_LADDER),
    Kind.ONE_TONE: (Alert.Kind.PUMP_ALARM, IMMEDIATE_LADDER),
    Kind.TWO_TONES: (Alert.Kind.PUMP_ALARM_TWO_TONES, EMERGENCY_LADDER),
    Kind.CALL_BACK: (Alert.Kind.CALL_BACK, CALL_LADDER),
}
OF_SYNDROME = {Syndrome.WITHDRAWAL: Kind.WITHDRAWAL, Syndrome.OVERDOSE: Kind.OVERDOSE}
# What only those who see clinical data are shown the details of.
CLINICAL = frozenset({Kind.WITHDRAWAL, Kind.OVERDOSE})
# A clock may be a little ahead of ours; before this nobody had such a pump.
AHEAD_AT_MOST = timedelta(minutes=5)
AGO_AT_MOST = timedelta(days=365)
LONGEST_NOTE = 500


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
    """Keep what somebody said, and tell whoever has to act.

    Steps: (1) lock the pump; (2) open the alert of its kind or, if one is open, count the report, take its
    acknowledgement off and make it due now; (3) store the report. Said by staff (`by`), or by the patient or a
    contact through the link of a `message`.

    Raises:
        Impossible: unknown or no symptoms, a beginning in the future or more than a year ago; messages per field.
        Conflict: the patient is not in care here any more.
    """
    _check(kind, symptoms, note, began_at, now)
    pump = lifecycle.lock_pump(pump_id)
    status = Patient.objects.values_list("status", flat=True).get(pk=patient.pk)
    if pump.patient_id != patient.pk or status != Patient.Status.ACTIVE:
        raise Conflict(_("The patient is not in care at this clinic any more: nobody here would be told."))
    alert = _told(kind, patient, pump_id, symptoms, now)
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


def _told(kind: str, patient: Patient, pump_id: int, symptoms: Sequence[str], now: datetime) -> Alert:
    """The alert of a report, due now."""
    opens, ladder = OPENS[kind]
    opening = Opening(
        clinic_id=patient.clinic_id,
        patient_id=patient.pk,
        pump_id=pump_id,
        kind=opens,
        deadlines=Deadlines(opened_at=now),
        ladder=ladder,
        detail=words_of(symptoms),
        reports=1,
    )
    alert, is_new = lifecycle.open_or_get(opening, now=now)
    if not is_new:
        alert.reports += 1
        alert.detail = words_of(symptoms) or alert.detail
        lifecycle.tell_again(alert, now=now, why=say("report %(reports)s", reports=alert.reports))
    return alert


def words_of(symptoms: Sequence[str]) -> str:
    """Symptoms by their codes, in one line."""
    return ", ".join(code.replace("_", " ") for code in symptoms)


@transaction.atomic
def said(
    *,
    pump_id: int,
    patient: Patient,
    symptoms: Collection[str],
    tones: int | None,
    call_back: bool,
    note: str,
    began_at: datetime,
    now: datetime,
    by: User,
) -> list[Report]:
    """All that somebody told a member of staff at once: a report for each syndrome the symptoms speak for, one for an
    alarm (`tones` 1 or 2, None for none; 2 as well where nobody could tell), one for the wish to be called.

    Raises:
        Impossible: as `report`, or nothing was said.
        Conflict: as `report`.
    """
    kinds = [Kind(OF_SYNDROME[syndrome]) for syndrome in _syndromes(symptoms)]
    kinds += [Kind.ONE_TONE if tones == 1 else Kind.TWO_TONES] if tones is not None else []
    kinds += [Kind.CALL_BACK] if call_back else []
    if not kinds:
        raise Impossible({"symptoms": [_("Choose what was noticed, how the pump alarms, or that a call is wanted.")]})
    return [
        report(
            pump_id=pump_id,
            patient=patient,
            kind=kind,
            symptoms=[code for code in symptoms if code in _CODES.get(kind, ())],
            note=note,
            began_at=began_at,
            now=now,
            by=by,
        )
        for kind in kinds
    ]


_CODES = {
    OF_SYNDROME[syndrome]: frozenset(symptom.code for symptom in listed)
    for syndrome, listed in known.OF_SYNDROME.items()
}


def _syndromes(symptoms: Collection[str]) -> list[Syndrome]:
    try:
        return known.syndromes(symptoms)
    except ValueError as error:
        raise Impossible({"symptoms": [_("%(error)s; use the codes of the list.") % {"error": error}]}) from error


def _check(kind: str, symptoms: Sequence[str], note: str, began_at: datetime, now: datetime) -> None:
    errors: dict[str, list[str]] = {}
    _syndromes(symptoms)
    if kind in CLINICAL and not _CODES[Kind(kind)] & set(symptoms):
        errors["symptoms"] = [_("Choose at least one symptom of this list.")]
    if len(set(symptoms)) != len(symptoms):
        errors["symptoms"] = [_("Each symptom once.")]
    if not now - AGO_AT_MOST <= began_at <= now + AHEAD_AT_MOST:
        errors["began_at"] = [_("Write when it began: within the last year, and not in the future.")]
    if len(note) > LONGEST_NOTE:
        errors["note"] = [_("Write at most %(longest_note)s characters.") % {"longest_note": LONGEST_NOTE}]
    if errors:
        raise Impossible(errors)
