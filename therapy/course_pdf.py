"""A patient's course on paper: the same picture as on the page, and its table as real text."""

from datetime import datetime

from clinics.words import day, moment_words
from pumps.printing import MARGIN_MM, PAPERS, Printed
from therapy.chart import Area, Chart, Line, Mark, dose_words
from therapy.course import Course

LEGEND = "Line: dose. Ticks below it: refills. Circle: pain. Square: spasms. Triangle: tone, the middle Ashworth grade"
# What each line is drawn in: grey of 0-255, width in mm, dash.
LINES = {
    "grid": (200, 0.15, 0.0),
    "tick": (120, 0.2, 0.0),
    "dose": (20, 0.6, 0.0),
    "refill": (20, 0.4, 0.0),
    "pain": (90, 0.3, 0.0),
    "spasms": (90, 0.3, 1.2),
    "tone": (90, 0.3, 0.5),
}


def as_pdf(course: Course, now: datetime) -> bytes:
    patient, zone = course.patient, course.patient.clinic.zone
    paper = PAPERS["letter" if patient.clinic.label_set == "us" else "a4"]
    pdf = Printed(f"Course of therapy of {patient}", orientation="portrait", paper=paper, made_at=now)
    pdf.add_page()
    pdf.line_of_text(f"Course of therapy: {patient}", size=15, bold=True)
    pdf.line_of_text(f"MRN {patient.mrn} · {patient.clinic.name} · as of {moment_words(now, zone)}")
    if course.phase is not None:
        pdf.line_of_text(f"{course.phase.get_phase_display()} since {day(course.phase.began_at, zone)}")
    if course.chart is not None:
        _draw(pdf, course.chart)
        pdf.line_of_text(f"{LEGEND}.", size=8)
        pdf.section("Doses, and the scores around them")
        for change in course.chart.changes:
            before, after = (
                "; ".join(filter(None, (each.pain, each.spasms, each.tone))) or "nothing measured"
                for each in (change.before, change.after)
            )
            dose = dose_words(change.daily_dose_mcg)
            pdf.line_of_text(f"{day(change.at, zone)}: {dose}. Before: {before}. Under it: {after}.")
    return bytes(pdf.output())


def _draw(pdf: Printed, chart: Chart) -> None:
    scale = (pdf.w - 2 * MARGIN_MM) / chart.width
    left, top = MARGIN_MM, pdf.get_y() + 3

    def at(x: float, y: float) -> tuple[float, float]:
        return left + x * scale, top + y * scale

    for area in chart.areas:
        _area(pdf, area, at(area.x, area.y), scale)
    for line in chart.lines:
        _line(pdf, line, [at(x, y) for x, y in line.points])
    for mark in chart.marks:
        _mark(pdf, mark, at(mark.x, mark.y))
    pdf.set_font(pdf.face, "", 7)
    for words in chart.words:
        x, y = at(words.x, words.y)
        width = pdf.get_string_width(words.text)
        pdf.text(x - {"start": 0, "middle": width / 2, "end": width}[words.anchor], y, words.text)
    pdf.set_y(top + chart.height * scale + 2)


def _area(pdf: Printed, area: Area, corner: tuple[float, float], scale: float) -> None:
    pdf.set_fill_color(246 if area.kind == "phase" else 236)
    pdf.rect(*corner, area.width * scale, area.height * scale, style="F")


def _line(pdf: Printed, line: Line, points: list[tuple[float, float]]) -> None:
    grey, width, dash = LINES[line.kind]
    pdf.set_draw_color(grey)
    pdf.set_line_width(width)
    if dash:
        pdf.set_dash_pattern(dash=dash, gap=dash)
    pdf.polyline(points)
    if dash:
        pdf.set_dash_pattern()


def _mark(pdf: Printed, mark: Mark, centre: tuple[float, float]) -> None:
    x, y = centre
    pdf.set_fill_color(60)
    pdf.set_draw_color(60)
    if mark.kind == "pain":
        pdf.circle(x, y, 1, style="F")
    elif mark.kind == "spasms":
        pdf.rect(x - 0.9, y - 0.9, 1.8, 1.8, style="F")
    else:
        pdf.polygon([(x, y - 1.1), (x + 1.1, y + 0.9), (x - 1.1, y + 0.9)], style="F")
