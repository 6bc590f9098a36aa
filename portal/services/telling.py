"""What patients and contacts report by their link: told to staff at once, and nothing said twice by one press.

None is ever turned away. A page sent twice (a slow phone, a second press) is one report. A link that reports more than
MOST_AN_HOUR raises no further alarm with what it has said already, which is then kept in the alert's log instead; a
sign not named before always raises one.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction

from alerts.models import Notification, Report
from alerts.services.lifecycle import log
from alerts.services.reports import report
from clinical.saying import say
from clinical.symptoms import OF_SYNDROME, syndromes
from portal.visitor import Visitor

SAME_WITHIN = timedelta(minutes=10)
MOST_AN_HOUR = 6
HOUR = timedelta(hours=1)
NOTE_LENGTH = 500
SAID_AGAIN = say("said again")


@transaction.atomic
def tell(
    *,
    visitor: Visitor,
    kind: Report.Kind,
    now: datetime,
    symptoms: Collection[str] = (),
    note: str = "",
    began_at: datetime | None = None,
) -> None:
    """Report one thing, unless this link has just said the same and the alert it raised still stands."""
    # One press after the other, so that two at once find each other.
    Notification.objects.select_for_update().get(pk=visitor.row.pk)
    note = note[:NOTE_LENGTH]
    lately = _lately(visitor, kind, now)
    if any(_is_same(before, symptoms, note, now) for before in lately):
        return
    said = {code for before in lately for code in before.symptoms}
    if len(lately) >= MOST_AN_HOUR and set(symptoms) <= said:
        log([lately[0].alert], SAID_AGAIN, now, detail=f"{visitor.words}: {note or 'the same'}"[:NOTE_LENGTH])
        return
    report(
        pump_id=visitor.pump.pk,
        patient=visitor.patient,
        kind=kind,
        symptoms=sorted(symptoms),
        note=note,
        began_at=began_at or now,
        now=now,
        message=visitor.row,
        contact=visitor.contact,
    )


def _lately(visitor: Visitor, kind: Report.Kind, now: datetime) -> list[Report]:
    """What the link reported of this kind within the hour whose alert is still open, newest first."""
    rows = Report.objects.filter(message=visitor.row, kind=kind, reported_at__gt=now - HOUR)
    return list(rows.filter(alert__closed_at=None).select_related("alert").order_by("-pk"))


def _is_same(before: Report, symptoms: Collection[str], note: str, now: datetime) -> bool:
    is_fresh = before.reported_at > now - SAME_WITHIN
    return is_fresh and set(before.symptoms) == set(symptoms) and before.note == note


@transaction.atomic
def tell_unwell(*, visitor: Visitor, symptoms: Collection[str], note: str, began_at: datetime, now: datetime) -> None:
    """Report that the patient is unwell: one report of each kind the signs speak for."""
    for syndrome in syndromes(symptoms):
        codes = [symptom.code for symptom in OF_SYNDROME[syndrome] if symptom.code in symptoms]
        kind = Report.Kind(syndrome.value)
        tell(visitor=visitor, kind=kind, symptoms=codes, note=note, began_at=began_at, now=now)


@transaction.atomic
def call_back(*, visitor: Visitor, note: str, now: datetime) -> None:
    """They ask to be phoned."""
    tell(visitor=visitor, kind=Report.Kind.CALL_BACK, note=note, now=now)
