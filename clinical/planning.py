"""What if: a pump with another dose, drug, fill or margin, through the same kernel as its forecast. Nothing stored.

It compares; it prescribes nothing. Source of the dates: `clinical.forecast`; of the sums: the docstrings below.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from clinical.calibration import Z99
from clinical.forecast import FlowRatio, Forecast, forecast
from clinical.ledger import Fill, LedgerEvent, Prior, ProgramChange
from clinical.programs import hourly_of
from clinical.saying import say
from clinical.terms import ClinicRules, Device

DAYS_PER_YEAR = Decimal("365.25")
SECONDS_PER_DAY = Decimal(86_400)
# A ratio is never known better than this; the kernel divides by it.
SMALLEST_SD = 1e-6


@dataclass(frozen=True)
class Setting:
    """What a pump is filled with and set to: a fill, and the program from then on; None for a constant flow."""

    fill: Fill
    program: ProgramChange | None


@dataclass(frozen=True)
class Supply:
    """What a setting needs in a year of 365.25 days, fill after fill of the same.

    `interval_days` is from a fill until its `refill_by`, `limiting_factor` what sets it. Drug filled in mL and mg, and
    what the patient gets of it in mg. None where it never comes to a refill, or where one is due at once.
    """

    interval_days: Decimal | None
    limiting_factor: str
    refills_per_year: Decimal | None
    drug_ml_per_year: Decimal | None
    drug_mg_per_year: Decimal | None
    delivered_mg_per_year: Decimal | None


@dataclass(frozen=True)
class Outlook:
    """A pump's dates under a setting. Flow mL/day, dose mcg/day, hourly mcg/h; None while unknown."""

    setting: Setting
    flow_ml_per_day: float | None
    daily_dose_mcg: Decimal | None
    hourly_mcg: Decimal | None
    forecast: Forecast
    supply: Supply


def as_calibrated(device: Device, known: Forecast) -> Device:
    """A device that is believed to flow as `known` says: its calibrated mean and 99th percentile, before any refill.

    So a ledger without the pump's past gives its dates at its own ratio.
    """
    prior = Prior(known.flow_ratio.mean, _spread(known), device.facts.prior.noise_ml)
    return replace(device, facts=replace(device.facts, prior=prior))


def _spread(known: Forecast) -> float:
    """The standard deviation whose 99th percentile is the known one, also where that was widened."""
    return max((known.ratio_high - known.flow_ratio.mean) / Z99, SMALLEST_SD)


def outlook(device: Device, ledger: Sequence[LedgerEvent], rules: ClinicRules, setting: Setting) -> Outlook:
    """The dates that follow from `ledger`, and what `setting` (the last fill and program in it) needs in a year."""
    found = forecast(device, ledger, rules)
    steady = forecast(as_calibrated(device, found), _whole_fill(setting), rules)
    flow = steady.flow_ml_per_day
    dose = _dose(device, setting, flow)
    return Outlook(
        setting=setting,
        flow_ml_per_day=flow,
        daily_dose_mcg=dose,
        hourly_mcg=hourly_of(dose) if dose is not None else None,
        forecast=found,
        supply=_supply(setting.fill, steady, flow),
    )


def _whole_fill(setting: Setting) -> list[LedgerEvent]:
    """A fill and its program at one moment, as each refill will be. A lot's expiry is of one fill alone."""
    fill = replace(setting.fill, drug_expires_on=None, aspirated_ml=None)
    if setting.program is None:
        return [fill]
    return [fill, replace(setting.program, at=fill.at, is_planned=False)]


def _dose(device: Device, setting: Setting, flow: float | None) -> Decimal | None:
    """As programmed; of a constant flow: flow x concentration."""
    if device.facts.programmable:
        return setting.program.program.daily_dose_mcg if setting.program is not None else None
    factory_flow = device.facts.factory_flow_ml_per_day
    return factory_flow * setting.fill.concentration_mcg_per_ml if factory_flow is not None else None


def _supply(fill: Fill, steady: Forecast, flow: float | None) -> Supply:
    """Refills a year = 365.25 / interval; mL = refills x fill; mg = mL x concentration / 1000.

    Delivered mg = flow x concentration x 365.25 / 1000, at the programmed flow.
    """
    limit = steady.limiting_factor.value
    given = None if flow is None else Decimal(flow) * fill.concentration_mcg_per_ml * DAYS_PER_YEAR / 1000
    if steady.refill_by is None:
        return Supply(None, limit, None, None, None, given)
    interval = Decimal((steady.refill_by - fill.at).total_seconds()) / SECONDS_PER_DAY
    if interval <= 0:
        return Supply(interval, limit, None, None, None, given)
    refills = DAYS_PER_YEAR / interval
    volume = refills * fill.filled_ml
    mass = volume * fill.concentration_mcg_per_ml / 1000
    return Supply(interval, limit, refills, volume, mass, given)


def ratio_words(ratio: FlowRatio) -> str:
    """The flow ratio the dates were computed with, and on what grounds."""
    mean = f"{ratio.mean:.3f}"
    if not ratio.refills:
        return say("%(mean)s times the programmed flow, believed of the model, no refill measured it", mean=mean)
    return say("%(mean)s times the programmed flow, learned from %(refills)s refills", mean=mean, refills=ratio.refills)


# How each figure comes about, by the name the API gives it: for people, beside the figure. Dates: docs/forecast.md.
FORMULAS = {
    "rate_ml_per_day": say("daily dose / programmed concentration; of a constant-flow pump its factory flow"),
    "hourly_mcg": say("daily dose / 24"),
    "programmed_low_at": say("the volume reaches the low level at the programmed flow: the pump's own alarm date"),
    "programmed_empty_at": say("the volume reaches 0 mL at the programmed flow"),
    "low_at": say("the low level at the pump's own flow ratio, learned from its refills"),
    "empty_at": say("0 mL at the pump's own flow ratio"),
    "earliest_low_at": say("the low level at the 99th percentile of the ratio: at most 1 in 100 is low before"),
    "drug_expires_at": say("the earlier of the fill + stability days and the lot's expiry"),
    "max_interval_at": say("the fill + the longest refill interval"),
    "refill_by": say(
        "the earliest of low as programmed, low earliest, drug expires and longest interval, less the margin"
    ),
    "interval_days": say("from a whole fill until its refill-by"),
    "refills_per_year": say("365.25 / days between refills"),
    "drug_ml_per_year": say("refills a year x fill volume"),
    "drug_mg_per_year": say("mL a year x concentration / 1000"),
    "delivered_mg_per_year": say("programmed flow x concentration x 365.25 / 1000"),
}
