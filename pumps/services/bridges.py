"""Whether a change of concentration needs a bridge bolus, what it would be, and whether one is recorded."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from clinical.bridging import SOURCE, Bridging, Direction, bridging
from clinical.findings import Finding, Severity
from clinical.ledger import Bridge, Fill, LedgerEvent, ProgramChange, in_order
from clinical.saying import say
from clinical.units import plain
from pumps import folding
from pumps.catheter import catheter_of
from pumps.models import Event, Pump
from pumps.services.entries import EventEntry, RefillEntry

# A bridge recorded this long after a refill is the refill's.
BELONGS_WITHIN = timedelta(hours=24)
# As the ledger stores them: volume in mL, duration in hours, dose in mcg.
VOLUME, HOURS, DOSE = Decimal("0.0001"), Decimal("0.001"), Decimal("0.001")


@dataclass(frozen=True)
class BridgeNeed:
    """A change of concentration (mcg/mL), the doses before and after it (mcg/day), and the bridge it needs.

    `computed` is None where something is not known: `missing` says what, and where to enter it. `notes` says which
    figures were not read in a manual. `is_recorded`: a bridge stands in the ledger at or after it.
    """

    old_concentration_mcg_per_ml: Decimal
    new_concentration_mcg_per_ml: Decimal
    old_daily_dose_mcg: Decimal
    new_daily_dose_mcg: Decimal
    tubing_volume_ml: Decimal | None
    catheter_volume_ml: Decimal | None
    computed: Bridging | None
    missing: tuple[str, ...]
    notes: tuple[str, ...]
    is_recorded: bool = False

    def entry(self, at: datetime) -> EventEntry | None:
        """The computed bridge as it would be recorded, rounded as the ledger stores it."""
        found = self.computed
        if found is None:
            return None
        return EventEntry(
            kind=Event.Kind.BRIDGE_BOLUS.value,
            occurred_at=at,
            volume_ml=found.volume_ml.quantize(VOLUME),
            duration_hours=found.duration_hours.quantize(HOURS),
            dose_mcg=found.bolus_mcg.quantize(DOSE),
        )

    @property
    def notice(self) -> Finding | None:
        """What to say where no bridge is recorded."""
        if self.is_recorded:
            return None
        change = say(
            "%(old_concentration_mcg_per_ml)s to %(new_concentration_mcg_per_ml)s mcg/mL",
            old_concentration_mcg_per_ml=plain(self.old_concentration_mcg_per_ml),
            new_concentration_mcg_per_ml=plain(self.new_concentration_mcg_per_ml),
        )
        told = (
            unbridged_words(self)
            if self.computed is not None
            else say("It cannot be computed: %(missing)s", missing=_joined(self.missing))
        )
        return Finding(
            "bridge_not_recorded",
            Severity.WARN,
            say(
                "The concentration changed from %(change)s, and no bridge bolus is recorded. %(told)s",
                change=change,
                told=told,
            ),
            SOURCE,
        )


def unbridged_words(need: BridgeNeed) -> str:
    """What the patient would get without a bridge."""
    found = need.computed
    if found is None:
        return ""
    without = found.unbridged
    effect = {
        Direction.UNDER_DOSE: say("an under-dose: watch for withdrawal"),
        Direction.OVER_DOSE: say("an over-dose: watch for drowsiness and slow breathing"),
        Direction.SAME: say("the same"),
    }[without.direction]
    dose, hours = plain(Decimal(f"{without.dose_mcg_per_day:.4g}")), plain(Decimal(f"{without.hours:.3g}"))
    return say(
        "Without one the patient gets about %(dose)s mcg/day instead of %(new_daily_dose_mcg)s "
        "mcg/day for about %(hours)s hours, %(effect)s.",
        dose=dose,
        new_daily_dose_mcg=plain(need.new_daily_dose_mcg),
        hours=hours,
        effect=effect,
    )


def _joined(missing: Sequence[str]) -> str:
    return "; ".join(missing) + "."


def need_of(
    pump: Pump,
    *,
    concentrations: tuple[Decimal, Decimal],
    doses: tuple[Decimal, Decimal],
    catheter_volume_ml: Decimal | None,
    is_recorded: bool = False,
) -> BridgeNeed:
    """The bridge between two concentrations and daily doses (old, new). `pump.model` is read."""
    tubing = pump.model.internal_tubing_ml
    missing = []
    if tubing is None:
        missing.append(
            say(
                "the internal tubing of %(model)s is not known; an administrator enters it with the model",
                model=pump.model,
            )
        )
    if catheter_volume_ml is None:
        missing.append(
            say("the catheter volume of this pump is not known; enter it with the pump, under Correct these")
        )
    if min(doses) <= 0:
        missing.append(say("no dose runs before and after the refill; record the dose change first"))
    computed = None
    if not missing and tubing is not None and catheter_volume_ml is not None:
        computed = bridging(
            tubing_volume_ml=tubing,
            catheter_volume_ml=catheter_volume_ml,
            old_concentration_mcg_per_ml=concentrations[0],
            new_concentration_mcg_per_ml=concentrations[1],
            old_daily_dose_mcg=doses[0],
            new_daily_dose_mcg=doses[1],
        )
    is_doubtful = tubing is not None and not pump.model.tubing_confirmed
    notes = (say("The internal tubing's volume was not read in a manual: verify it."),) if is_doubtful else ()
    return BridgeNeed(*concentrations, *doses, tubing, catheter_volume_ml, computed, tuple(missing), notes, is_recorded)


def need_at_refill(
    pump: Pump, ledger: Sequence[LedgerEvent], refill: RefillEntry | Event, *, beside: EventEntry | None = None
) -> BridgeNeed | None:
    """The bridge that a refill needs: None unless the pump is told another concentration than it was told before.

    `ledger` are the events around the refill, with or without it; `beside` is a bridge recorded together with it.
    """
    at = refill.refilled_at if isinstance(refill, RefillEntry) else refill.occurred_at
    told = refill.programmed_concentration_mcg_per_ml or refill.concentration_mcg_per_ml
    return need_at(pump, ledger, at=at, told=told, is_recorded=beside is not None)


def need_at(
    pump: Pump, ledger: Sequence[LedgerEvent], *, at: datetime, told: Decimal | None, is_recorded: bool = False
) -> BridgeNeed | None:
    """The same of a refill at `at` by which the pump is `told` a concentration, mcg/mL."""
    ordered = in_order(ledger)
    fills = [event for event in ordered if isinstance(event, Fill) and event.at < at]
    if not pump.model.programmable or not fills or told is None:
        return None
    before = fills[-1].programmed_concentration_mcg_per_ml
    if told == before:
        return None
    programs = [event for event in ordered if isinstance(event, ProgramChange) and event.at <= at]
    bridges = [event for event in ordered if isinstance(event, Bridge) and at <= event.at <= at + BELONGS_WITHIN]
    return need_of(
        pump,
        concentrations=(before, told),
        doses=(
            _dose([program for program in programs if program.at < at]),
            _dose(programs),
        ),
        catheter_volume_ml=catheter_of(pump, at=at).volume_ml,
        is_recorded=is_recorded or bool(bridges),
    )


def _dose(programs: Sequence[ProgramChange]) -> Decimal:
    return programs[-1].program.daily_dose_mcg if programs else Decimal(0)


def notices_of(refill: Event) -> list[Finding]:
    """What a stored refill leaves to be done. `refill.pump` comes with its model."""
    ledger = folding.ledgers([refill.pump_id]).get(refill.pump_id, [])
    need = need_at_refill(refill.pump, ledger, refill)
    return [need.notice] if need is not None and need.notice is not None else []


def recorded_with(refill: Event) -> Event | None:
    """The bridge that stands at the moment of a refill."""
    standing = Event.objects.standing().filter(pump=refill.pump_id, kind=Event.Kind.BRIDGE_BOLUS)
    return standing.filter(occurred_at=refill.occurred_at).first()
