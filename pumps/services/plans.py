"""A planned dose change whose moment has passed: somebody says that it was programmed."""

from datetime import datetime

from django.dispatch import Signal
from django.utils.translation import gettext as _

from clinics.errors import Conflict
from clinics.models import User
from pumps.models import Event
from pumps.services import ledger
from pumps.services.entries import EventEntry

# Sent with `event` before a plan is confirmed without a read-back: a room above may refuse that (Conflict).
confirming = Signal()


def confirm(*, pump_id: int, event: Event, user: User, source: str, now: datetime, is_read_back: bool = False) -> Event:
    """Record that a planned dose change was made as planned; returns the confirmation.

    Raises:
        Conflict: the entry is no dose change, has to be read back from the pump first, or the record is read-only.
        Impossible: it is no plan, is confirmed already or entered in error, or its moment has not come.
    """
    if event.kind != Event.Kind.DOSE_CHANGE:
        raise Conflict(_("Only a planned dose change can be confirmed."))
    if not is_read_back:
        confirming.send(sender=Event, event=event)
    entry = EventEntry(kind=Event.Kind.DOSE_CONFIRMED.value, occurred_at=now, confirms_at=event.occurred_at)
    return ledger.record(pump_id=pump_id, entry=entry, user=user, source=source, now=now)
