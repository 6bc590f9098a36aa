"""What of an alert is shown to whom: symptoms are clinical data, that somebody has to act is not."""

from alerts.models import Alert, Report
from clinical.saying import say
from clinics.models import User
from clinics.roles import Permission
from clinics.saying import said

Kind = Alert.Kind
# As they are kept too, within what an alert is about.
SYMPTOM_WORDS = {
    "tightness": say("tightness"),
    "itching": say("itching"),
    "tingling": say("tingling"),
    "light_headed": say("light headed"),
    "sweating": say("sweating"),
    "fever": say("fever"),
    "confusion": say("confusion"),
    "hallucinations": say("hallucinations"),
    "seizure": say("seizure"),
    "fast_heart": say("fast heart"),
    "rigid": say("rigid"),
    "unwell": say("unwell"),
    "drowsy": say("drowsy"),
    "dizzy": say("dizzy"),
    "floppy": say("floppy"),
    "slurred": say("slurred"),
    "vision": say("vision"),
    "vomiting": say("vomiting"),
    "watering_mouth": say("watering mouth"),
    "slow_breathing": say("slow breathing"),
    "unconscious": say("unconscious"),
}
CLINICAL_KINDS = frozenset({Kind.WITHDRAWAL, Kind.OVERDOSE})
# Closing what was reported of a body or a pump takes somebody who may log; the rest, whoever books and phones.
RESOLVED_BY_CARE = CLINICAL_KINDS | {Kind.PUMP_ALARM, Kind.PUMP_ALARM_TWO_TONES, Kind.DISCREPANCY}


def sees_clinical(user: User, clinic_id: int) -> bool:
    return user.access.can(Permission.SEE_CLINICAL, clinic_id)


def detail_for(alert: Alert, user: User) -> str:
    """What an alert is about, as far as the person may know."""
    return "" if alert.kind in CLINICAL_KINDS and not sees_clinical(user, alert.clinic_id) else alert.detail


def report_words(report: Report, user: User) -> str:
    """What was reported, in one line, as far as the person may know."""
    if not sees_clinical(user, report.clinic_id):
        return str(report.get_kind_display())
    symptoms = ", ".join(said(SYMPTOM_WORDS[code]) for code in report.symptoms)
    kind = report.get_kind_display()
    return "; ".join(part for part in (f"{kind}: {symptoms}" if symptoms else kind, said(report.note)) if part)


def needed_to_resolve(alert: Alert) -> Permission:
    return Permission.LOG if alert.kind in RESOLVED_BY_CARE else Permission.BOOK
