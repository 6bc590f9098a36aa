"""What runs in a pump now, from its ledger: what a proposal is held against."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from clinical.ledger import Fill, LedgerEvent, ProgramChange, in_order
from clinical.titration import Dose
from pumps import folding
from pumps.models import Pump


@dataclass(frozen=True)
class Standing:
    """`program` is the dose that runs now, None before the first or in a stopped pump; `changed_at` since when.

    `concentration_mcg_per_ml` is what the pump was told at its last fill. `doses` are all that have run, in order.
    """

    ledger: Sequence[LedgerEvent]
    program: ProgramChange | None
    changed_at: datetime | None
    concentration_mcg_per_ml: Decimal | None
    filled_at: datetime | None
    doses: Sequence[Dose]

    @property
    def daily_dose_mcg(self) -> Decimal | None:
        return self.program.program.daily_dose_mcg if self.program is not None else None

    def hours_since_change(self, now: datetime) -> Decimal:
        """Since the last change of the dose, or the start; a whole day where nothing has run yet."""
        if self.changed_at is None:
            return Decimal(24)
        return Decimal((now - self.changed_at).total_seconds()) / 3600


def standing_of(pump: Pump, now: datetime) -> Standing:
    ledger = in_order(folding.ledgers([pump.pk], until=now).get(pump.pk, []))
    programs = [event for event in ledger if isinstance(event, ProgramChange)]
    fills = [event for event in ledger if isinstance(event, Fill)]
    last = programs[-1] if programs else None
    runs = last is not None and last.program.daily_dose_mcg > 0
    return Standing(
        ledger=ledger,
        program=last if runs else None,
        changed_at=last.at if last is not None else None,
        concentration_mcg_per_ml=fills[-1].programmed_concentration_mcg_per_ml if fills else None,
        filled_at=fills[-1].at if fills else None,
        doses=[Dose(event.at, event.program.daily_dose_mcg) for event in programs],
    )
