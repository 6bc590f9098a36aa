"""What if: a pump as it is beside the pump with another dose, drug, fill, size or margin. Nothing is stored.

The kernel that forecasts the pump answers here too, from the pump's own ledger with what is tried added to it.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinical.labels import LABEL_SETS
from clinical.ledger import Fill, LedgerEvent, ProgramChange
from clinical.planning import Outlook, Setting, outlook
from clinical.terms import ClinicRules
from clinics.errors import Impossible
from pumps import folding, forecasting
from pumps.catheter import catheter_of
from pumps.models import Pump
from pumps.reading import Reading, read
from pumps.services.bridges import BridgeNeed, need_of
from pumps.services.entries import raise_if
from pumps.services.trying import Tried, check_device, checked_fill, first, tried_program, tried_rules

NOTE = gettext_lazy(
    "A comparison, not a prescription: nothing is stored, and nothing is programmed. The "
    "prescriber decides; the pump's own programmer programs."
)
# Of a pump of no clinic: the clinics' defaults.
MARGIN_DAYS, INTERVAL_DAYS = 7, 180


@dataclass(frozen=True)
class Comparison:
    """A pump now and as tried. `now` is None where its fill or dose is not recorded, or it is not in Brim.

    `starts_at` is when the tried setting begins; with a refill, or with what is in the reservoir. `bridge` is what a
    change of concentration needs.
    """

    now: Outlook | None
    tried: Outlook
    starts_at: datetime
    with_refill: bool
    other_model: bool
    pump: Pump
    now_rules: ClinicRules | None
    tried_rules: ClinicRules
    bridge: BridgeNeed | None


@dataclass(frozen=True)
class _Present:
    """What the pump has now; None where nothing is recorded."""

    fill: Fill | None
    program: ProgramChange | None

    @property
    def setting(self) -> Setting | None:
        return Setting(self.fill, self.program) if self.fill is not None else None


def of_pump(pump: Pump, tried: Tried, *, now: datetime) -> Comparison:
    """A pump beside itself as tried. `pump` comes with model, clinic, patient and forecast with its prior.

    Another dose begins now, with what is in the reservoir. Another fill volume, drug or pump needs a refill: at
    `filled_at`, else now.

    Raises:
        Impossible: what cannot be, or is neither recorded nor given; messages per field.
    """
    # Dates are whole seconds; what was recorded in this one counts.
    reading = read(pump, pump.forecast, now.replace(microsecond=0) + timedelta(seconds=1))
    present = _present(reading)
    device = _hypothetical(pump, tried)
    fill, starts_at, with_refill = _fill_of(reading, present, device, tried)
    program = tried_program(device, present.program, tried, at=starts_at, zone=pump.clinic.zone)
    rules = tried_rules(reading.rules, tried)
    version = forecasting.current_prior() if device.model_id != pump.model_id else pump.forecast.prior_version
    then = outlook(
        folding.device(device, version),
        _ledger_of(reading, present, tried, fill if with_refill else None, program, starts_at),
        rules,
        Setting(fill, program),
    )
    return Comparison(
        now=_now(reading, present),
        tried=then,
        starts_at=starts_at,
        with_refill=with_refill,
        other_model=device.model_id != pump.model_id,
        pump=device,
        now_rules=reading.rules,
        tried_rules=rules,
        bridge=_bridge(pump, device, present, Setting(fill, program), tried),
    )


def of_values(
    tried: Tried, *, zone: ZoneInfo, label_set: str, margin_days: int = MARGIN_DAYS, interval_days: int = INTERVAL_DAYS
) -> Comparison:
    """A pump that is not in Brim, from values alone.

    Raises:
        Impossible: what cannot be, or is missing; messages per field.
    """
    needed = {"model": tried.model, "volume_ml": tried.volume_ml, "filled_at": tried.filled_at}
    needed["concentration_mcg_per_ml"] = tried.concentration_mcg_per_ml
    raise_if({name: [_("Needed without a pump.")] for name, value in needed.items() if value is None})
    if tried.model is None or tried.filled_at is None or tried.volume_ml is None:
        raise TypeError("checked above")
    device = Pump(model=tried.model, implanted_on=tried.filled_at.date())
    device.low_reservoir_alarm_ml = first(tried.low_reservoir_alarm_ml, tried.model.low_reservoir_ml)
    device.factory_flow_ml_per_day = tried.factory_flow_ml_per_day
    check_device(device)
    fill = checked_fill(device, None, tried, at=tried.filled_at, volume=tried.volume_ml)
    program = tried_program(device, None, tried, at=fill.at, zone=zone)
    rules = tried_rules(ClinicRules(zone, margin_days, interval_days, LABEL_SETS[label_set]), tried)
    ledger: list[LedgerEvent] = [fill, program] if program is not None else [fill]
    found = outlook(folding.device(device, forecasting.current_prior()), ledger, rules, Setting(fill, program))
    bridge = None
    old = tried.old_concentration_mcg_per_ml
    if old is not None and old != fill.concentration_mcg_per_ml and program is not None:
        dose = program.program.daily_dose_mcg
        bridge = need_of(
            device,
            concentrations=(old, fill.concentration_mcg_per_ml),
            doses=(first(tried.old_daily_dose_mcg, dose), dose),
            catheter_volume_ml=tried.catheter_volume_ml,
        )
    return Comparison(None, found, fill.at, True, False, device, None, rules, bridge)


def _present(reading: Reading) -> _Present:
    fills = [fill for fill in reading.fills if fill.at <= reading.now]
    program = reading.program_now if reading.device.facts.programmable else None
    return _Present(fills[-1] if fills else None, program)


def _now(reading: Reading, present: _Present) -> Outlook | None:
    setting = present.setting
    if setting is None or (reading.device.facts.programmable and setting.program is None):
        return None
    return outlook(reading.device, reading.ledger, reading.rules, setting)


def _hypothetical(pump: Pump, tried: Tried) -> Pump:
    """The pump with what is tried of the pump itself; another model starts from its catalogue row. Never saved."""
    model = first(tried.model, pump.model)
    is_same = model.pk == pump.model_id
    device = Pump(clinic=pump.clinic, patient=pump.patient, model=model, implanted_on=pump.implanted_on)
    device.low_reservoir_alarm_ml = first(
        tried.low_reservoir_alarm_ml, pump.low_reservoir_alarm_ml if is_same else model.low_reservoir_ml
    )
    device.factory_flow_ml_per_day = first(
        tried.factory_flow_ml_per_day, pump.factory_flow_ml_per_day if is_same else None
    )
    device.catheter_volume_ml = pump.catheter_volume_ml
    check_device(device)
    return device


def _fill_of(reading: Reading, present: _Present, device: Pump, tried: Tried) -> tuple[Fill, datetime, bool]:
    """The fill tried, when the setting begins, and whether that is a refill."""
    last = present.fill
    is_other = device.model_id != reading.pump.model_id
    usual = device.model.reservoir_ml if is_other or last is None else last.filled_ml
    volume = first(tried.volume_ml, usual)
    concentration = tried.concentration_mcg_per_ml
    is_refill = (
        tried.filled_at is not None
        or is_other
        or last is None
        or volume != last.filled_ml
        or (concentration is not None and concentration != last.concentration_mcg_per_ml)
    )
    at = first(tried.filled_at, reading.now)
    if is_refill and not is_other and last is not None and at <= last.at:
        raise Impossible({"filled_at": [_("A refill tried lies after the last one; leave it blank for now.")]})
    if not is_refill and last is not None:
        stability = first(tried.stability_days, reading.rules.stability_of(last))
        expires_on = first(tried.drug_expires_on, last.drug_expires_on)
        return replace(last, stability_days=stability, drug_expires_on=expires_on), reading.now, False
    stability = reading.rules.stability_of(last) if last is not None else None
    fill = checked_fill(device, last, tried, at=at, volume=volume)
    return replace(fill, stability_days=first(tried.stability_days, stability)), at, True


def _ledger_of(
    reading: Reading,
    present: _Present,
    tried: Tried,
    refill: Fill | None,
    program: ProgramChange | None,
    at: datetime,
) -> list[LedgerEvent]:
    """The pump's own ledger with what is tried; of another pump, only what is tried.

    Where the program changes or a refill is tried, what is planned after that does not count.
    """
    new_program = program if program is not present.program else None
    if refill is None and new_program is None:
        return [_as_tried(event, present.fill, tried) for event in reading.ledger]
    if tried.model is not None and tried.model.pk != reading.pump.model_id:
        begins: list[LedgerEvent] = [replace(program, at=at)] if program is not None else []
        return [*([refill] if refill is not None else []), *begins]
    before = [_as_tried(event, present.fill, tried) for event in reading.ledger if event.at <= at]
    return [
        *before,
        *([refill] if refill is not None else []),
        *([new_program] if new_program is not None else []),
    ]


def _as_tried(event: LedgerEvent, last: Fill | None, tried: Tried) -> LedgerEvent:
    """The last fill with the stability and the lot's expiry that are tried."""
    if event is not last or last is None:
        return event
    return replace(
        last,
        stability_days=first(tried.stability_days, last.stability_days),
        drug_expires_on=first(tried.drug_expires_on, last.drug_expires_on),
    )


def _bridge(pump: Pump, device: Pump, present: _Present, setting: Setting, tried: Tried) -> BridgeNeed | None:
    """The bridge from the drug in the pump to the one tried; a new pump is primed instead."""
    is_same = device.model_id == pump.model_id and device.model.programmable
    if not is_same or present.fill is None or setting.program is None:
        return None
    old = present.fill.programmed_concentration_mcg_per_ml
    new = setting.fill.programmed_concentration_mcg_per_ml
    if old == new:
        return None
    dose = setting.program.program.daily_dose_mcg
    running = present.program.program.daily_dose_mcg if present.program is not None else dose
    return need_of(
        device,
        concentrations=(old, new),
        doses=(running, dose),
        catheter_volume_ml=first(tried.catheter_volume_ml, catheter_of(pump, at=setting.fill.at).volume_ml),
    )
