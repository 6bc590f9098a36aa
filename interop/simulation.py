"""A simulated fleet in the import format, with what the records do not show alongside. Pure and seeded.

What is simulated: each pump has one true flow ratio for life, drawn as its model's figures say (clinical rules,
section 2). It is implanted and filled, titrated from a low dose in steps of 10 to 25 % some days apart, and then
changed a little at some refills. Refills come 3 to 10 days before the programmed low date, 170 days after the last one
at the latest, in working hours on the clinic's clock. What is aspirated is what is truly left, plus measurement noise,
to 0.1 mL. Where the dose outgrows 500 mcg/mL, the second fill is 2000 mcg/mL. Constant-flow pumps have no dose changes.

A history is made on days since the implant and then laid so that the pump stands at `now` as it should, which is why
dates are always around `now`. The same seed, number and `now` give the same pump, in whatever order pumps are made.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

from interop.simulated_flow import Filling, Program, Setting, Truth, aspirated_ml, truth
from interop.simulated_names import FAMILY_NAMES, GIVEN_NAMES

Cells = dict[str, str]
LONGEST_INTERVAL_DAYS = 170
LONGEST_HISTORY_DAYS = 6 * 365
LEAD_DAYS = (3.0, 10.0)
NOISE_ML = 0.5
LOW_CONCENTRATION, HIGH_CONCENTRATION = 500, 2000


@dataclass(frozen=True)
class SimClinic:
    name: str
    timezone: str
    label_set: str = "us"
    patient_facing_name: str = ""


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


SYNCHROMED_20 = SimModel("SynchroMed II 8637-20", "NGP", 20, 2, 1.00, 0.05)
SYNCHROMED_40 = SimModel("SynchroMed II 8637-40", "NGV", 40, 2, 1.00, 0.05)
PROMETRA_20 = SimModel("Prometra II 20", "PRO", 20, 3, 0.97, 0.06)
CODMAN_30 = SimModel("Codman 3000-30", "COD", 30, 0, 1.00, 0.10, (0.3, 0.5, 0.75))
ISOMED_35 = SimModel("IsoMed 8472-35", "ISO", 35, 0, 1.00, 0.10, (0.3, 0.5, 1.0))
MODELS = (SYNCHROMED_20, SYNCHROMED_40, PROMETRA_20, CODMAN_30, ISOMED_35)
MODEL_WEIGHTS = (30, 45, 15, 6, 4)


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
    stopped: bool = False
    without_dose: bool = False
    last_aspirated_zero: bool = False


NO_WISH = Wish()


@dataclass(frozen=True)
class SimPump:
    """Rows of the import format, and the truth at `now`."""

    patient: Cells
    pump: Cells
    refills: list[Cells]
    dose_changes: list[Cells]
    truth: Truth


def fleet(*, seed: int, pumps: int, clinics: Sequence[SimClinic], now: datetime) -> Iterator[SimPump]:
    """Pumps one by one, shared out evenly among the clinics."""
    for number in range(pumps):
        yield simulate(seed=seed, number=number, clinic=clinics[number % len(clinics)], now=now)


def simulate(*, seed: int, number: int, clinic: SimClinic, now: datetime, wish: Wish = NO_WISH) -> SimPump:
    random = Random(f"{seed}:{number}")  # noqa: S311  # a simulation is repeatable, not secret
    model = wish.model or random.choices(MODELS, MODEL_WEIGHTS)[0]
    identity = f"{seed % 1000:03}{number:06}"
    patient = _patient(random, clinic, identity, number, now)
    visits = _Visits(random, model, wish).made()
    ratio = min(max(random.gauss(model.ratio_mean, model.ratio_sd), 0.8), 1.2)
    history = _laid(visits, random, clinic, now, wish)
    return SimPump(
        patient=patient,
        pump=_pump(random, model, visits, history.implanted_on, patient, f"{model.prefix}{identity}H"),
        refills=_refills(random, history, ratio, model, f"{model.prefix}{identity}H", wish, now),
        dose_changes=[]
        if wish.without_dose or model.factory_flows
        else [_dose_change(setting, f"{model.prefix}{identity}H") for setting in history.settings],
        truth=truth(history.fillings, history.settings, ratio, model.low_ml, now),
    )


@dataclass
class _Visits:
    """A pump's life on whole days since the implant, until it has all its fills.

    `fills` are (day, mL, mcg/mL), `doses` (day, program). Intervals are planned on the daily average, as clinics do.
    """

    random: Random
    model: SimModel
    wish: Wish
    fills: list[tuple[int, float, int]] = field(default_factory=list)
    doses: list[tuple[int, Program]] = field(default_factory=list)
    factory_flow: float | None = None
    last_interval_days: float = 0.0

    def made(self) -> "_Visits":
        random, model = self.random, self.model
        final_dose = self.wish.dose_mcg or min(max(random.lognormvariate(5.4, 0.55), 60.0), 1100.0)
        concentration = self._concentration(final_dose)
        if model.factory_flows:
            self.factory_flow = random.choice(model.factory_flows)
            dose = self.factory_flow * concentration
            steps: list[int] = []
        else:
            dose = round(final_dose * random.uniform(0.35, 0.6), 1)
            steps = self._titration(dose, final_dose)
        wanted = self.wish.fills or random.randint(3, 15)
        self._live(dose, steps, concentration, wanted)
        return self

    def _concentration(self, dose: float) -> int:
        """The weaker one where it lasts a month."""
        usable = self.model.reservoir_ml - self.model.low_ml
        return LOW_CONCENTRATION if usable * LOW_CONCENTRATION / dose >= 35 else HIGH_CONCENTRATION

    def _titration(self, dose: float, final_dose: float) -> list[int]:
        """The days of the steps up."""
        days: list[int] = []
        day = 0
        while dose < final_dose * 0.95 and len(days) < 8:
            day += self.random.randint(3, 9)
            days.append(day)
            dose *= 1.18
        return days

    def _live(self, dose: float, titration: Sequence[int], concentration: int, wanted: int) -> None:
        day, strength = 0, LOW_CONCENTRATION if not self.model.factory_flows else concentration
        self._program(day, dose)
        pending = list(titration)
        while True:
            self.fills.append((day, self.model.reservoir_ml, strength))
            usable = self.model.reservoir_ml - self.model.low_ml
            lead = self.random.uniform(*LEAD_DAYS)
            at, left = float(day), usable
            while pending:
                step = pending[0]
                used = self._flow(dose, strength) * (step - at)
                if left - used < self._flow(dose, strength) * lead:
                    break
                at, left = float(step), left - used
                dose = round(dose * self.random.uniform(1.10, 1.25), 1)
                self._program(pending.pop(0), dose)
            low = at + left / self._flow(dose, strength)
            self.last_interval_days = low - day
            following = int(min(low - lead, day + LONGEST_INTERVAL_DAYS))
            if len(self.fills) >= wanted or following > LONGEST_HISTORY_DAYS:
                return
            day = max(following, day + 7, round(at) + 1)
            pending = [max(step, day + 3 + 4 * place) for place, step in enumerate(pending)]
            strength = concentration
            if not pending and self.random.random() < 0.35:
                dose = round(dose * self.random.choice((0.9, 1.05, 1.1, 1.15)), 1)
                self._program(day, dose)

    def _flow(self, dose: float, strength: int) -> float:
        return self.factory_flow if self.factory_flow is not None else dose / strength

    def _program(self, day: int, dose: float) -> None:
        drawn = self.random.choices(("simple_continuous", "flex", "periodic_bolus"), (80, 15, 5))[0]
        self.doses.append((day, _program(self.random, self.wish.shape or drawn, dose)))


def _program(random: Random, shape: str, dose: float) -> Program:
    if shape == "flex":
        evening, morning = random.choice((20, 21, 22)), random.choice((6, 7))
        # A night at twice the day's rate.
        night_hours = (morning - evening) % 24
        rate = dose / (24 + night_hours)
        return Program("flex", dose, steps=((morning * 60, round(rate, 4)), (evening * 60, round(2 * rate, 4))))
    if shape == "periodic_bolus":
        bolus = round(dose * 0.15, 1)
        rate = round((dose - 3 * bolus) / 24, 4)
        return Program(
            "periodic_bolus", dose, steps=((0, rate),), boluses=tuple((at * 60, bolus) for at in (7, 13, 21))
        )
    return Program("simple_continuous", dose)


@dataclass(frozen=True)
class _History:
    """A life laid on the calendar; nothing in it is later than `now`."""

    implanted_on: date
    fillings: list[Filling]
    settings: list[Setting]


def _laid(visits: _Visits, random: Random, clinic: SimClinic, now: datetime, wish: Wish) -> _History:
    zone = ZoneInfo(clinic.timezone)
    interval = visits.last_interval_days
    if wish.days_to_low is not None:
        since = interval - wish.days_to_low
    else:
        since = random.uniform(1.0, min(interval - random.uniform(*LEAD_DAYS), LONGEST_INTERVAL_DAYS))
    last_day = visits.fills[-1][0]
    implanted_on = now.astimezone(zone).date() - timedelta(days=last_day + max(round(since), 1))

    hours = {day: random.randrange(9 * 4, 16 * 4) * 15 for day in sorted(_days(visits))}

    def moment(day: int) -> datetime:
        local = datetime.combine(implanted_on + timedelta(days=day), time(hours[day] // 60, hours[day] % 60))
        return local.replace(tzinfo=zone).astimezone(UTC)

    fillings = [Filling(moment(day), ml, concentration) for day, ml, concentration in visits.fills]
    settings = [_setting(moment(day), program, zone) for day, program in visits.doses if moment(day) <= now]
    if visits.factory_flow is not None:
        strength = visits.fills[-1][2]
        settings = [replace(settings[0], program=Program("", visits.factory_flow * strength))]
    if wish.stopped:
        settings.append(
            _setting(now.replace(second=0, microsecond=0) - timedelta(hours=20), Program("stopped", 0.0), zone)
        )
    return _History(implanted_on, fillings, settings)


def _days(visits: _Visits) -> set[int]:
    return {day for day, *_ in visits.fills} | {day for day, _ in visits.doses}


def _setting(at: datetime, program: Program, zone: ZoneInfo) -> Setting:
    offset = at.astimezone(zone).utcoffset() or timedelta(0)
    return Setting(at, program, offset.total_seconds())


def _patient(random: Random, clinic: SimClinic, identity: str, number: int, now: datetime) -> Cells:
    given, family = random.choice(GIVEN_NAMES), random.choice(FAMILY_NAMES)
    born = now.date() - timedelta(days=round(random.triangular(13, 85, 48) * 365.25))
    return {
        "clinic": clinic.name,
        "mrn": f"M{identity}",
        "given_name": given,
        "family_name": family,
        "date_of_birth": born.isoformat(),
        "email": f"{given}.{family}.{number}@example.org".lower(),
        "phone": f"+1555{int(identity) % 10**7:07}",
        "email_reminders": random.choice(("yes", "yes", "yes", "no")),
        "spasticity_origin": random.choice(("spinal", "cerebral")),
    }


def _pump(random: Random, model: SimModel, visits: _Visits, implanted_on: date, patient: Cells, serial: str) -> Cells:
    return {
        "serial_number": serial,
        "mrn": patient["mrn"],
        "clinic": patient["clinic"],
        "model": model.name,
        "implanted_on": implanted_on.isoformat(),
        "catheter_volume_ml": f"{random.uniform(0.13, 0.22):.3f}",
        "low_reservoir_alarm_ml": "",
        "flow_accuracy_pct": "",
        "factory_flow_ml_per_day": f"{visits.factory_flow:g}" if visits.factory_flow is not None else "",
        "explanted_on": "",
    }


def _refills(
    random: Random, history: _History, ratio: float, model: SimModel, serial: str, wish: Wish, now: datetime
) -> list[Cells]:
    rows = []
    for place, filling in enumerate(history.fillings):
        aspirated = ""
        if place:
            left = aspirated_ml(history.fillings[place - 1], filling.at, history.settings, ratio)
            measured = left + random.gauss(0, NOISE_ML) if left > 0 else 0.0
            aspirated = f"{min(max(measured, 0.0), model.reservoir_ml):.1f}"
        expires = filling.at.date() + timedelta(days=random.randint(240, 720))
        rows.append(
            {
                "serial_number": serial,
                "refilled_at": _written(filling.at),
                "aspirated_ml": aspirated,
                "filled_ml": f"{filling.filled_ml:.1f}",
                "concentration_mcg_per_ml": str(filling.concentration_mcg_per_ml),
                "formulation": random.choice(("Lioresal", "Gablofen")),
                "lot_number": f"L{random.randrange(10**5):05}",
                "drug_expires_on": expires.isoformat(),
                "stability_days": random.choice(("", "", "180")),
            }
        )
    if wish.last_aspirated_zero:
        rows[-1]["aspirated_ml"] = "0.0"
    if wish.lot_days is not None:
        rows[-1]["drug_expires_on"] = (now.date() + timedelta(days=wish.lot_days)).isoformat()
    return rows


def _dose_change(setting: Setting, serial: str) -> Cells:
    program = setting.program
    return {
        "serial_number": serial,
        "effective_at": _written(setting.at),
        "mode": program.mode,
        "daily_dose_mcg": f"{program.daily_dose_mcg:g}",
        "steps": ";".join(f"{at // 60:02}:{at % 60:02}={rate}" for at, rate in program.steps),
        "boluses": ";".join(f"{at // 60:02}:{at % 60:02}={dose}" for at, dose in program.boluses),
        "reason": "",
    }


def _written(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
