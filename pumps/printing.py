"""Paper: a PDF of real text, titled, in a font that writes every name."""

from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Literal

from django.conf import settings
from fpdf import FPDF, TextStyle, ViewerPreferences
from fpdf.enums import XPos, YPos

PAPERS = {"a4": "A4", "letter": "Letter"}
MARGIN_MM = 10
FONT, FALL_BACK = "DejaVu", "Helvetica"


class Printed(FPDF):
    """A document of some pages on `paper`, one of the values of PAPERS."""

    def __init__(
        self, title: str, *, orientation: Literal["portrait", "landscape"], paper: str, made_at: datetime
    ) -> None:
        super().__init__(orientation=orientation, unit="mm", format=paper)
        self.set_title(title)
        self.set_author("Brim")
        self.set_lang("en")
        self.set_creation_date(made_at.astimezone(UTC))
        self.viewer_preferences = ViewerPreferences(display_doc_title=True)
        self.set_margin(MARGIN_MM)
        self.set_auto_page_break(auto=True, margin=MARGIN_MM + 6)
        self.face = FALL_BACK
        fonts = _fonts()
        if fonts is not None:
            self.face = FONT
            for style, path in fonts.items():
                self.add_font(FONT, style, path)
        self.set_font(self.face, size=9)
        self.set_section_title_styles(TextStyle(self.face, "B", 12, t_margin=3, b_margin=1))

    def printable(self, text: str) -> str:
        """The text as the font can print it: everything, or without our own font what Western Europe writes."""
        return text if self.face == FONT else text.encode("latin-1", "replace").decode("latin-1")

    def line_of_text(self, text: str, *, size: float = 9, bold: bool = False) -> None:
        self.set_font(self.face, "B" if bold else "", size)
        self.multi_cell(0, size * 0.55, self.printable(text), new_x=XPos.LMARGIN, new_y=YPos.NEXT, align="L")

    def section(self, title: str) -> None:
        """A heading that is one for a reader of the file too, and in its outline."""
        if self.will_page_break(30):
            self.add_page()
        self.start_section(self.printable(title))


@cache
def _fonts() -> dict[str, Path] | None:
    """The files of our own font by style; None where they are missing, since a list without an accent beats none."""
    folder = settings.BASE_DIR / "node_modules/dejavu-fonts-ttf/ttf"
    files = {"": folder / "DejaVuSansCondensed.ttf", "B": folder / "DejaVuSansCondensed-Bold.ttf"}
    return files if all(path.is_file() for path in files.values()) else None
