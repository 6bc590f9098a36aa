"""Why the drug, the interval and the pump's life end when they do, and which deadline binds."""

from collections.abc import Sequence
from datetime import date, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinical.ledger import Fill, Interrogation
from clinical.watching import STOPS_AFTER_INDICATOR, PumpAlarm
from clinics.models import Clinic
from clinics.opening import last_open_day
from clinics.words import calendar_day, day, moment_words
from pumps.pages.why.parts import Input, Why, bare, days, key, named, others
from pumps.reading import Reading


def drug_expires(reading: Reading) -> Why:
    """Of every fill whose drug is in the pump, since what was not emptied counts too."""
    fills, at = _in_pump(reading), reading.row.drug_expires_at
    if not fills:
        return bare(reading, "drug_expires_at")
    zone, inputs, parts = reading.zone, [], []
    for fill in fills:
        stability, lot = reading.rules.stability_of(fill), fill.drug_expires_on
        stable = days(stability) if stability is not None else _("not recorded")
        expires = calendar_day(lot) if lot is not None else _("not recorded")
        inputs.append(Input(_("Stable in the pump"), stable, _stability_origin(reading, fill)))
        inputs.append(Input(_("Lot expires"), expires, _refill_of(reading, fill)))
        parts += [f"{day(fill.at, zone)} + {stable}"] if stability is not None else []
        parts += [expires] if lot is not None else []
    return Why(
        "drug_expires_at",
        *named(reading, "drug_expires_at"),
        inputs=inputs,
        formula=_("the earliest of fill + days of stability, and the first moment of the lot's expiry"),
        numbers=_earliest(parts, moment_words(at, zone)) if at is not None else "",
        sources=[_("Clinical rules, section 2 (stability in the pump): at most 180 days; PMID 38043050")],
        events={key(fill) for fill in fills},
        others=others(reading, "drug_expires_at"),
    )


def _stability_origin(reading: Reading, fill: Fill) -> str:
    if fill.stability_days is not None:
        return _refill_of(reading, fill)
    return _("this clinic's setting for %(drug)s") % {"drug": fill.formulation or _("the drug")}


def _refill_of(reading: Reading, fill: Fill) -> str:
    return _("refill of %(day)s") % {"day": day(fill.at, reading.zone)}


def _earliest(parts: Sequence[str], at: str) -> str:
    if len(parts) == 1:
        return f"{parts[0]} = {at}"
    return _("earliest of %(parts)s = %(at)s") % {"parts": "; ".join(parts), "at": at}


def longest_interval(reading: Reading) -> Why:
    fills, at, zone = _in_pump(reading), reading.row.max_interval_at, reading.zone
    if not fills or at is None:
        return bare(reading, "max_interval_at")
    longest = [days(reading.rules.longest_interval_of(fill)) for fill in fills]
    parts = [f"{moment_words(fill.at, zone)} + {each}" for fill, each in zip(fills, longest, strict=True)]
    return Why(
        "max_interval_at",
        *named(reading, "max_interval_at"),
        inputs=[
            Input(_("Longest interval"), each, _interval_origin(reading, fill))
            for fill, each in zip(fills, longest, strict=True)
        ],
        formula=_("fill + longest interval"),
        numbers=_earliest(parts, moment_words(at, zone)),
        sources=[_("Clinical rules, section 2 (refill frequency: every 1 to 6 months)")],
        events={key(fill) for fill in fills},
        others=others(reading, "max_interval_at"),
    )


def _interval_origin(reading: Reading, fill: Fill) -> str:
    product = reading.rules.product_of(fill)
    if product is not None and product.max_refill_interval_days is not None:
        return _("this clinic's setting for %(drug)s") % {"drug": fill.formulation}
    return _("this clinic's setting")


def _in_pump(reading: Reading) -> list[Fill]:
    """The fills whose drug is in the pump."""
    first = reading.emptied_fill
    return [fill for fill in reading.fills if first is not None and first.at <= fill.at <= reading.now]


def service_ends(reading: Reading) -> Why:
    years = reading.device.service_life_years
    shown = _("%(years)s years") % {"years": years} if years is not None else _("not known")
    read = [
        event
        for event in reading.ledger
        if isinstance(event, Interrogation) and PumpAlarm.REPLACEMENT_DUE in event.alarms
    ]
    at, parts = reading.row.service_ends_at, []
    if years is not None:
        parts.append(f"{calendar_day(reading.pump.implanted_on)} + {shown}")
    if read:
        parts.append(f"{day(read[0].at, reading.zone)} + {days(STOPS_AFTER_INDICATOR.days)}")
    return Why(
        "service_ends_at",
        *named(reading, "service_ends_at"),
        inputs=[
            Input(_("Implanted"), calendar_day(reading.pump.implanted_on), _("the pump's card")),
            Input(_("Service life"), shown, _("the catalogue, for %(model)s") % {"model": reading.pump.model}),
        ],
        formula=_("implant + service life; or, if earlier, 90 days after its replacement indicator came on"),
        numbers=_earliest(parts, moment_words(at, reading.zone)) if at is not None else "",
        sources=[_("Clinical rules, section 2 (life): Medtronic; Boster 2016")],
        events={key(event) for event in read},
    )


def refill_by(reading: Reading) -> Why:
    row, margin = reading.row, reading.pump.clinic.refill_margin_days
    if row.refill_by is None:
        return bare(reading, "refill_by")
    zone, deadline = reading.zone, row.refill_by + timedelta(days=margin)
    return Why(
        "refill_by",
        *named(reading, "refill_by"),
        inputs=[*others(reading, ""), Input(_("Margin"), days(margin), _("this clinic's setting"))],
        formula=_("refill by = the earliest deadline - margin"),
        numbers=f"{moment_words(deadline, zone)} - {days(margin)} = {moment_words(row.refill_by, zone)}",
        sources=[
            _("Clinical rules, section 2 (scheduling margin: 7 to 10 days before the alarm date; Gillette, Medtronic)")
        ],
        events={key(fill) for fill in _in_pump(reading)},
    )


def open_day(reading: Reading) -> Why:
    clinic, by = reading.pump.clinic, reading.row.refill_by
    name = _("Last open day before it")
    if by is None:
        return Why("open_day", name, _("not known"), _("Not known: there is no date to refill by."))
    last, closed = by.astimezone(reading.zone).date(), _closed(clinic)
    found = last_open_day(last, clinic.opening_days, set(closed))
    between = [calendar_day(each) for each in sorted(closed) if found is not None and found < each <= last]
    return Why(
        "open_day",
        name,
        calendar_day(found) if found is not None else _("none near"),
        _("The last day up to the date to refill by on which the clinic refills."),
        inputs=[
            Input(_("Refill by"), calendar_day(last), _("the forecast")),
            Input(_("Refills on"), _weekdays(clinic), _("this clinic's setting")),
            Input(_("Closed between them"), ", ".join(between) or _("no day"), _("this clinic's closed days")),
        ],
        formula=_("the last day not after refill by that is an opening day and not closed"),
        numbers=f"{calendar_day(last)} -> {calendar_day(found)}" if found is not None else "",
        sources=[_("This clinic's settings")],
    )


def _closed(clinic: Clinic) -> list[date]:
    return [closed.day for closed in clinic.closed_days.all()]


_WEEKDAYS = tuple(gettext_lazy(name) for name in ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"))


def _weekdays(clinic: Clinic) -> str:
    return ", ".join(str(_WEEKDAYS[number]) for number in sorted(clinic.opening_days))
