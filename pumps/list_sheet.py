"""Lists on paper: a title, a table that repeats its heads, page numbers, when it was made."""

from collections.abc import Sequence
from datetime import datetime

from django.utils.translation import gettext as _
from fpdf import FontFace

from pumps.printing import MARGIN_MM, PAPERS, Printed

HEAD_GREY = 235


class ListSheet(Printed):
    """A list in landscape on `paper`, one of PAPERS. `running` stands at the head of each page but the first."""

    def __init__(self, title: str, *, running: str, subject: str, paper: str, made_at: datetime) -> None:
        super().__init__(title, orientation="landscape", paper=PAPERS[paper], made_at=made_at)
        self.running = running
        self.set_subject(subject)

    def header(self) -> None:
        if self.page_no() > 1:
            self.line_of_text(self.running, size=8)

    def footer(self) -> None:
        self.set_y(-MARGIN_MM - 2)
        self.set_font(self.face, size=8)
        place = _("Page %(page)d of %(pages)s.") % {"page": self.page_no(), "pages": "{nb}"}
        secret = _("Confidential: names and telephone numbers of patients.")
        text = f"{place} {secret}"
        self.cell(0, 5, self.printable(text), align="C")

    def columns(self, heads: Sequence[tuple[str, int]], rows: Sequence[Sequence[str]]) -> None:
        """A table; of each column its head, and its part of the width between the margins."""
        self.set_font(self.face, size=8)
        style = FontFace(emphasis="BOLD", fill_color=(HEAD_GREY, HEAD_GREY, HEAD_GREY))
        with self.table(
            col_widths=tuple(width for _head, width in heads),
            text_align="LEFT",
            line_height=4,
            headings_style=style,
            padding=0.8,
            repeat_headings=1,
        ) as table:
            for row in ([head for head, _width in heads], *rows):
                table.row([self.printable(cell) for cell in row])
