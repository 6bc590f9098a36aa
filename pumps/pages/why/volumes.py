"""Why the volume is what it is, and why a level is reached when it is."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import isnan

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clinical.ledger import Bridge, Fill, MotorChange, MriScan, ProgramChange, PumpBolus, ReservoirAccess
from clinical.units import plain
from clinics.words import day, moment_words
from pumps.pages.why.parts import Input, Key, Step, Why, bare, key, named, others
from pumps.pictures.levels import ml, range_words
from pumps.reading import Reading


def volume_now(reading: Reading) -> Why:
    name, now = _("Volume now"), moment_words(reading.now, reading.zone)
    curve = reading.volumes([reading.now])
    held, used = curve.held_ml[0], curve.programmed_ml[0]
    if isnan(held):
        return Why("volume", name, _("not known"), _("Not known: no fill is recorded."))
    if isnan(curve.expected[0]):
        return Why("volume", name, _("not known"), _("Not known: nobody recorded what flows."))
    mean, high, low = _ratios(reading)
    numbers = _("%(held)s - %(ratio)s x %(used)s = %(left)s") % {
        "held": f"{held:.2f}", "ratio": f"{mean:.3f}", "used": f"{used:.2f}", "left": ml(curve.expected[0]),
    }  # fmt: skip
    ends = _("98 %% range: %(range)s, with %(high)s and %(low)s in place of the ratio") % {
        "range": range_words(curve.low[0], curve.high[0]), "high": f"{high:.3f}", "low": f"{low:.3f}",
    }  # fmt: skip
    return Why(
        "volume",
        name,
        ml(curve.expected[0]),
        _("What was filled and added, less what has flowed since, as of %(now)s.") % {"now": now},
        inputs=[*_held(reading), _ratio_input(reading), _used_input(used)],
        formula=_("volume = filled + added - flow ratio x programmed since the fill; never below 0"),
        numbers=f"{numbers}; {ends}",
        steps=_steps(reading, reading.now),
        sources=[_("Clinical rules, section 2 (flow ratio, calibration model)")],
        events=_flow_events(reading, reading.now),
    )


def _ratios(reading: Reading) -> tuple[float, float, float]:
    computed = reading.computed
    return computed.flow_ratio.mean, computed.ratio_high, computed.ratio_low


def _held(reading: Reading) -> list[Input]:
    fill, added = reading.emptied_fill, reading.added_ml
    if fill is None:
        return []
    origin = _("refill of %(day)s") % {"day": day(fill.at, reading.zone)}
    found = [Input(_("Filled"), f"{plain(fill.filled_ml)} mL", origin)]
    if added:
        found.append(Input(_("Added or taken out since"), f"{plain(added)} mL", _("later entries")))
    return found


def _ratio_input(reading: Reading) -> Input:
    ratio = reading.computed.flow_ratio
    if not ratio.refills:
        origin = _("what a pump of its model starts from: no refill has measured it yet")
    else:
        origin = ngettext("learned from %(count)s refill", "learned from %(count)s refills", ratio.refills)
        origin %= {"count": ratio.refills}
    return Input(_("Flow ratio"), f"{ratio.mean:.3f} ± {ratio.sd:.3f}", origin)


def _used_input(used: float) -> Input:
    return Input(_("Programmed to flow since the fill"), f"{used:.2f} mL", _("dose ÷ concentration, over time"))


@dataclass(frozen=True)
class Level:
    """A date at which a level is reached: down to the low level or to nothing, at a ratio of the programmed flow."""

    what: str
    is_low: bool
    ratio: str


LEVELS = (
    Level("programmed_low_at", True, "programmed"),
    Level("earliest_low_at", True, "high"),
    Level("low_at", True, "mean"),
    Level("programmed_empty_at", False, "programmed"),
    Level("empty_at", False, "mean"),
)


def level_reached(level: Level) -> Callable[[Reading], Why]:
    def made(reading: Reading) -> Why:
        at: datetime | None = getattr(reading.row, level.what)
        if at is None or reading.emptied_fill is None:
            return bare(reading, level.what)
        mean, high, _low = _ratios(reading)
        ratio = {"programmed": 1.0, "mean": mean, "high": high}[level.ratio]
        return Why(
            level.what,
            *named(reading, level.what),
            inputs=_level_inputs(reading, level, ratio),
            formula=_level_formula(level),
            numbers=_level_numbers(reading, level, ratio, at),
            steps=_steps(reading, at),
            sources=[_level_source(level), *([_not_measured()] if level.ratio == "programmed" else [])],
            events=_flow_events(reading, at),
            others=others(reading, level.what),
        )

    return made


def _level_inputs(reading: Reading, level: Level, ratio: float) -> list[Input]:
    found = _held(reading)
    if level.is_low:
        pump = reading.pump
        origin = _("raised for this pump") if pump.low_level_reason else _("set for this pump; usual for its model")
        found.append(Input(_("Low level"), f"{plain(pump.low_reservoir_alarm_ml)} mL", origin))
    if level.ratio == "mean":
        found.append(_ratio_input(reading))
    if level.ratio == "high":
        words = _("99th percentile of its flow ratio: at most 1 in 100 such pumps flows faster")
        found.append(Input(_("Flow ratio, high"), f"{ratio:.3f}", words))
    fill = reading.last_fill
    if fill is not None:
        told = plain(fill.programmed_concentration_mcg_per_ml)
        origin = _("refill of %(day)s") % {"day": day(fill.at, reading.zone)}
        found.append(Input(_("Concentration programmed"), f"{told} mcg/mL", origin))
    change = reading.program_now
    if change is not None:
        origin = _("dose change of %(day)s") % {"day": day(change.at, reading.zone)}
        found.append(Input(_("Daily dose now"), f"{plain(change.program.daily_dose_mcg)} mcg/day", origin))
    return found


def _level_formula(level: Level) -> str:
    if level.is_low:
        if level.ratio == "programmed":
            return _("the moment when programmed flow since the fill = filled + added - low level")
        return _("the moment when flow ratio x programmed flow since the fill = filled + added - low level")
    if level.ratio == "programmed":
        return _("the moment when programmed flow since the fill = filled + added")
    return _("the moment when flow ratio x programmed flow since the fill = filled + added")


def _not_measured() -> str:
    return _(
        "The pump computes its low level, too: it does not measure it (overinfusion safety notices 2014 and 2016)."
    )


def _level_source(level: Level) -> str:
    if level.ratio == "programmed":
        return _("Clinical rules, section 2 (programmed flow, low-reservoir date and level)")
    return _("Clinical rules, section 2 (flow ratio, spread between pumps, calibration model)")


def _level_numbers(reading: Reading, level: Level, ratio: float, at: datetime) -> str:
    curve = reading.volumes([at])
    held, used = curve.held_ml[0], curve.programmed_ml[0]
    low = float(reading.pump.low_reservoir_alarm_ml) if level.is_low else 0.0
    room = f"{held:.2f} - {plain(reading.pump.low_reservoir_alarm_ml)}" if level.is_low else f"{held:.2f}"
    filled = moment_words(reading.emptied_fill.at, reading.zone) if reading.emptied_fill is not None else "?"
    words = {
        "room": room, "left": f"{max(held - low, 0):.2f}", "ratio": f"{ratio:.3f}", "used": f"{used:.2f}",
        "flowed": f"{ratio * used:.2f}",
        "from": filled, "at": moment_words(at, reading.zone),
    }  # fmt: skip
    if level.ratio == "programmed":
        return _("%(room)s = %(left)s mL; programmed from %(from)s to %(at)s: %(used)s mL") % words
    return _("%(room)s = %(left)s mL; programmed from %(from)s to %(at)s: %(ratio)s x %(used)s = %(flowed)s mL") % words


def _steps(reading: Reading, until: datetime) -> list[Step]:
    """What was programmed to flow from the fill on, from one change of it to the next."""
    fill = reading.emptied_fill
    if fill is None or until <= fill.at:
        return []
    kinds = (Fill, ProgramChange, MotorChange, Bridge)
    changes = sorted({event.at for event in reading.ledger if isinstance(event, kinds) and fill.at < event.at < until})
    borders = [fill.at, *changes, until]
    used = reading.volumes(borders).programmed_ml
    found = []
    for begin, end, before, after in zip(borders, borders[1:], used, used[1:], strict=False):
        days, flowed = (end - begin) / timedelta(days=1), after - before
        span = {"from": day(begin, reading.zone), "to": day(end, reading.zone)}
        flow = _("%(flow)s mL/day x %(days)s days") % {"flow": f"{flowed / days:.4g}", "days": f"{days:.2f}"}
        found.append(Step(_("%(from)s to %(to)s") % span, flow, f"{flowed:.2f} mL"))
    return found


def _flow_events(reading: Reading, until: datetime) -> set[Key]:
    """The fill, what came after it, and the dose that ran when it was filled."""
    fill = reading.emptied_fill
    if fill is None:
        return set()
    moving = (Fill, ProgramChange, MotorChange, PumpBolus, Bridge, ReservoirAccess, MriScan)
    found = {key(event) for event in reading.ledger if isinstance(event, moving) and fill.at <= event.at <= until}
    before = [event for event in reading.programs if event.at <= fill.at]
    return found | {key(event) for event in before[-1:]}
