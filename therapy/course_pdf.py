"""A patient's course on paper: the same picture as on the page, and its table as real text."""

from datetime import datetime

from django.utils.translation import gettext as _

from clinics.words import day, moment_words
from pumps.pictures.paper import draw
from pumps.printing import PAPERS, Printed
from therapy.course import Course


def as_pdf(course: Course, now: datetime) -> bytes:
    patient, zone = course.patient, course.patient.clinic.zone
    paper = PAPERS["letter" if patient.clinic.label_set == "us" else "a4"]
    pdf = Printed(
        _("Course of therapy of %(patient)s") % {"patient": patient}, orientation="portrait", paper=paper, made_at=now
    )
    pdf.add_page()
    pdf.line_of_text(_("Course of therapy: %(patient)s") % {"patient": patient}, size=15, bold=True)
    as_of = {"mrn": patient.mrn, "clinic": patient.clinic.name, "now": moment_words(now, zone)}
    pdf.line_of_text(_("MRN %(mrn)s · %(clinic)s · as of %(now)s") % as_of)
    if course.phase is not None:
        since = {"phase": course.phase.get_phase_display(), "day": day(course.phase.began_at, zone)}
        pdf.line_of_text(_("%(phase)s since %(day)s") % since)
    if course.chart is not None:
        draw(pdf, course.chart)
        pdf.section(_("Doses, and the scores around them"))
        for at, dose, before, under in course.chart.table.rows:
            words = {"at": at, "dose": dose, "before": before, "under": under}
            pdf.line_of_text(_("%(at)s: %(dose)s. Before: %(before)s. Under it: %(under)s.") % words)
    return bytes(pdf.output())
