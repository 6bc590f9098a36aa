"""A taper: steps down with dates, and what to say of it before it is signed.

Abrupt stop of intrathecal baclofen can be fatal (boxed warning): a pump reaches 0 by a signed plan alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from clinical.findings import Finding, Severity
from clinical.labels import LabelSet
from clinical.saying import say
from clinical.units import plain

MOST_STEPS = 60


@dataclass(frozen=True)
class Down:
    """A step of a taper: from `at` on `daily_dose_mcg`, mcg/day; 0 is the stop."""

    at: datetime
    daily_dose_mcg: Decimal


def problems(steps: Sequence[Down], *, from_mcg: Decimal, now: datetime) -> list[str]:
    """What cannot be about a plan; empty if nothing. `from_mcg` is the dose that runs now."""
    if not steps:
        return [say("Write at least one step.")]
    if len(steps) > MOST_STEPS:
        return [say("At most %(most_steps)s steps.", most_steps=MOST_STEPS)]
    found = []
    if steps[0].at <= now:
        found.append(say("Step 1: its time has passed. A plan begins later than now."))
    before = from_mcg
    for number, step in enumerate(steps, 1):
        if number > 1 and step.at <= steps[number - 2].at:
            found.append(say("Step %(number)s: not later than the step before it.", number=number))
        if step.daily_dose_mcg < 0 or step.daily_dose_mcg >= before:
            found.append(
                say(
                    "Step %(number)s: a taper goes down: below %(before)s mcg/day.", number=number, before=plain(before)
                )
            )
        before = step.daily_dose_mcg
    if any(step.daily_dose_mcg == 0 for step in steps[:-1]):
        found.append(say("Only the last step may be 0."))
    return found


def findings(steps: Sequence[Down], *, from_mcg: Decimal, labels: LabelSet) -> list[Finding]:
    """What there is to say of a plan that can be.

    warn: `step_below_band` for each step of more than the label's, `stop_from_high` for a stop from a dose above the
    label's lowest, `steps_close` for steps nearer than the label's interval between changes.
    Source: clinical rules, section 3 (step down for side effects; abrupt stop).
    """
    found: list[Finding] = []
    most, source = labels.decrease_pct[1], labels.source_of("decrease_pct")
    least = labels.dose_range_mcg[0]
    close = timedelta(hours=float(labels.increase_interval_hours))
    before, last = from_mcg, None
    for number, step in enumerate(steps, 1):
        if step.daily_dose_mcg == 0:
            if before > least:
                told = say(
                    "Step %(number)s: a stop from %(before)s mcg/day; the label's range begins at %(least)s mcg/day.",
                    number=number,
                    before=plain(before),
                    least=least,
                )
                found.append(Finding("stop_from_high", Severity.WARN, told, labels.source_of("dose_range_mcg")))
        elif (before - step.daily_dose_mcg) * 100 > most * before:
            pct = ((before - step.daily_dose_mcg) * 100 / before).quantize(Decimal("0.1"))
            told = say(
                "Step %(number)s: %(pct)s %% less: a decrease of more than %(most)s %% can bring on withdrawal.",
                number=number,
                pct=plain(pct),
                most=most,
            )
            found.append(Finding("step_below_band", Severity.WARN, told, source))
        if last is not None and step.at - last < close:
            told = say(
                "Step %(number)s: less than %(increase_interval_hours)s h after the step before it.",
                number=number,
                increase_interval_hours=labels.increase_interval_hours,
            )
            found.append(Finding("steps_close", Severity.WARN, told, labels.source_of("increase_interval_hours")))
        before, last = step.daily_dose_mcg, step.at
    return found
