"""Each date of a forecast with one sentence that says what it was computed from."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from clinical.ledger import Fill
from clinical.units import plain
from clinical.watching import replacement_indicated_at
from clinics.words import calendar_day, day, left, moment_words
from pumps.pages.words import LIMIT_WORDS, unknown_words
from pumps.reading import Reading

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise as StrPromise

_BY_FLOW = ("programmed_low_at", "programmed_empty_at", "low_at", "empty_at", "earliest_low_at")


@dataclass(frozen=True)
class Dated:
    """A line of the list: a date or None, and why."""

    name: str
    what: str
    at: datetime | None
    left: str
    why: str
    is_key: bool = False


def dates(reading: Reading) -> list[Dated]:
    """All dates of design, section 2, in the order in which a reader asks for them."""
    return [_dated(reading, *line) for line in _LINES]


def explained(reading: Reading, field: str) -> Dated:
    """One of them, by its field of the forecast."""
    return next(_dated(reading, *line) for line in _LINES if line[1] == field)


def _dated(reading: Reading, name: "StrPromise", field: str, explain: Callable[[Reading], str]) -> Dated:
    at: datetime | None = getattr(reading.row, field)
    away = left(at, reading.now, reading.zone) if at is not None else ""
    why = explain(reading)
    if at is None and field in _BY_FLOW and reading.row.unknown_reason:
        why = _("Not known: %(why)s.") % {"why": unknown_words(reading.row, reading.now)}
    return Dated(str(name), field, at, away, why, is_key=field == "refill_by")


def rate_words(reading: Reading, fill: Fill) -> str:
    """`0.3514 mL/day (175.7 mcg/day at 500 mcg/mL)`."""
    facts, concentration = reading.device.facts, fill.programmed_concentration_mcg_per_ml
    if not facts.programmable:
        flow = facts.factory_flow_ml_per_day
        if flow is None:
            return _("an unknown factory flow")
        return _("its factory flow of %(flow)s mL/day") % {"flow": plain(flow)}
    change = reading.program_now
    if change is None:
        return _("an unknown flow (no dose is recorded)")
    if reading.is_stopped:
        return _("no flow (the pump is stopped)")
    dose, by_patient = change.program.daily_dose_mcg, change.program.most_by_patient_mcg
    words = {
        "flow": f"{(dose + by_patient) / concentration:.4g}",
        "dose": plain(dose),
        "most": plain(by_patient),
        "concentration": plain(concentration),
    }
    if by_patient:
        return (
            _(
                "%(flow)s mL/day (%(dose)s mcg/day and the most the patient may call for, %(most)s mcg/day, "
                "at %(concentration)s mcg/mL)"
            )
            % words
        )
    return _("%(flow)s mL/day (%(dose)s mcg/day at %(concentration)s mcg/mL)") % words


def _held(reading: Reading, fill: Fill) -> Decimal:
    """What was filled and added, mL."""
    return fill.filled_ml + reading.added_ml


def _held_words(reading: Reading, fill: Fill) -> str:
    added = reading.added_ml
    words = {"held": plain(_held(reading, fill)), "filled": plain(fill.filled_ml), "added": plain(abs(added))}
    if not added:
        return _("%(filled)s mL") % words
    if added > 0:
        return _("%(held)s mL (%(filled)s filled, %(added)s mL added since)") % words
    return _("%(held)s mL (%(filled)s filled, %(added)s mL taken out since)") % words


def _room(reading: Reading, fill: Fill) -> Decimal:
    return max(_held(reading, fill) - reading.pump.low_reservoir_alarm_ml, Decimal(0))


def _changes(reading: Reading, fill: Fill) -> str:
    """A sentence each for the doses changed since the fill, and those planned; nothing where there are none."""
    made = sum(fill.at < change.at <= reading.now for change in reading.programs)
    planned = sum(change.at > reading.now for change in reading.programs)
    said = []
    if made:
        words = ngettext(
            "%(count)s dose change since then is counted.", "%(count)s dose changes since then are counted.", made
        )
        said.append(words % {"count": made})
    if planned:
        words = ngettext(
            "%(count)s planned dose change is counted.", "%(count)s planned dose changes are counted.", planned
        )
        said.append(words % {"count": planned})
    return " ".join(said)


def _no_fill(explain: Callable[[Reading, Fill], str]) -> Callable[[Reading], str]:
    def explained(reading: Reading) -> str:
        fill, scan = reading.emptied_fill, reading.emptied_by_scan
        if scan is not None:
            return _("The reservoir was emptied for the MRI scan of %(day)s; no fill is recorded since.") % {
                "day": day(scan.at, reading.zone)
            }
        return explain(reading, fill) if fill is not None else _("Not known: no fill is recorded.")

    return explained


def _programmed_low(reading: Reading, fill: Fill) -> str:
    words = {
        "room": plain(_room(reading, fill)),
        "held": _held_words(reading, fill),
        "low": plain(reading.pump.low_reservoir_alarm_ml),
        "rate": rate_words(reading, reading.last_fill or fill),
        "moment": moment_words(fill.at, reading.zone),
    }
    if reading.added_ml:
        text = _("%(room)s mL of %(held)s, above the %(low)s mL low level, at %(rate)s since %(moment)s.")
    else:
        text = _("%(room)s mL above the %(low)s mL low level, at %(rate)s since %(moment)s.")
    said = [text % words, _changes(reading, fill), _("The pump's own alarm date.")]
    return " ".join(sentence for sentence in said if sentence)


def _programmed_empty(reading: Reading, fill: Fill) -> str:
    words = {"held": _held_words(reading, fill), "rate": rate_words(reading, reading.last_fill or fill)}
    return _("All %(held)s at %(rate)s.") % words


def _low(reading: Reading, fill: Fill) -> str:
    words = {"room": plain(_room(reading, fill)), "ratio": f"{reading.computed.flow_ratio.mean:.3f}"}
    return _("The same %(room)s mL at %(ratio)s times the programmed flow.") % words


def _empty(reading: Reading, fill: Fill) -> str:
    words = {"held": _held_words(reading, fill), "ratio": f"{reading.computed.flow_ratio.mean:.3f}"}
    return _("All %(held)s at %(ratio)s times the programmed flow.") % words


def _earliest_low(reading: Reading, fill: Fill) -> str:
    words = {"room": plain(_room(reading, fill)), "ratio": f"{reading.computed.ratio_high:.3f}"}
    return (
        _(
            "The same %(room)s mL at %(ratio)s times the programmed flow, the 99th percentile: "
            "at most 1 in 100 such pumps is low before this."
        )
        % words
    )


def _drug(reading: Reading, fill: Fill) -> str:
    if reading.last_fill is not fill:
        return _("The earliest of all the drug that is in the pump: it was not emptied at the last fill.")
    stability, lot = reading.rules.stability_of(fill), fill.drug_expires_on
    words = {
        "stable": _stable_words(reading, fill, stability) if stability is not None else "",
        "lot": _("the lot's expiry on %(day)s") % {"day": calendar_day(lot)} if lot is not None else "",
    }
    if stability is None and lot is None:
        return _("Not known: neither the drug's stability in the pump nor the lot's expiry is recorded.")
    if stability is None:
        return _("By %(lot)s; its stability in the pump is not recorded.") % words
    if lot is None:
        return _("By %(stable)s; the lot's expiry is not recorded.") % words
    return _("The earlier of %(stable)s and %(lot)s.") % words


def _stable_words(reading: Reading, fill: Fill, stability: int) -> str:
    words = {"count": stability, "drug": fill.formulation, "day": day(fill.at, reading.zone)}
    if fill.stability_days is not None:
        text = ngettext(
            "%(count)s day in the pump after %(day)s", "%(count)s days in the pump after %(day)s", stability
        )
    else:
        text = ngettext(
            "%(count)s day in the pump, as your clinic has set for %(drug)s, after %(day)s",
            "%(count)s days in the pump, as your clinic has set for %(drug)s, after %(day)s",
            stability,
        )
    return text % words


def _max_interval(reading: Reading, fill: Fill) -> str:
    product = reading.rules.product_of(fill)
    is_products = product is not None and product.max_refill_interval_days is not None
    count = reading.rules.longest_interval_of(fill)
    words = {"count": count, "drug": fill.formulation, "day": day(fill.at, reading.zone)}
    if is_products:
        text = ngettext(
            "%(count)s day, the longest interval set for %(drug)s, after the fill of %(day)s.",
            "%(count)s days, the longest interval set for %(drug)s, after the fill of %(day)s.",
            count,
        )
    else:
        text = ngettext(
            "%(count)s day, this clinic's longest interval, after the fill of %(day)s.",
            "%(count)s days, this clinic's longest interval, after the fill of %(day)s.",
            count,
        )
    return text % words


def _refill_by(reading: Reading) -> str:
    row, margin = reading.row, reading.pump.clinic.refill_margin_days
    if row.refill_by is None:
        return _("Not known; see the findings.")
    limit = LIMIT_WORDS.get(row.limiting_factor)
    words = {
        "when": moment_words(row.refill_by + timedelta(days=margin), reading.zone),
        "limit": limit,
        "count": margin,
    }
    if limit:
        text = ngettext(
            "The earliest deadline, %(when)s, set by %(limit)s, less this clinic's margin of %(count)s day.",
            "The earliest deadline, %(when)s, set by %(limit)s, less this clinic's margin of %(count)s days.",
            margin,
        )
    else:
        text = ngettext(
            "The earliest deadline, %(when)s less this clinic's margin of %(count)s day.",
            "The earliest deadline, %(when)s less this clinic's margin of %(count)s days.",
            margin,
        )
    return text % words


def _service_ends(reading: Reading) -> str:
    years = reading.device.service_life_years
    indicated = replacement_indicated_at(reading.ledger)
    if indicated is not None:
        return _(
            "The replacement indicator was on at %(day)s, and the pump stops 90 days after it "
            "came on; or earlier, at the end of its service life. No refill moves it."
        ) % {"day": day(indicated, reading.zone)}
    if years is None:
        return _("Not known: the catalogue has no service life for this model.")
    words = {"years": plain(Decimal(years)), "day": calendar_day(reading.pump.implanted_on)}
    return _("%(years)s years after the implant on %(day)s; no refill moves it.") % words


_LINES: tuple[tuple["StrPromise", str, Callable[[Reading], str]], ...] = (
    (gettext_lazy("Refill by"), "refill_by", _refill_by),
    (gettext_lazy("Low, as programmed"), "programmed_low_at", _no_fill(_programmed_low)),
    (gettext_lazy("Low, earliest"), "earliest_low_at", _no_fill(_earliest_low)),
    (gettext_lazy("Low, expected"), "low_at", _no_fill(_low)),
    (gettext_lazy("Empty, as programmed"), "programmed_empty_at", _no_fill(_programmed_empty)),
    (gettext_lazy("Empty, expected"), "empty_at", _no_fill(_empty)),
    (gettext_lazy("Drug expires"), "drug_expires_at", _no_fill(_drug)),
    (gettext_lazy("Longest interval"), "max_interval_at", _no_fill(_max_interval)),
    (gettext_lazy("Pump's service ends"), "service_ends_at", _service_ends),
)
NAMES = [(name, field) for name, field, _explain in _LINES]


def _learned_words(reading: Reading) -> str:
    """What a pump of its model starts from, and where that is from."""
    prior, version = reading.device.facts.prior, reading.row.prior_version
    whose = _("from the catalogue")
    if version.pumps:
        words = ngettext("learned from %(count)s pump", "learned from %(count)s pumps", version.pumps)
        whose = words % {"count": f"{version.pumps:,}"}
    return _(
        "%(model)s pumps start from %(mean)s ± %(sd)s, and one measured residue is "
        "known to ± %(noise)s mL (prior %(version)s of %(day)s, %(whose)s)"
    ) % {
        "model": reading.pump.model.model,
        "mean": f"{prior.mean:.3f}",
        "sd": f"{prior.sd:.3f}",
        "noise": f"{prior.noise_ml:.2f}",
        "version": version.pk,
        "day": day(version.created_at, reading.zone),
        "whose": whose,
    }


def ratio_words(reading: Reading) -> str:
    """What is believed of the pump's flow, and on what grounds."""
    ratio, start = reading.computed.flow_ratio, _learned_words(reading)
    if not ratio.refills:
        return _("No refill has measured this pump yet: %(start)s.") % {"start": start}
    words = ngettext(
        "This pump delivers %(ratio)s times what is programmed, learned from %(count)s refill; %(start)s.",
        "This pump delivers %(ratio)s times what is programmed, learned from %(count)s refills; %(start)s.",
        ratio.refills,
    )
    return words % {"ratio": f"{ratio.mean:.3f} ± {ratio.sd:.3f}", "count": ratio.refills, "start": start}
