"""What would follow from an entry or a void, before anything is stored: the pump now and then, side by side."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from math import isnan

from clinical import forecast as clinical
from clinical.checks import RefillCheck, refill_checks
from clinical.findings import Finding
from clinical.ledger import Fill, LedgerEvent, ProgramChange, in_order
from clinical.programs import hourly_mcg
from clinical.residual import Residual
from clinical.terms import ClinicRules, Device
from clinics.errors import Doubt
from pumps import folding, forecasting
from pumps.models import Event, PriorVersion, Pump
from pumps.services.bridges import BridgeNeed, need_at_refill
from pumps.services.entries import Entry, EventEntry, RefillEntry
from pumps.services.ledger import Draft, check_voidable, check_writable, drafted, latest_event, ledger_of
from pumps.services.situation import JUST_BEFORE


@dataclass(frozen=True)
class State:
    """A pump at a moment, and its forecast. Dose mcg/day, hourly mcg/h, flow mL/day, volume mL; None while unknown.

    Beside the daily dose the patient may call for `patient_boluses_per_day` of `patient_bolus_mcg`; 0 for none.
    `delivered_mcg` is what the patient gets a day: the flow times the concentration of what is in the pump, which is
    not the programmed dose where the pump was not told of its drug. The forecast is of this `ledger`.
    """

    daily_dose_mcg: Decimal | None
    hourly_mcg: Decimal | None
    patient_bolus_mcg: Decimal
    patient_boluses_per_day: int
    concentration_mcg_per_ml: Decimal | None
    programmed_concentration_mcg_per_ml: Decimal | None
    flow_ml_per_day: float | None
    delivered_mcg: float | None
    volume_ml: float | None
    forecast: clinical.Forecast
    ledger: Sequence[LedgerEvent]


@dataclass(frozen=True)
class Consequence:
    """`event` is the entry, not stored; or the one that would count no more.

    `change_pct` is of the daily dose, None without one before. `latest_event` is the newest entry this was made of: if
    there is a newer one when it is to be stored, it has to be looked at again. `bridge` is what a refill with another
    concentration needs.
    """

    event: Event
    before: State
    after: State
    doubts: list[Doubt]
    residual: Residual | None
    latest_event: int
    bridge: BridgeNeed | None = None
    check: RefillCheck | None = None

    @property
    def notices(self) -> list[Finding]:
        """What stays to be done where the entry is stored as it is."""
        return [self.bridge.notice] if self.bridge is not None and self.bridge.notice is not None else []

    @property
    def change_pct(self) -> Decimal | None:
        old, new = self.before.daily_dose_mcg, self.after.daily_dose_mcg
        if old is None or new is None or old == 0:
            return None
        return ((new - old) / old * 100).quantize(Decimal("0.1"))

    @property
    def new_findings(self) -> list[Finding]:
        """What is wrong only then."""
        codes = {finding.code for finding in self.before.forecast.findings}
        return [finding for finding in self.after.forecast.findings if finding.code not in codes]

    @property
    def gone_findings(self) -> list[Finding]:
        codes = {finding.code for finding in self.after.forecast.findings}
        return [finding for finding in self.before.forecast.findings if finding.code not in codes]


def of_entry(
    pump: Pump,
    entry: Entry,
    *,
    now: datetime,
    instead_of: Event | None = None,
    bridge: EventEntry | None = None,
    upon: Sequence[Event] = (),
) -> Consequence:
    """What follows from an entry, or from one `instead_of` another, with the `bridge` programmed with it.

    `upon` are events, not stored yet either, that come before it.

    `pump` comes with model, clinic and patient.

    Raises:
        Impossible, Conflict: as storing it would.
    """
    version = forecasting.current_prior()
    if instead_of is not None:
        check_voidable(instead_of)
    wrong = [instead_of] if instead_of is not None else []
    draft = drafted(pump, entry, version, now=now, instead_of=wrong, bridge=bridge, upon=upon)
    standing = draft.ledger if instead_of is None else ledger_of(pump)
    asked = (standing, entry.at - JUST_BEFORE), (draft.ledger_without_bridge, entry.at)
    before, after = _states(pump, version, *asked)
    if draft.bridge is not None:
        # Flow and dose are those after the bridge; the dates count it.
        [whole] = _states(pump, version, (draft.ledger_with_it, entry.at))
        after = replace(after, forecast=whole.forecast, ledger=whole.ledger)
    need = need_at_refill(pump, draft.ledger, entry, beside=bridge) if isinstance(entry, RefillEntry) else None
    check = _check(pump, version, draft) if isinstance(entry, RefillEntry) else None
    return Consequence(draft.event, before, after, draft.doubts, draft.known.residual, latest_event(pump), need, check)


def of_void(pump: Pump, event: Event, *, now: datetime, also: Sequence[Event] = ()) -> Consequence:
    """What follows from declaring an event an error, and `also` others with it.

    Raises:
        Conflict: as storing it would.
    """
    check_writable(pump)
    for each in (event, *also):
        check_voidable(each)
    version = forecasting.current_prior()
    before, after = _states(pump, version, (ledger_of(pump), now), (ledger_of(pump, without=[event, *also]), now))
    return Consequence(event, before, after, [], None, latest_event(pump))


def around(pump: Pump, begins: datetime, ends: datetime) -> tuple[State, State]:
    """A pump just before a moment and at a later one, each by what had happened until then. `pump` as in `of_entry`."""
    ledger = ledger_of(pump)
    before = [event for event in ledger if event.at < begins], begins - JUST_BEFORE
    after = [event for event in ledger if event.at <= ends], ends
    found = _states(pump, forecasting.current_prior(), before, after)
    return found[0], found[1]


def _check(pump: Pump, version: PriorVersion, draft: Draft) -> RefillCheck:
    """The refill as it would be checked once it is stored."""
    facts = folding.device(pump, version).facts
    found = refill_checks(facts, draft.ledger_without_bridge, accuracy_pct=pump.accuracy_pct)
    return next(check for check in found if check.at == draft.event.occurred_at)


def _states(pump: Pump, version: PriorVersion, *asked: tuple[Sequence[LedgerEvent], datetime]) -> list[State]:
    device = folding.device(pump, version)
    rules = folding.rules([pump.clinic])[pump.clinic_id]
    return [_state(device, rules, in_order(ledger), at) for ledger, at in asked]


def _state(device: Device, rules: ClinicRules, ledger: Sequence[LedgerEvent], at: datetime) -> State:
    fills = [event for event in ledger if isinstance(event, Fill) and event.at <= at]
    programs = [event for event in ledger if isinstance(event, ProgramChange) and event.at <= at]
    fill = fills[-1] if fills else None
    program = programs[-1].program if programs and device.facts.programmable else None
    curve = clinical.volumes(device.facts, ledger, [at])
    flow = _known(curve.flow_ml_per_day[0])
    held = float(fill.concentration_mcg_per_ml) if fill is not None else None
    return State(
        daily_dose_mcg=program.daily_dose_mcg if program is not None else None,
        hourly_mcg=hourly_mcg(program) if program is not None else None,
        patient_bolus_mcg=program.patient_bolus_mcg if program is not None else Decimal(0),
        patient_boluses_per_day=program.patient_boluses_per_day if program is not None else 0,
        concentration_mcg_per_ml=fill.concentration_mcg_per_ml if fill is not None else None,
        programmed_concentration_mcg_per_ml=fill.programmed_concentration_mcg_per_ml if fill is not None else None,
        flow_ml_per_day=flow,
        delivered_mcg=flow * held if flow is not None and held is not None else None,
        volume_ml=_known(curve.expected[0]),
        forecast=clinical.forecast(device, ledger, rules),
        ledger=ledger,
    )


def _known(value: float) -> float | None:
    return None if isnan(value) else value
