"""A guided refill visit, stored: the refill, its bridge bolus and a change of dose, all of it or nothing, and once."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from clinics.errors import Conflict, Doubt, NeedsConfirmation
from clinics.models import User
from pumps import forecasting
from pumps.models import Event, Pump, VisitDraft
from pumps.services import consequences, ledger, visit_checks
from pumps.services.consequences import Consequence
from pumps.services.entries import DoseEntry, EventEntry, RefillEntry
from pumps.services.visit_checks import Checks


@dataclass(frozen=True)
class Visit:
    """What is to be stored. The dose, where it was changed, and the bridge are of the refill's moment.

    `checks` says what was looked at on the way: the needle, and how the filling went.
    """

    refill: RefillEntry
    dose: DoseEntry | None = None
    bridge: EventEntry | None = None
    checks: Checks = field(default_factory=dict)


def consequence(pump: Pump, visit: Visit, *, now: datetime) -> Consequence:
    """What follows from all of it together: the pump before the visit and after it, and every question.

    Raises:
        Impossible, Conflict: as storing it would.
    """
    found = consequences.of_entry(pump, visit.refill, now=now, bridge=visit.bridge)
    doubts = [*found.doubts, *visit_checks.doubts_of(visit.refill, found.residual, visit.checks)]
    if visit.dose is None:
        return replace(found, doubts=doubts)
    with_dose = consequences.of_entry(pump, visit.dose, now=now, upon=[found.event])
    return replace(found, doubts=[*doubts, *with_dose.doubts], after=with_dose.after)


def stored_as(*, pump_id: int, token: UUID, user: User) -> Event | None:
    """The refill that a visit has become; None while it is not stored, or once it was entered in error."""
    rows = VisitDraft.objects.filter(pump=pump_id, user=user, token=token, refill__isnull=False)
    row = rows.filter(refill__voided_by=None).select_related("refill").first()
    return row.refill if row is not None else None


@transaction.atomic
def store(
    *,
    pump_id: int,
    token: UUID,
    visit: Visit,
    user: User,
    now: datetime,
    confirmed: Collection[str] = (),
    seen: int | None = None,
) -> Event:
    """Store a visit, once a `token`: sent again, it answers the refill it became. Returns the refill.

    The pump is locked first, so that of two at once the second finds what the first has stored.

    Raises:
        Overtaken, Impossible, Conflict, NeedsConfirmation: as `ledger.record`; nothing is stored then.
    """
    forecasting.held([pump_id])
    known = stored_as(pump_id=pump_id, token=token, user=user)
    if known is not None:
        return known
    if VisitDraft.objects.filter(pump=pump_id, user=user, token=token, refill__isnull=False).exists():
        raise Conflict(
            _("What this page stored was marked as entered in error since. Open the visit again from the pump's page.")
        )
    if VisitDraft.objects.filter(token=token).exclude(pump=pump_id, user=user).exists():
        raise Conflict(_("This page is of another visit. Open the visit again from the pump's page."))
    _insist(pump_id, visit, now, confirmed)
    refill = ledger.record(
        pump_id=pump_id,
        entry=visit.refill,
        bridge=visit.bridge,
        user=user,
        source=Event.Source.PAGE,
        now=now,
        confirmed=confirmed,
        seen=seen,
    )
    if visit.dose is not None:
        ledger.record(
            pump_id=pump_id, entry=visit.dose, user=user, source=Event.Source.PAGE, now=now, confirmed=confirmed
        )
    _end(refill, token, visit.checks, user, now)
    return refill


def _insist(pump_id: int, visit: Visit, now: datetime, confirmed: Collection[str]) -> None:
    """Every question at once, those of the dose too, rather than one after the other."""
    pump = Pump.objects.select_related("clinic", "model", "patient").get(pk=pump_id)
    still_open: list[Doubt] = [
        doubt for doubt in consequence(pump, visit, now=now).doubts if doubt.code not in confirmed
    ]
    if still_open:
        raise NeedsConfirmation(still_open)


def _end(refill: Event, token: UUID, checks: Checks, user: User, now: datetime) -> None:
    """The draft has become a refill; what else the person had begun at this pump is done with."""
    mine = VisitDraft.objects.filter(pump=refill.pump_id, user=user)
    begun = mine.filter(refill=None).first()
    begun_at = begun.begun_at if begun is not None else now
    mine.filter(refill=None).delete()
    VisitDraft.objects.create(
        clinic_id=refill.pump.clinic_id,
        pump_id=refill.pump_id,
        user=user,
        token=token,
        checks=dict(checks),
        begun_at=begun_at,
        saved_at=now,
        refill=refill,
    )
