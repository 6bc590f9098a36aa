"""Signed doses into the ledger: what was signed with its findings in sight is not asked about again."""

from datetime import datetime

from django.db import transaction

from clinics.errors import NeedsConfirmation
from clinics.models import User
from pumps.models import Event
from pumps.services import ledger
from pumps.services.entries import DoseEntry, EventEntry


def record_signed(*, pump_id: int, entry: DoseEntry | EventEntry, by: User, source: str, now: datetime) -> Event:
    """
    Raises:
        Impossible, Conflict: as `ledger.record`.
    """
    try:
        with transaction.atomic():
            return ledger.record(pump_id=pump_id, entry=entry, user=by, source=source, now=now, is_signed=True)
    except NeedsConfirmation as asked:
        codes = {doubt.code for doubt in asked.doubts}
        return ledger.record(
            pump_id=pump_id, entry=entry, user=by, source=source, now=now, is_signed=True, confirmed=codes
        )
