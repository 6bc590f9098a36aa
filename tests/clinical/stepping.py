"""An independent, slow depletion: minute by minute in exact fractions, sharing no code with the kernel's arithmetic."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from fractions import Fraction

from clinical.ledger import Fill, LedgerEvent, ProgramChange
from clinical.programs import Mode, Program, daily_sum_mcg

MINUTE = timedelta(minutes=1)


def minute_dose(program: Program, minute: int) -> Fraction:
    """mcg delivered in the minute of the pump's day that begins at `minute`; boluses at its start."""
    if program.mode is Mode.STOPPED:
        return Fraction(0)
    if not program.steps and not program.boluses:
        return Fraction(program.daily_dose_mcg) / 1440
    scale = Fraction(program.daily_dose_mcg) / Fraction(daily_sum_mcg(program))
    bolus = scale * sum((Fraction(b.dose_mcg) for b in program.boluses if b.at_minute == minute), Fraction(0))
    if not program.steps:
        return bolus
    running = [step for step in program.steps if step.start_minute <= minute] or list(program.steps)
    return bolus + scale * Fraction(running[-1].rate_mcg_per_h) / 60


def first_minute_at_or_below(
    ledger: Sequence[LedgerEvent], level: str, until: timedelta = timedelta(days=400)
) -> datetime | None:
    """The first whole minute at whose end the programmed volume since the last fill has come down to `level` mL.

    Events must lie on whole minutes.
    """
    last_fill = max((event for event in ledger if isinstance(event, Fill)), key=lambda fill: fill.at)
    programs = sorted((e for e in ledger if isinstance(e, ProgramChange)), key=lambda change: change.at)
    volume, now = Fraction(last_fill.filled_ml), last_fill.at
    concentration = Fraction(last_fill.programmed_concentration_mcg_per_ml)
    while volume > Fraction(level):
        if now > last_fill.at + until:
            return None
        current = [change for change in programs if change.at <= now]
        if current:
            local = now + timedelta(seconds=current[-1].clock_offset_s)
            volume -= minute_dose(current[-1].program, local.hour * 60 + local.minute) / concentration
        now += MINUTE
    return now
