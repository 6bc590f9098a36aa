"""The picture of a pump's reservoir: within its page, swapped in for another span of time, and on paper."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _

from clinics.pages import require, user_of
from clinics.roles import Permission
from clinics.words import moment_words
from pumps.models import Forecast, Pump
from pumps.pages.visit_lines import VisitLine, lines_of
from pumps.pictures.paper import draw, draw_table
from pumps.pictures.reservoir import SPAN_WORDS, Span, reservoir
from pumps.printing import PAPERS, Printed
from pumps.reading import Reading, read


def reservoir_page(request: HttpRequest, pump_id: int) -> HttpResponse:
    """The picture alone: swapped into the pump's page, or a page of its own."""
    reading, line = _asked(request, pump_id)
    context = {
        "pump": reading.pump,
        "patient": reading.pump.patient,
        "is_swapped": "HX-Request" in request.headers,
        **picture_of(reading, span_of(request), line),
    }
    is_part = context["is_swapped"] and context["picture"] is not None
    return render(request, "parts/reservoir.html" if is_part else "pumps/reservoir.html", context)


def reservoir_pdf(request: HttpRequest, pump_id: int) -> HttpResponse:
    reading, line = _asked(request, pump_id)
    made = as_pdf(reading, span_of(request), line)
    answer = HttpResponse(made, content_type="application/pdf")
    name = slugify(reading.pump.patient.mrn) or reading.pump.pk
    answer["Content-Disposition"] = f'inline; filename="reservoir-{name}.pdf"'
    return answer


def span_of(request: HttpRequest) -> Span:
    """How far back is asked for; since the last fill where that is nothing we know."""
    asked = request.GET.get("span", "")
    return Span(asked) if asked in {span.value for span in Span} else Span.FILL


def picture_of(reading: Reading, span: Span, line: VisitLine | None) -> dict[str, Any]:
    """The picture, and the other spans of time it can be of."""
    visits = [line.visit.starts_at] if line is not None and line.visit.is_standing else []
    return {
        "picture": reservoir(reading, span, visits),
        "span": span.value,
        "spans": [(each.value, words) for each, words in SPAN_WORDS.items()],
        "span_words": SPAN_WORDS[span],
    }


def _asked(request: HttpRequest, pump_id: int) -> tuple[Reading, VisitLine | None]:
    user, now = user_of(request), timezone.now()
    found = get_object_or_404(Pump.objects.visible_to(user).select_related("patient", "model", "clinic"), pk=pump_id)
    require(request, Permission.SEE_CLINICAL, found.clinic_id)
    row = Forecast.objects.select_related("prior_version", "clinic").get(pump=found)
    return read(found, row, now), lines_of([row], now).get(found.pk)


def as_pdf(reading: Reading, span: Span, line: VisitLine | None) -> bytes:
    pump, patient, now = reading.pump, reading.pump.patient, moment_words(reading.now, reading.zone)
    paper = PAPERS["letter" if pump.clinic.label_set == "us" else "a4"]
    title = _("Reservoir of %(patient)s") % {"patient": patient}
    pdf = Printed(title, orientation="portrait", paper=paper, made_at=reading.now)
    pdf.add_page()
    pdf.line_of_text(title, size=15, bold=True)
    about = {"mrn": patient.mrn, "pump": pump.model, "serial": pump.serial_number, "clinic": pump.clinic.name}
    pdf.line_of_text(_("MRN %(mrn)s · %(pump)s, %(serial)s · %(clinic)s") % about)
    pdf.line_of_text(f"{SPAN_WORDS[span]} · " + _("as of %(now)s") % {"now": now})
    picture = picture_of(reading, span, line)["picture"]
    if picture is None:
        pdf.line_of_text(_("The volume is not known: no fill is recorded."))
    else:
        draw(pdf, picture)
        pdf.section(picture.table.name)
        draw_table(pdf, picture.table)
    return bytes(pdf.output())
