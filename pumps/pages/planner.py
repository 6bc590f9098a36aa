"""What if: a pump as it is beside the pump as somebody tries it. Nothing is stored; it is no prescription."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _

from clinics.errors import Impossible
from clinics.pages.access import require, user_of
from clinics.roles import Permission
from clinics.words import moment_words
from pumps.catheter import catheter_of
from pumps.forms.entries import Rows, RowsForm
from pumps.forms.planner import WhatIfForm
from pumps.models import Event, Pump
from pumps.pages.beside import groups
from pumps.pages.calculators import shown
from pumps.pages.sheets import rows_again
from pumps.reading import Reading, read
from pumps.services.bridges import unbridged_words
from pumps.services.trying import Tried
from pumps.services.what_if import NOTE, Comparison, of_pump

# The lists of a program, and what a stored row calls its time and its number.
PARTS = {"steps": ("start", "rate_mcg_per_h"), "boluses": ("at", "dose_mcg")}

# Fields behind a fold, open where one of them is tried.
MORE = (
    "stability_days",
    "drug_expires_on",
    "max_refill_interval_days",
    "low_reservoir_alarm_ml",
    "catheter_volume_ml",
    "model",
    "factory_flow_ml_per_day",
)


def what_if(request: HttpRequest, pump_id: int) -> HttpResponse:
    """The form and the comparison on one page, as sent or as opened by a link with its values."""
    pumps = Pump.objects.visible_to(user_of(request)).select_related(
        "clinic", "model", "patient", "forecast__prior_version"
    )
    pump = get_object_or_404(pumps, pk=pump_id)
    require(request, Permission.SEE_CLINICAL, pump.clinic_id)
    now = timezone.now()
    data = _sent(request)
    reading = read(pump, pump.forecast, now)
    form = WhatIfForm(data, pump=pump, present=_present(reading, now))
    rows = _rows(reading, data)
    found = _compared(pump, form, rows, now) if data is None or "more" not in data else None
    context = {
        "pump": pump,
        "patient": pump.patient,
        "clinic": pump.clinic,
        "form": form,
        **rows,
        "note": NOTE,
        "more_is_open": form.is_bound and any(name in form.changed_data or form[name].errors for name in MORE),
        **(_answer(found, pump) if found is not None else {}),
    }
    return render(request, "pumps/what_if.html", context)


def _sent(request: HttpRequest) -> QueryDict | None:
    """What is tried: sent, or in the address; None where nothing is."""
    if request.method == "POST":
        return request.POST
    return request.GET if any(name in WhatIfForm.base_fields for name in request.GET) else None


def _present(reading: Reading, now: datetime) -> dict[str, Any]:
    """What the pump has now, by the form's fields."""
    pump, clinic = reading.pump, reading.pump.clinic
    values: dict[str, Any] = {
        "margin_days": clinic.refill_margin_days,
        "max_refill_interval_days": clinic.max_refill_interval_days,
        "low_reservoir_alarm_ml": pump.low_reservoir_alarm_ml,
        "catheter_volume_ml": catheter_of(pump, at=now).volume_ml,
        "factory_flow_ml_per_day": pump.factory_flow_ml_per_day,
        "model": pump.model_id,
    }
    fills = [fill for fill in reading.fills if fill.at <= now]
    if fills:
        last = fills[-1]
        values |= {
            "volume_ml": last.filled_ml,
            "concentration_mcg_per_ml": last.concentration_mcg_per_ml,
            "stability_days": reading.rules.stability_of(last),
            "drug_expires_on": last.drug_expires_on,
            "max_refill_interval_days": reading.rules.longest_interval_of(last),
        }
    program = reading.program_now
    if program is not None and pump.model.programmable:
        values |= {"mode": program.program.mode.value, "daily_dose_mcg": program.program.daily_dose_mcg}
    return values


def _rows(reading: Reading, data: QueryDict | None) -> dict[str, RowsForm]:
    """The steps and boluses as sent, else those the pump runs."""
    running = Event.objects.standing().filter(pump=reading.pump).latest_before(Event.Kind.DOSE_CHANGE, reading.now)
    stored = {"steps": (running.steps if running else []), "boluses": (running.boluses if running else [])}
    if data is not None and "more" in data:
        return {name: rows_again(data, name, data.get("more")) for name in PARTS}
    is_sent = data is not None and "steps-TOTAL_FORMS" in data
    return {name: _part(name, data if is_sent else None, stored[name]) for name in PARTS}


def _part(name: str, data: QueryDict | None, stored: Sequence[Mapping[str, Any]]) -> RowsForm:
    clock, number = PARTS[name]
    initial = [
        {"clock": row[clock], "number": Decimal(row[number]), "days": "+".join(row.get("days", ()))} for row in stored
    ]
    return Rows(data, prefix=name, initial=initial)


def _compared(pump: Pump, form: WhatIfForm, rows: Mapping[str, RowsForm], now: datetime) -> Comparison | None:
    """The comparison; None where the form says what is wrong, or where the pump has too little to compare."""
    is_valid = all([form.is_valid(), *(part.is_valid() for part in rows.values() if part.is_bound)])
    if form.is_bound and not is_valid:
        return None
    bound = {name: part for name, part in rows.items() if part.is_bound}
    try:
        return of_pump(pump, form.tried(bound) if form.is_bound else Tried(), now=now)
    except Impossible as error:
        if form.is_bound:
            form.take(error.errors)
        return None


def _answer(found: Comparison, pump: Pump) -> dict[str, Any]:
    then = found.tried.forecast
    before = {finding.code for finding in found.now.forecast.findings} if found.now is not None else set()
    return {
        "found": found,
        "groups": groups(found, pump),
        "begins": _begins(found, pump),
        "findings": shown([finding for finding in then.findings if finding.code not in before]),
        "unbridged": unbridged_words(found.bridge) if found.bridge is not None else "",
    }


def _begins(found: Comparison, pump: Pump) -> str:
    """When what is tried begins, and with what."""
    at = moment_words(found.starts_at, pump.clinic.zone)
    if found.other_model:
        return _("as a new pump, filled %(at)s") % {"at": at}
    return (
        _("with a refill, %(at)s") % {"at": at}
        if found.with_refill
        else _("now, %(at)s, with what is in the reservoir") % {"at": at}
    )
