"""The load of a clinic's days on paper: the picture of the page, and its numbers."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from clinics.words import calendar_day, moment_words
from pumps.agenda import Day
from pumps.pictures.load import picture
from pumps.pictures.paper import draw, draw_table
from pumps.printing import MARGIN_MM, PAPERS, Printed


def as_pdf(days: Sequence[Day], *, where: str, paper: str, made_at: datetime, zone: ZoneInfo) -> bytes:
    """Days in order, one at least, on `paper`, one of PAPERS."""
    span = {"where": where, "first": calendar_day(days[0].day), "last": calendar_day(days[-1].day)}
    title = _("Load by day: %(where)s, %(first)s to %(last)s") % span
    sheet = Sheet(title, orientation="landscape", paper=PAPERS[paper], made_at=made_at)
    sheet.add_page()
    sheet.line_of_text(title, size=14, bold=True)
    sheet.line_of_text(_("As of %(when)s (%(zone)s).") % {"when": moment_words(made_at, zone), "zone": str(zone)})
    drawn = picture(days)
    draw(sheet, drawn)
    sheet.section(drawn.table.name)
    draw_table(sheet, drawn.table)
    return bytes(sheet.output())


class Sheet(Printed):
    def footer(self) -> None:
        self.set_y(-MARGIN_MM - 2)
        self.set_font(self.face, size=8)
        place = _("Page %(page)d of %(pages)s.") % {"page": self.page_no(), "pages": "{nb}"}
        self.cell(0, 5, self.printable(place), align="C")
