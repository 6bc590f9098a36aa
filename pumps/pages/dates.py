"""Each date of a forecast with one sentence that says what it was computed from."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from clinical.ledger import Fill
from clinical.units import plain
from clinical.watching import replacement_indicated_at
from clinics.words import calendar_day, day, left, moment_words
from pumps.pages.words import LIMIT_WORDS, unknown_words
from pumps.reading import Reading

_BY_FLOW = ("programmed_low_at", "programmed_empty_at", "low_at", "empty_at", "earliest_low_at")


@dataclass(frozen=True)
class Dated:
    """A line of the list: a date or None, and why."""

    name: str
    at: datetime | None
    left: str
    why: str
    is_key: bool = False


def dates(reading: Reading) -> list[Dated]:
    """All dates of design, section 2, in the order in which a reader asks for them."""
    return [_dated(reading, *line) for line in _LINES]


def _dated(reading: Reading, name: Promise, field: str, explain: Callable[[Reading], str]) -> Dated:
    at: datetime | None = getattr(reading.row, field)
    away = left(at, reading.now, reading.zone) if at is not None else ""
    why = explain(reading)
    if at is None and field in _BY_FLOW and reading.row.unknown_reason:
        why = _("Not known: %(row)s.") % {"row": unknown_words(reading.row, reading.now)}
    return Dated(str(name), at, away, why, is_key=field == "refill_by")


def rate_words(reading: Reading, fill: Fill) -> str:
    """`0.3514 mL/day (175.7 mcg/day at 500 mcg/mL)`."""
    facts, concentration = reading.device.facts, fill.programmed_concentration_mcg_per_ml
    if not facts.programmable:
        flow = facts.factory_flow_ml_per_day
        return (
            _("its factory flow of %(flow)s mL/day") % {"flow": plain(flow)}
            if flow is not None
            else _("an unknown factory flow")
        )
    change = reading.program_now
    if change is None:
        return _("an unknown flow (no dose is recorded)")
    if reading.is_stopped:
        return _("no flow (the pump is stopped)")
    dose, by_patient = change.program.daily_dose_mcg, change.program.most_by_patient_mcg
    given = _("%(dose)s mcg/day") % {"dose": plain(dose)}
    if by_patient:
        given = _("%(dose)s mcg/day and the most the patient may call for, %(by_patient)s mcg/day,") % {
            "dose": plain(dose),
            "by_patient": plain(by_patient),
        }
    return _("%(flow)s mL/day (%(given)s at %(concentration)s mcg/mL)") % {
        "flow": f"{(dose + by_patient) / concentration:.4g}",
        "given": given,
        "concentration": plain(concentration),
    }


def _held(reading: Reading, fill: Fill) -> Decimal:
    """What was filled and added, mL."""
    return fill.filled_ml + reading.added_ml


def _held_words(reading: Reading, fill: Fill) -> str:
    added = reading.added_ml
    if not added:
        return _("%(filled_ml)s mL") % {"filled_ml": plain(fill.filled_ml)}
    told = (
        _("%(held)s mL (%(filled)s filled, %(changed)s mL added since)")
        if added > 0
        else _("%(held)s mL (%(filled)s filled, %(changed)s mL taken out since)")
    )
    return told % {
        "held": plain(_held(reading, fill)),
        "filled": plain(fill.filled_ml),
        "changed": plain(abs(added)),
    }


def _room(reading: Reading, fill: Fill) -> Decimal:
    return max(_held(reading, fill) - reading.pump.low_reservoir_alarm_ml, Decimal(0))


def _since(reading: Reading, fill: Fill) -> str:
    changes = sum(fill.at < change.at <= reading.now for change in reading.programs)
    planned = sum(change.at > reading.now for change in reading.programs)
    values = {"at": moment_words(fill.at, reading.zone), "changes": changes, "planned": planned}
    if changes and planned:
        told = ngettext(
            "since %(at)s, with %(changes)s dose change on the way, and %(planned)s planned",
            "since %(at)s, with %(changes)s dose changes on the way, and %(planned)s planned",
            changes,
        )
    elif changes:
        told = ngettext(
            "since %(at)s, with %(changes)s dose change on the way",
            "since %(at)s, with %(changes)s dose changes on the way",
            changes,
        )
    else:
        told = _("since %(at)s, and %(planned)s planned") if planned else _("since %(at)s")
    return told % values


def _no_fill(explain: Callable[[Reading, Fill], str]) -> Callable[[Reading], str]:
    def explained(reading: Reading) -> str:
        fill, scan = reading.emptied_fill, reading.emptied_by_scan
        if scan is not None:
            when = day(scan.at, reading.zone)
            return _("The reservoir was emptied for the MRI scan of %(when)s; no fill is recorded since.") % {
                "when": when
            }
        return explain(reading, fill) if fill is not None else _("Not known: no fill is recorded.")

    return explained


def _programmed_low(reading: Reading, fill: Fill) -> str:
    low = plain(reading.pump.low_reservoir_alarm_ml)
    room, rate = plain(_room(reading, fill)), rate_words(reading, reading.last_fill or fill)
    if reading.added_ml:
        told = _(
            "%(room)s mL of %(held)s, above the %(low)s mL low level, at %(rate)s %(since)s. The pump's own alarm date."
        )
    else:
        told = _("%(room)s mL above the %(low)s mL low level, at %(rate)s %(since)s. The pump's own alarm date.")
    return told % {
        "room": room,
        "held": _held_words(reading, fill),
        "low": low,
        "rate": rate,
        "since": _since(reading, fill),
    }


def _programmed_empty(reading: Reading, fill: Fill) -> str:
    return _("All %(held)s at %(rate)s.") % {
        "held": _held_words(reading, fill),
        "rate": rate_words(reading, reading.last_fill or fill),
    }


def _low(reading: Reading, fill: Fill) -> str:
    mean = reading.computed.flow_ratio.mean
    return _("The same %(room)s mL at %(mean)s times the programmed flow.") % {
        "room": plain(_room(reading, fill)),
        "mean": f"{mean:.3f}",
    }


def _empty(reading: Reading, fill: Fill) -> str:
    mean = reading.computed.flow_ratio.mean
    return _("All %(held)s at %(mean)s times the programmed flow.") % {
        "held": _held_words(reading, fill),
        "mean": f"{mean:.3f}",
    }


def _earliest_low(reading: Reading, fill: Fill) -> str:
    high = reading.computed.ratio_high
    return _(
        "The same %(room)s mL at %(high)s times the programmed flow, the 99th percentile: at "
        "most 1 in 100 such pumps is low before this."
    ) % {"room": plain(_room(reading, fill)), "high": f"{high:.3f}"}


def _drug(reading: Reading, fill: Fill) -> str:
    if reading.last_fill is not fill:
        return _("The earliest of all the drug that is in the pump: it was not emptied at the last fill.")
    parts = []
    stability = reading.rules.stability_of(fill)
    if stability is not None:
        told = (
            _("%(stability)s days in the pump after %(at)s")
            if fill.stability_days is not None
            else _("%(stability)s days in the pump, as your clinic has set for %(product)s, after %(at)s")
        )
        at = day(fill.at, reading.zone)
        parts.append(told % {"stability": stability, "product": fill.formulation, "at": at})
    if fill.drug_expires_on is not None:
        parts.append(
            _("the lot's expiry on %(drug_expires_on)s") % {"drug_expires_on": calendar_day(fill.drug_expires_on)}
        )
    if not parts:
        return _("Not known: neither the drug's stability in the pump nor the lot's expiry is recorded.")
    if len(parts) == 1:
        missing = _("its stability in the pump") if stability is None else _("the lot's expiry")
        return _("By %(known)s; %(missing)s is not recorded.") % {"known": parts[0], "missing": missing}
    return _("The earlier of %(first)s and %(second)s.") % {"first": parts[0], "second": parts[1]}


def _max_interval(reading: Reading, fill: Fill) -> str:
    longest, product = reading.rules.longest_interval_of(fill), reading.rules.product_of(fill)
    is_products = product is not None and product.max_refill_interval_days is not None
    whose = (
        _("the longest interval set for %(formulation)s") % {"formulation": fill.formulation}
        if is_products
        else _("this clinic's longest interval")
    )
    return _("%(longest)s days, %(whose)s, after the fill of %(at)s.") % {
        "longest": longest,
        "whose": whose,
        "at": day(fill.at, reading.zone),
    }


def _refill_by(reading: Reading) -> str:
    row, margin = reading.row, reading.pump.clinic.refill_margin_days
    if row.refill_by is None:
        return _("Not known; see the findings.")
    deadline = row.refill_by + timedelta(days=margin)
    words = LIMIT_WORDS.get(row.limiting_factor)
    told = (
        _("The earliest deadline, %(when)s, set by %(words)s, less this clinic's margin of %(margin)s days.")
        if words
        else _("The earliest deadline, %(when)s less this clinic's margin of %(margin)s days.")
    )
    return told % {"when": moment_words(deadline, reading.zone), "words": words, "margin": margin}


def _service_ends(reading: Reading) -> str:
    years = reading.device.service_life_years
    indicated = replacement_indicated_at(reading.ledger)
    if indicated is not None:
        return _(
            "The replacement indicator was on at %(indicated)s, and the pump stops 90 days after it "
            "came on; or earlier, at the end of its service life. No refill moves it."
        ) % {"indicated": day(indicated, reading.zone)}
    if years is None:
        return _("Not known: the catalogue has no service life for this model.")
    return _("%(years)s years after the implant on %(implanted_on)s; no refill moves it.") % {
        "years": years,
        "implanted_on": calendar_day(reading.pump.implanted_on),
    }


_LINES: tuple[tuple[Promise, str, Callable[[Reading], str]], ...] = (
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
    whose = (
        _("learned from %(pumps)s pumps") % {"pumps": f"{version.pumps:,}"}
        if version.pumps
        else _("from the catalogue")
    )
    return _(
        "%(model)s pumps start from %(mean)s ± %(sd)s, and one measured residue is known to ± "
        "%(noise_ml)s mL (prior %(pk)s of %(created_at)s, %(whose)s)"
    ) % {
        "model": reading.pump.model.model,
        "mean": f"{prior.mean:.3f}",
        "sd": f"{prior.sd:.3f}",
        "noise_ml": f"{prior.noise_ml:.2f}",
        "pk": version.pk,
        "created_at": day(version.created_at, reading.zone),
        "whose": whose,
    }


def ratio_words(reading: Reading) -> str:
    """What is believed of the pump's flow, and on what grounds."""
    ratio, start = reading.computed.flow_ratio, _learned_words(reading)
    if not ratio.refills:
        return _("No refill has measured this pump yet: %(start)s.") % {"start": start}
    told = ngettext(
        "This pump delivers %(measured)s times what is programmed, learned from %(refills)s refill; %(start)s.",
        "This pump delivers %(measured)s times what is programmed, learned from %(refills)s refills; %(start)s.",
        ratio.refills,
    )
    return told % {"measured": f"{ratio.mean:.3f} ± {ratio.sd:.3f}", "refills": ratio.refills, "start": start}
