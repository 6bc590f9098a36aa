"""A telephone call about a refill, kept with who made it and when; never changed."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from clinics.errors import Conflict, Impossible
from clinics.models import User
from patients.models import Patient
from patients.services import locked_for_change
from scheduling.models import Call

# The same said twice by the same person within so long is one call: a finger that was quick.
ONE_CALL = timedelta(seconds=30)
MOST_NOTE = 200


@transaction.atomic
def log(*, patient: Patient, pump_id: int, outcome: str, note: str, by: User, now: datetime) -> Call:
    """Keep that somebody telephoned, and what came of it.

    Raises:
        Impossible: no such outcome; or it is in the note, and there is none.
        Conflict: the record has gone to another clinic.
    """
    locked, words = locked_for_change(patient), note.strip()
    if outcome not in Call.Outcome.values:
        raise Impossible({"outcome": [_("Say what came of the call.")]})
    if outcome == Call.Outcome.OTHER and not words:
        raise Impossible({"note": [_("Nothing was kept. Write what came of the call.")]})
    if len(words) > MOST_NOTE:
        raise Impossible({"note": [_("Nothing was kept. Write at most %(most)s letters.") % {"most": MOST_NOTE}]})
    what = {"pump_id": pump_id, "by": by, "outcome": outcome, "note": words}
    known = Call.objects.standing().filter(**what, at__gt=now - ONE_CALL).first()
    return known or Call.objects.create(clinic=locked.clinic, patient=locked, at=now, **what)


@transaction.atomic
def void(*, call: Call, by: User, now: datetime) -> Call:
    """The call was entered in error: it stays, and counts no more. Returns what says so.

    Raises:
        Conflict: it is marked already; or the record has gone to another clinic.
    """
    locked = locked_for_change(call.patient)
    if call.voids_id is not None or Call.objects.filter(voids=call).exists():
        raise Conflict(_("This call is already marked as entered in error."))
    return Call.objects.create(clinic=locked.clinic, patient=locked, pump_id=call.pump_id, at=now, by=by, voids=call)
