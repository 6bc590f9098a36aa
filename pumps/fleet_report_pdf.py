"""A clinic's monthly report on paper: real text under headings, tables with a head."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.utils.formats import date_format, number_format
from django.utils.text import slugify
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from fpdf import FontFace

from alerts.messages import headline
from alerts.models import Alert, Notification
from clinical.units import plain
from clinics.saying import said
from clinics.words import day, moment_words
from pumps.fleet_report import FleetReport, Reached
from pumps.pages.words import SEVERITY_WORDS
from pumps.pictures.paper import draw
from pumps.pictures.ratios import of_models, ratio_picture
from pumps.printing import MARGIN_MM, PAPERS, Printed


def file_name(report: FleetReport) -> str:
    clinic = report.month.clinic
    return f"fleet-{slugify(clinic.name)[:60] or clinic.pk}-{report.month.first:%Y-%m}.pdf"


def as_pdf(report: FleetReport) -> bytes:
    """The report in the language that is active."""
    sheet = _Sheet(report)
    sheet.add_page()
    sheet.line_of_text(sheet.named, size=16, bold=True)
    clinic, month = report.month.clinic, report.month
    made = moment_words(report.made_at, clinic.zone)
    sheet.line_of_text(_("Made %(when)s (%(zone)s).") % {"when": made, "zone": clinic.timezone})
    if month.ends > report.made_at:
        sheet.line_of_text(_("The month is not over: it counts until now."))
    for part in (_pumps, _refills, _alerts, _flow, _findings, _drugs, _messages, _open):
        part(sheet, report)
    return bytes(sheet.output())


class _Sheet(Printed):
    def __init__(self, report: FleetReport) -> None:
        clinic = report.month.clinic
        # Translators: a month and a year, in the letters of Django's date format.
        month = date_format(report.month.first, _("F Y"))
        self.named = _("Fleet report: %(clinic)s, %(month)s") % {"clinic": clinic.name, "month": month}
        paper = PAPERS["letter" if clinic.label_set == clinic.LabelSet.US else "a4"]
        super().__init__(self.named, orientation="portrait", paper=paper, made_at=report.made_at)
        self.set_lang(get_language() or "en")
        self.set_subject(_("Pumps, refills, alerts and messages of a month"))

    def footer(self) -> None:
        self.set_y(-MARGIN_MM - 2)
        self.set_font(self.face, size=8)
        text = _("Page %(page)s of %(pages)s. Confidential: names of patients.")
        self.cell(0, 5, self.printable(text % {"page": self.page_no(), "pages": "{nb}"}), align="C")

    def pairs(self, rows: Iterable[tuple[str, str]]) -> None:
        for name, value in rows:
            self.line_of_text(f"{name}: {value}")

    def rows(self, head: Sequence[str], rows: Sequence[Sequence[str]], widths: Sequence[int]) -> None:
        if not rows:
            self.line_of_text(_("None."))
            return
        self.set_font(self.face, size=8)
        bold = FontFace(emphasis="BOLD", fill_color=(235, 235, 235))
        look: dict[str, Any] = {"text_align": "LEFT", "line_height": 4, "padding": 0.8, "repeat_headings": 1}
        with self.table(col_widths=tuple(widths), headings_style=bold, **look) as table:
            table.row([self.printable(cell) for cell in head])
            for row in rows:
                table.row([self.printable(cell) for cell in row])


def _count(number: int) -> str:
    return number_format(number, force_grouping=True)


def _pumps(sheet: _Sheet, report: FleetReport) -> None:
    sheet.section(_("Pumps"))
    found = report.pumps
    sheet.pairs(
        [
            (_("In use now"), _count(found.in_use)),
            (_("Implanted in the month"), _count(found.implanted)),
            (_("Explanted in the month"), _count(found.explanted)),
        ]
    )


def _refills(sheet: _Sheet, report: FleetReport) -> None:
    found = report.refills
    sheet.section(_("Refills"))
    sheet.pairs(
        [
            (_("Done"), _count(found.done)),
            (_("Of these after refill-by"), _count(found.late)),
            (_("Pumps past refill-by at the end, not refilled"), _count(found.missed)),
            (_("Visits to which nobody came"), _count(found.no_shows)),
            (_("Usual time before refill-by"), _margin_words(found.usual_margin_days)),
        ]
    )


def _margin_words(days: float | None) -> str:
    if days is None:
        return _("not known: no refill ended a reminder")
    rounded = round(abs(days))
    if days < 0:
        return ngettext("%(n)s day after it (median)", "%(n)s days after it (median)", rounded) % {"n": rounded}
    return ngettext("%(n)s day (median)", "%(n)s days (median)", rounded) % {"n": rounded}


def _alerts(sheet: _Sheet, report: FleetReport) -> None:
    sheet.section(_("Reservoirs that became low or empty"))
    head = (_("Reached"), _("Alerts"), _("Acknowledged after (median)"), _("Not acknowledged"))
    rows = [
        (str(headline(each.tier)), _count(each.alerts), _minutes_words(each), _count(each.unacknowledged))
        for each in report.reached
    ]
    sheet.rows(head, rows, (40, 15, 30, 25))


def _minutes_words(reached: Reached) -> str:
    if reached.usual_minutes is None:
        return _("nothing to tell")
    minutes = round(reached.usual_minutes)
    if minutes < 120:
        return ngettext("%(n)s minute", "%(n)s minutes", minutes) % {"n": minutes}
    hours = round(minutes / 60)
    return ngettext("%(n)s hour", "%(n)s hours", hours) % {"n": hours}


def _flow(sheet: _Sheet, report: FleetReport) -> None:
    sheet.section(_("Flow: delivered of what is programmed, as of the last night"))
    if not report.models:
        sheet.line_of_text(_("No figures yet: they are written each night."))
        return
    picture = ratio_picture(of_models(report.models))
    if picture is not None:
        draw(sheet, picture)
    head = (_("Model"), _("Pumps"), _("Measured"), _("Mean"), _("Spread"), _("Unsettled"))
    rows = []
    for each in report.models:
        figure = each.figure
        mean, spread = (
            number_format(value, 3) if value is not None else _("not known")
            for value in (figure.ratio_mean, figure.ratio_sd)
        )
        counts = (_count(figure.pumps), _count(figure.measured))
        rows.append((str(each.model), *counts, mean, spread, _count(figure.unsettled)))
    sheet.rows(head, rows, (45, 12, 15, 15, 15, 15))


def _findings(sheet: _Sheet, report: FleetReport) -> None:
    sheet.section(_("Findings of the present forecasts"))
    rows = [(said(each.message), str(SEVERITY_WORDS[each.severity]), _count(each.pumps)) for each in report.findings]
    sheet.rows((_("Such as"), _("Severity"), _("Pumps")), rows, (75, 17, 12))


def _drugs(sheet: _Sheet, report: FleetReport) -> None:
    sheet.section(_("Drugs and lots of the month's refills"))
    rows = [
        (each.formulation or _("not written"), f"{plain(each.concentration_mcg_per_ml)} mcg/mL",
         each.lot_number or _("not written"), _count(each.refills))
        for each in report.lots
    ]  # fmt: skip
    sheet.rows((_("Drug"), _("Concentration"), _("Lot"), _("Refills")), rows, (40, 25, 30, 12))
    if report.more_lots:
        more = ngettext("%(n)s more lot is not listed.", "%(n)s more lots are not listed.", report.more_lots)
        sheet.line_of_text(more % {"n": report.more_lots})


def _messages(sheet: _Sheet, report: FleetReport) -> None:
    sheet.section(_("Messages of the month"))
    rows = [
        (str(Notification.Channel(each.channel).label), _count(each.sent), _count(each.failed)) for each in report.sent
    ]
    sheet.rows((_("Channel"), _("Sent"), _("Failed")), rows, (50, 15, 15))


def _open(sheet: _Sheet, report: FleetReport) -> None:
    zone = report.month.clinic.zone
    sheet.section(_("Open now"))
    rows = [(str(Alert.Kind(each.kind).label), _count(each.alerts), day(each.oldest, zone)) for each in report.open]
    sheet.rows((_("Alert"), _("Open"), _("Oldest since")), rows, (50, 15, 30))
    sheet.section(_("Past refill-by now: %(n)s") % {"n": _count(report.past_count)})
    past = [
        (f"{row.pump.patient.family_name}, {row.pump.patient.given_name}", row.pump.patient.mrn, row.pump.serial_number,
         day(row.refill_by, zone) if row.refill_by is not None else "")
        for row in report.past
    ]  # fmt: skip
    sheet.rows((_("Patient"), _("MRN"), _("Serial number"), _("Refill by")), past, (40, 20, 25, 22))
