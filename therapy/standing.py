"""What runs in a pump now, from its ledger: what a proposal is held against."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from clinical.ledger import Fill, LedgerEvent, Motor, MotorChange, ProgramChange, in_order
from clinical.titration import Dose
from pumps import folding
from pumps.models import Pump


@dataclass(frozen=True)
class Standing:
    """`program` is the dose that runs now, None before the first or in a stopped pump; `changed_at` since when.

    `ran_before` is the last dose that ran where none runs now: in this pump before it was stopped, else in the one it
    replaced. `stopped_at` is since when a stop by an entry of its own holds. `concentration_mcg_per_ml` is what the
    pump was told at its last fill. `doses` are all that have run, in order.
    """

    ledger: Sequence[LedgerEvent]
    program: ProgramChange | None
    changed_at: datetime | None
    concentration_mcg_per_ml: Decimal | None
    filled_at: datetime | None
    doses: Sequence[Dose]
    ran_before: Decimal | None = None
    stopped_at: datetime | None = None

    @property
    def daily_dose_mcg(self) -> Decimal | None:
        return self.program.program.daily_dose_mcg if self.program is not None else None

    def hours_since_change(self, now: datetime) -> Decimal:
        """Since the last change of the dose, or the start; a whole day where nothing has run yet."""
        if self.changed_at is None:
            return Decimal(24)
        return Decimal((now - self.changed_at).total_seconds()) / 3600


def _stopped_at(ledger: Sequence[LedgerEvent]) -> datetime | None:
    """Since when the pump is stopped by an entry of its own; a restart or a program ends that."""
    found = None
    for event in ledger:
        if isinstance(event, MotorChange) and event.motor in (Motor.STOPPED, Motor.RESTARTED):
            found = event.at if event.motor is Motor.STOPPED else None
        elif isinstance(event, ProgramChange):
            found = None
    return found


def _ran_before(pump: Pump, programs: Sequence[ProgramChange], now: datetime) -> Decimal | None:
    ran = [event.program.daily_dose_mcg for event in programs if event.program.daily_dose_mcg > 0]
    if not ran and pump.replaces_id is not None:
        before = folding.ledgers([pump.replaces_id], until=now).get(pump.replaces_id, [])
        programs = [event for event in in_order(before) if isinstance(event, ProgramChange)]
        ran = [event.program.daily_dose_mcg for event in programs if event.program.daily_dose_mcg > 0]
    return ran[-1] if ran else None


def standing_of(pump: Pump, now: datetime) -> Standing:
    ledger = in_order(folding.ledgers([pump.pk], until=now).get(pump.pk, []))
    programs = [event for event in ledger if isinstance(event, ProgramChange)]
    fills = [event for event in ledger if isinstance(event, Fill)]
    last = programs[-1] if programs else None
    stopped_at = _stopped_at(ledger)
    runs = last is not None and last.program.daily_dose_mcg > 0 and stopped_at is None
    return Standing(
        ran_before=None if runs else _ran_before(pump, programs, now),
        stopped_at=stopped_at,
        ledger=ledger,
        program=last if runs else None,
        changed_at=stopped_at or (last.at if last is not None else None),
        concentration_mcg_per_ml=fills[-1].programmed_concentration_mcg_per_ml if fills else None,
        filled_at=fills[-1].at if fills else None,
        doses=[Dose(event.at, event.program.daily_dose_mcg) for event in programs],
    )
