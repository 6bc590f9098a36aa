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
BOXED_WARNING = say("Lioresal Intrathecal and Gablofen labels, boxed warning")


@dataclass(frozen=True)
class Down:
    """A step of a taper: from `at` on `daily_dose_mcg`, mcg/day; 0 is the stop."""

    at: datetime
    daily_dose_mcg: Decimal


@dataclass(frozen=True)
class Problem:
    """What cannot be about a plan: words without an end, and which step (from 1) and value of it they are about."""

    told: str
    step: int | None = None
    field: str = ""

    @property
    def text(self) -> str:
        if self.step is None:
            return self.told
        return say("Step %(number)s: %(told)s.", number=self.step, told=self.told)


def problems(steps: Sequence[Down], *, from_mcg: Decimal, now: datetime) -> list[Problem]:
    """What cannot be about a plan; empty if nothing. `from_mcg` is the dose that runs now."""
    if not steps:
        return [Problem(say("Write at least one step."))]
    if len(steps) > MOST_STEPS:
        return [Problem(say("At most %(most_steps)s steps.", most_steps=MOST_STEPS))]
    found = []
    if steps[0].at <= now:
        found.append(Problem(say("its time has passed. A plan begins later than now"), 1, "at"))
    before = from_mcg
    for number, step in enumerate(steps, 1):
        if number > 1 and step.at <= steps[number - 2].at:
            found.append(Problem(say("not later than the step before it"), number, "at"))
        if step.daily_dose_mcg < 0 or step.daily_dose_mcg >= before:
            told = say("a taper goes down: below %(before)s mcg/day", before=plain(before))
            found.append(Problem(told, number, "daily_dose_mcg"))
        before = step.daily_dose_mcg
    if any(step.daily_dose_mcg == 0 for step in steps[:-1]):
        found.append(Problem(say("Only the last step may be 0.")))
    return found


def findings(steps: Sequence[Down], *, from_mcg: Decimal, labels: LabelSet) -> list[Finding]:
    """What there is to say of a plan that can be.

    high: `stop_from_high` for a stop from a dose above the label's lowest; warn: `step_below_band` for each step of
    more than the label's, `steps_close` for steps nearer than the label's interval between changes.
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
                    "Step %(number)s: a stop from %(before)s mcg/day, a drop of 100 %%. Withdrawal can be fatal. The "
                    "label's range goes down to %(least)s mcg/day: take steps down to that first.",
                    number=number,
                    before=plain(before),
                    least=least,
                )
                found.append(Finding("stop_from_high", Severity.HIGH, told, BOXED_WARNING))
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
