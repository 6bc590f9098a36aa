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
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from interop.simulated_flow import Filling, Setting, Truth, aspirated_ml, truth
from interop.simulated_history import History, SimModel, Wish, live
from interop.simulated_names import FAMILY_NAMES, GIVEN_NAMES

Cells = dict[str, str]
NOISE_ML = 0.5
NO_WISH = Wish()

SYNCHROMED_20 = SimModel("SynchroMed II 8637-20", "NGP", 20, 2, 1.00, 0.05)
SYNCHROMED_40 = SimModel("SynchroMed II 8637-40", "NGV", 40, 2, 1.00, 0.05)
PROMETRA_20 = SimModel("Prometra II 20", "PRO", 20, 3, 0.97, 0.06)
CODMAN_30 = SimModel("Codman 3000-30", "COD", 30, 0, 1.00, 0.10, (0.3, 0.5, 0.75))
ISOMED_35 = SimModel("IsoMed 8472-35", "ISO", 35, 0, 1.00, 0.10, (0.3, 0.5, 1.0))
MODELS = (SYNCHROMED_20, SYNCHROMED_40, PROMETRA_20, CODMAN_30, ISOMED_35)
MODEL_WEIGHTS = (30, 45, 15, 6, 4)


@dataclass(frozen=True)
class SimClinic:
    """A row of clinics.csv."""

    name: str
    timezone: str
    label_set: str = "us"
    patient_facing_name: str = ""
    phone: str = ""


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
    serial = f"{model.prefix}{identity}H"
    drawn = min(max(random.gauss(model.ratio_mean, model.ratio_sd), 0.8), 1.2)
    ratio = wish.flow_ratio if wish.flow_ratio is not None else drawn
    history = live(random, model, wish, ZoneInfo(clinic.timezone), now)
    has_doses = not (wish.without_dose or model.factory_flows)
    return SimPump(
        patient=_patient(random, clinic, identity, now),
        pump=_pump(random, model, clinic, identity, history),
        refills=_wished(_refills(random, history, ratio, model, serial), wish, now),
        dose_changes=[_dose_change(setting, serial) for setting in history.settings] if has_doses else [],
        truth=truth(history.fillings, history.settings, ratio, model.low_ml, now),
    )


def _patient(random: Random, clinic: SimClinic, identity: str, now: datetime) -> Cells:
    given, family = random.choice(GIVEN_NAMES), random.choice(FAMILY_NAMES)
    # Old enough for the pump they may have had for six years.
    born = now.date() - timedelta(days=round(random.triangular(13, 85, 48) * 365.25))
    return {
        "clinic": clinic.name,
        "mrn": f"M{identity}",
        "given_name": given,
        "family_name": family,
        "date_of_birth": born.isoformat(),
        "email": f"{given}.{family}.{int(identity)}@example.org".lower(),
        "phone": f"+1555{int(identity) % 10**7:07}",
        "email_reminders": random.choice(("yes", "yes", "yes", "no")),
        "spasticity_origin": random.choice(("spinal", "cerebral")),
    }


def _pump(random: Random, model: SimModel, clinic: SimClinic, identity: str, history: History) -> Cells:
    return {
        "serial_number": f"{model.prefix}{identity}H",
        "mrn": f"M{identity}",
        "clinic": clinic.name,
        "model": model.name,
        "implanted_on": history.implanted_on.isoformat(),
        "catheter_volume_ml": f"{random.uniform(0.13, 0.22):.3f}",
        "low_reservoir_alarm_ml": "",
        "flow_accuracy_pct": "",
        "factory_flow_ml_per_day": f"{history.factory_flow:g}" if history.factory_flow is not None else "",
        "explanted_on": "",
    }


def _refills(random: Random, history: History, ratio: float, model: SimModel, serial: str) -> list[Cells]:
    rows = []
    before: Filling | None = None
    for filling in history.fillings:
        aspirated = ""
        if before is not None:
            left = aspirated_ml(before, filling.at, history.settings, ratio)
            measured = left + random.gauss(0, NOISE_ML) if left > 0 else 0.0
            aspirated = f"{min(max(measured, 0.0), model.reservoir_ml):.1f}"
        rows.append(_refill(random, filling, aspirated, serial))
        before = filling
    return rows


def _refill(random: Random, filling: Filling, aspirated: str, serial: str) -> Cells:
    expires = filling.at.date() + timedelta(days=random.randint(240, 720))
    return {
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


def _wished(refills: list[Cells], wish: Wish, now: datetime) -> list[Cells]:
    if wish.last_aspirated_zero:
        refills[-1]["aspirated_ml"] = "0.0"
    if wish.lot_days is not None:
        refills[-1]["drug_expires_on"] = (now.date() + timedelta(days=wish.lot_days)).isoformat()
    return refills


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
