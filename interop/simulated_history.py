"""The life of a simulated pump: planned on days since the implant, then laid on the calendar around `now`."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

from interop.simulated_flow import Filling, Program, Setting

LONGEST_INTERVAL_DAYS = 170
LONGEST_HISTORY_DAYS = 6 * 365
# Refills come so long before the programmed low date.
LEAD_DAYS = (3.0, 10.0)
# A constant-flow pump has no low level to warn at, so its clinics keep this part of a fill as well.
CONSTANT_FLOW_RESERVE = 0.15
LOW_CONCENTRATION, HIGH_CONCENTRATION = 500, 2000


@dataclass(frozen=True)
class SimModel:
    """The catalogue's figures of a model. `factory_flows` (mL/day) are of constant-flow pumps."""

    name: str
    prefix: str
    reservoir_ml: float
    low_ml: float
    ratio_mean: float
    ratio_sd: float
    factory_flows: tuple[float, ...] = ()


@dataclass(frozen=True)
class Wish:
    """How a pump is to stand at `now`; what is None is drawn.

    `days_to_low` is until the programmed low date, negative if that is past; `lot_days` until the lot of the last fill
    expires. `stopped` ends with a stop on the day before; `without_dose` leaves the dose changes out.
    """

    days_to_low: float | None = None
    model: SimModel | None = None
    shape: str | None = None
    fills: int | None = None
    lot_days: int | None = None
    dose_mcg: float | None = None
    flow_ratio: float | None = None
    stopped: bool = False
    without_dose: bool = False
    last_aspirated_zero: bool = False


@dataclass(frozen=True)
class History:
    """A life laid on the calendar; nothing in it is later than `now`."""

    implanted_on: date
    fillings: list[Filling]
    settings: list[Setting]
    factory_flow: float | None


def live(random: Random, model: SimModel, wish: Wish, zone: ZoneInfo, now: datetime) -> History:
    plan = _Plan(random, model, wish)
    plan.make()
    return plan.laid(zone, now)


@dataclass
class _Plan:
    """A pump's life on whole days since the implant, until it has all its fills.

    `fills` are (day, mcg/mL), `doses` (day, program). Intervals are planned on the daily average, as clinics do.
    """

    random: Random
    model: SimModel
    wish: Wish
    fills: list[tuple[int, int]] = field(default_factory=list)
    doses: list[tuple[int, Program]] = field(default_factory=list)
    titration: list[int] = field(default_factory=list)
    factory_flow: float | None = None
    dose: float = 0.0
    days_to_low: float = 0.0

    def make(self) -> None:
        final_dose = self.wish.dose_mcg or min(max(self.random.lognormvariate(5.4, 0.55), 60.0), 1100.0)
        concentration = self._concentration(final_dose)
        if self.model.factory_flows:
            self.factory_flow = self.random.choice(self.model.factory_flows)
            self.dose = self.factory_flow * concentration
        else:
            self.dose = round(final_dose * self.random.uniform(0.35, 0.6), 1)
            self.titration = self._titration(final_dose)
        self._program(0)
        self._refill_and_refill(concentration, self.wish.fills or self.random.randint(3, 15))

    def _concentration(self, dose: float) -> int:
        """The weaker one where it lasts a month."""
        days = (self.model.reservoir_ml - self.model.low_ml) * LOW_CONCENTRATION / dose
        return LOW_CONCENTRATION if days >= 35 else HIGH_CONCENTRATION

    def _titration(self, final_dose: float) -> list[int]:
        """The days of the steps up."""
        days: list[int] = []
        day, dose = 0, self.dose
        while dose < final_dose * 0.95 and len(days) < 8:
            day += self.random.randint(3, 9)
            days.append(day)
            dose *= 1.18
        return days

    def _refill_and_refill(self, concentration: int, wanted: int) -> None:
        day, strength = 0, LOW_CONCENTRATION if self.titration else concentration
        while True:
            self.fills.append((day, strength))
            lead = self.random.uniform(*LEAD_DAYS)
            stepped, low = self._drain(day, strength, lead)
            self.days_to_low = low - day
            following = int(min(low - self._lead(lead), day + LONGEST_INTERVAL_DAYS))
            if len(self.fills) >= wanted or following > LONGEST_HISTORY_DAYS:
                return
            day = max(following, day + 7, stepped + 1)
            self.titration = [max(step, day + 3 + 4 * place) for place, step in enumerate(self.titration)]
            strength = concentration
            if not self.titration and self.factory_flow is None and self.random.random() < 0.35:
                self.dose = round(self.dose * self.random.choice((0.9, 1.05, 1.1, 1.15)), 1)
                self._program(day)

    def _drain(self, day: int, strength: int, lead: float) -> tuple[int, float]:
        """Titrate on while the fill lasts; the day of the last step (or of the fill) and that of the low level."""
        at, left = day, self.model.reservoir_ml - self.model.low_ml
        while self.titration:
            used = self._flow(strength) * (self.titration[0] - at)
            if left - used < self._flow(strength) * lead:
                break
            at, left = self.titration.pop(0), left - used
            self.dose = round(self.dose * self.random.uniform(1.10, 1.25), 1)
            self._program(at)
        return at, at + left / self._flow(strength)

    def _lead(self, days: float) -> float:
        return days + (CONSTANT_FLOW_RESERVE * self.days_to_low if self.factory_flow is not None else 0.0)

    def _flow(self, strength: int) -> float:
        return self.factory_flow if self.factory_flow is not None else self.dose / strength

    def _program(self, day: int) -> None:
        drawn = self.random.choices(("simple_continuous", "flex", "periodic_bolus"), (80, 15, 5))[0]
        self.doses.append((day, _program(self.random, self.wish.shape or drawn, self.dose)))

    def laid(self, zone: ZoneInfo, now: datetime) -> History:
        """The plan with its last fill so many days before `now` that the pump stands as it should."""
        latest = min(self.days_to_low - self._lead(self.random.uniform(*LEAD_DAYS)), LONGEST_INTERVAL_DAYS)
        since = self.random.uniform(1.0, max(latest, 1.0))
        if self.wish.days_to_low is not None:
            since = self.days_to_low - self.wish.days_to_low
        before = timedelta(days=self.fills[-1][0] + max(round(since), 1))
        implanted_on = now.astimezone(zone).date() - before
        days = sorted({day for day, _ in (*self.fills, *self.doses)})
        at = {day: _visit(self.random, implanted_on + timedelta(days=day), zone) for day in days}
        settings = [_setting(at[day], program, zone) for day, program in self.doses if at[day] <= now]
        if self.wish.stopped:
            yesterday = now.replace(second=0, microsecond=0) - timedelta(hours=20)
            settings.append(_setting(yesterday, Program("stopped", 0.0), zone))
        return History(
            implanted_on=implanted_on,
            fillings=[Filling(at[day], self.model.reservoir_ml, strength) for day, strength in self.fills],
            settings=self._constant(settings) if self.factory_flow is not None else settings,
            factory_flow=self.factory_flow,
        )

    def _constant(self, settings: Sequence[Setting]) -> list[Setting]:
        """What a constant-flow pump delivers is its flow times what is in it."""
        return [replace(settings[0], program=Program("", self._flow(0) * self.fills[-1][1]))]


def _visit(random: Random, day: date, zone: ZoneInfo) -> datetime:
    """A quarter of an hour in working hours."""
    quarter = random.randrange(9 * 4, 16 * 4)
    return datetime.combine(day, time(quarter // 4, quarter % 4 * 15), tzinfo=zone).astimezone(UTC)


def _setting(at: datetime, program: Program, zone: ZoneInfo) -> Setting:
    offset = at.astimezone(zone).utcoffset() or timedelta(0)
    return Setting(at, program, offset.total_seconds())


def _program(random: Random, shape: str, dose: float) -> Program:
    if shape == "flex":
        evening, morning = random.choice((20, 21, 22)), random.choice((6, 7))
        # A night at twice the day's rate.
        rate = dose / (24 + (morning - evening) % 24)
        return Program("flex", dose, steps=((morning * 60, round(rate, 4)), (evening * 60, round(2 * rate, 4))))
    if shape == "periodic_bolus":
        bolus = round(dose * 0.15, 1)
        rate = round((dose - 3 * bolus) / 24, 4)
        boluses = tuple((hour * 60, bolus) for hour in (7, 13, 21))
        return Program("periodic_bolus", dose, steps=((0, rate),), boluses=boluses)
    return Program("simple_continuous", dose)
