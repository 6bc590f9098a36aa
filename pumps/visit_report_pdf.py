"""The report of a refill visit on paper: real text, settings side by side, and a line to sign on."""

from collections.abc import Sequence

from django.utils.translation import gettext as _
from fpdf import FontFace

from clinical.units import plain
from clinics.models import User
from clinics.words import calendar_day, moment_words
from patients.models import Patient
from pumps.models import Event
from pumps.pages.checked import checked_words
from pumps.pages.dates import dates
from pumps.pages.review import lines
from pumps.pages.timeline import entry_of
from pumps.pages.words import SEVERITY_WORDS
from pumps.printing import MARGIN_MM, PAPERS, Printed
from pumps.services.visit_checks import Fill, Needle
from pumps.visit_report import VisitReport, settings

Rows = Sequence[Sequence[str]]


def usual_paper(found: VisitReport) -> str:
    clinic = found.pump.clinic
    return "letter" if clinic.label_set == clinic.LabelSet.US else "a4"


def as_pdf(found: VisitReport, paper: str) -> bytes:
    """The report as a PDF on `paper`, one of PAPERS, upright."""
    sheet = Sheet(found, PAPERS[paper])
    zone = found.pump.clinic.zone
    sheet.add_page()
    sheet.line_of_text(_("Refill visit"), size=16, bold=True)
    when = moment_words(found.refill.occurred_at, zone)
    sheet.line_of_text(f"{when} ({found.pump.clinic.timezone}), {found.pump.clinic.name}")
    sheet.section(_("Patient and pump"))
    sheet.rows((32, 68), _who(found))
    sheet.section(_("Volumes"))
    sheet.rows((32, 68), _volumes(found))
    sheet.section(_("Recorded at this visit"))
    for event in found.entries:
        entry = entry_of(event)
        sheet.line_of_text(f"{event.occurred_at.astimezone(zone):%H:%M}  {entry.title}. {'; '.join(entry.details)}")
    sheet.section(_("Settings and dates, before and after"))
    head = (_("What"), _("Before the visit"), _("After the visit"))
    sheet.rows((28, 36, 36), _settings(found), head=head)
    _next(sheet, found)
    sheet.section(_("Done by"))
    sheet.line_of_text(_by(found))
    sheet.signature()
    return bytes(sheet.output())


def _who(found: VisitReport) -> Rows:
    pump, patient = found.pump, found.pump.patient
    return [
        (_("Name"), f"{patient.family_name}, {patient.given_name}"),
        (_("Born"), calendar_day(patient.date_of_birth)),
        ("MRN", patient.mrn),
        (_("Allergies"), _allergies(patient)),
        (_("Pump"), str(pump.model)),
        (_("Serial number"), pump.serial_number),
        (_("Reservoir"), f"{plain(pump.model.reservoir_ml)} mL"),
    ]


def _allergies(patient: Patient) -> str:
    """What is on record: that they were asked about at the visit says nothing of the answer."""
    if patient.allergies_status == Patient.Allergies.NOT_ASKED:
        return _("not on record")
    is_listed = patient.allergies_status == Patient.Allergies.LISTED
    return patient.allergies if is_listed else patient.get_allergies_status_display()


def _volumes(found: VisitReport) -> Rows:
    refill, check = found.refill, found.check
    out = f"{plain(refill.aspirated_ml)} mL" if refill.aspirated_ml is not None else _("not recorded")
    rows = [(_("Aspirated"), out)]
    if check is not None:
        said = checked_words(check)
        unknown = _("not known")
        expected = f"{said.expected or unknown} {f'({said.discrepancy})' if said.discrepancy else ''}".strip()
        rows += [(_("Expected by the program"), expected)]
        off = f" ({said.off})" if said.off else ""
        rows += [(_("Expected of this pump"), f"{said.calibrated or unknown}{off}")]
        if check.is_finding:
            rows += [(_("Finding"), _("Not explained by what this pump has shown before."))]
    held = plain(refill.concentration_mcg_per_ml) if refill.concentration_mcg_per_ml is not None else "?"
    filled = plain(refill.filled_ml) if refill.filled_ml is not None else "?"
    drug = ", ".join(filter(None, (f"{filled} mL of {held} mcg/mL", refill.formulation)))
    rows += [(_("Filled"), drug), (_("Lot"), _lot(refill))]
    return [*rows, *_looked_at(found)]


def _lot(refill: Event) -> str:
    expires = calendar_day(refill.drug_expires_on) if refill.drug_expires_on is not None else ""
    parts = [refill.lot_number, _("expires %(day)s") % {"day": expires} if expires else ""]
    return ", ".join(filter(None, parts)) or _("not recorded")


def _looked_at(found: VisitReport) -> Rows:
    """What the guided visit asked, where the refill came from one."""
    if found.guided is None:
        return []
    needle = {
        Needle.FELT: _("firm stop felt, and fluid came back"),
        Needle.SEEN: _("seen in the port by ultrasound or X-ray"),
    }.get(Needle(found.guided.checks.get("needle", Needle.UNSURE)), _("not certain"))
    is_odd = found.guided.checks.get("fill") == Fill.ODD
    fill = _("something was odd: swelling, pain or resistance") if is_odd else _("as usual")
    return [
        (_("Checked aloud"), _("name, date of birth, pump and serial number; allergies, drug and concentration")),
        (_("Needle"), needle),
        (_("Filling"), fill),
    ]


def _settings(found: VisitReport) -> Rows:
    own = lines(found.pump, found.found)
    return [
        *((line.name, line.before, f"{line.after}{f' ({line.note})' if line.note else ''}") for line in own[:2]),
        *settings(found),
        *((line.name, line.before, f"{line.after}{f' ({line.note})' if line.note else ''}") for line in own[2:]),
    ]


def _next(sheet: "Sheet", found: VisitReport) -> None:
    """Dates with why, findings, and the time that is booked; of the newest refill alone."""
    zone = found.pump.clinic.zone
    if found.reading is None:
        sheet.line_of_text(_("A later refill is recorded: its own report has the dates that hold now."))
        return
    sheet.section(_("Next dates, and why"))
    rows = [
        (one.name, moment_words(one.at, zone) if one.at is not None else _("no date"), one.why)
        for one in dates(found.reading)
    ]
    sheet.rows((20, 24, 56), rows, head=(_("What"), _("When"), _("Why")))
    for finding in found.reading.row.findings:
        sheet.line_of_text(f"{SEVERITY_WORDS[finding['severity']]}: {finding['message']} ({finding['source']})")
    sheet.section(_("Next visit"))
    visit = found.next_visit
    sheet.line_of_text(moment_words(visit.starts_at, zone) if visit is not None else _("None is booked."), bold=True)


def _by(found: VisitReport) -> str:
    who = _reached(found.refill.recorded_by)
    when = moment_words(found.refill.recorded_at, found.pump.clinic.zone)
    return _("%(who)s, recorded %(when)s.") % {"who": who, "when": when}


def _reached(user: User | None) -> str:
    return str(user) if user is not None else _("the system")


class Sheet(Printed):
    def __init__(self, found: VisitReport, paper: str) -> None:
        patient = found.pump.patient
        when = moment_words(found.refill.occurred_at, found.pump.clinic.zone)
        title = _("Refill visit of %(patient)s, %(when)s") % {"patient": patient, "when": when}
        super().__init__(title, orientation="portrait", paper=paper, made_at=found.made_at)
        self.found = found
        self.set_subject(_("What was taken out, filled and programmed, and what comes next"))

    def footer(self) -> None:
        self.set_y(-MARGIN_MM - 2)
        self.set_font(self.face, size=8)
        patient = self.found.pump.patient
        text = _("%(patient)s, MRN %(mrn)s. Page %(page)s of %(pages)s. Printed %(when)s. Confidential.") % {
            "patient": patient,
            "mrn": patient.mrn,
            "page": self.page_no(),
            "pages": "{nb}",
            "when": moment_words(self.found.made_at, self.found.pump.clinic.zone),
        }
        self.cell(0, 5, self.printable(text), align="C")

    def rows(self, widths: tuple[int, ...], rows: Rows, head: Sequence[str] | None = None) -> None:
        self.set_font(self.face, size=9)
        style = FontFace(emphasis="BOLD", fill_color=(235, 235, 235))
        with self.table(
            col_widths=widths,
            text_align="LEFT",
            line_height=4.4,
            headings_style=style,
            padding=0.8,
            first_row_as_headings=head is not None,
        ) as table:
            if head is not None:
                table.row([self.printable(cell) for cell in head])
            for row in rows:
                table.row([self.printable(cell) for cell in row])

    def signature(self) -> None:
        if self.will_page_break(28):
            self.add_page()
        self.ln(14)
        y = self.get_y()
        self.line(self.l_margin, y, self.l_margin + 85, y)
        self.line(self.l_margin + 100, y, self.w - self.r_margin, y)
        self.set_font(self.face, size=8)
        self.set_y(y + 1)
        self.cell(100, 4, self.printable(_("Signature")))
        self.cell(0, 4, self.printable(_("Day and time")))
