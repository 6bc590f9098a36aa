"""What a patient can have called for beside a program."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from math import ceil

from clinical.ledger import Fill, Interrogation, LedgerEvent, ProgramChange


def most_called_for(ledger: Sequence[LedgerEvent], at: datetime) -> Decimal:
    """The most (mcg) that patient boluses can have given up to `at`, from the last fill or the last reading of them on.

    A program allows its number of boluses in every 24 hours begun. `ledger` is in order and before `at`; without a fill
    and a reading all of its programs count.
    """
    programs = [event for event in ledger if isinstance(event, ProgramChange)]
    since = max((event.at for event in ledger if _begins(event)), default=None)
    ends = [*(change.at for change in programs[1:]), at]
    most = Decimal(0)
    for change, end in zip(programs, ends, strict=False):
        begun = max(change.at, since) if since is not None else change.at
        if end > begun:
            most += change.program.most_by_patient_mcg * ceil((end - begun) / timedelta(days=1))
    return most


def _begins(event: LedgerEvent) -> bool:
    return isinstance(event, Fill) or (isinstance(event, Interrogation) and event.patient_bolus_mcg is not None)
