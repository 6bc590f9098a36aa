"""A telephone call in words, for page and paper."""

from datetime import datetime

from django.utils.translation import gettext as _

from clinics.models import Clinic
from clinics.words import moment_words
from scheduling.models import Call


def call_words(call: Call, clinic: Clinic, now: datetime | None = None) -> str:
    """`Called 09:12, nobody answered · Ann Lee`; with the day, unless it is that of `now`."""
    at = call.at.astimezone(clinic.zone)
    is_today = now is not None and at.date() == now.astimezone(clinic.zone).date()
    words = {
        "when": f"{at:%H:%M}" if is_today else moment_words(call.at, clinic.zone),
        "outcome": call.get_outcome_display(),
        "note": call.note,
        "by": str(call.by),
    }
    if call.outcome == Call.Outcome.OTHER:
        return _("Called %(when)s: %(note)s · %(by)s") % words
    if call.note:
        return _("Called %(when)s, %(outcome)s: %(note)s · %(by)s") % words
    return _("Called %(when)s, %(outcome)s · %(by)s") % words
