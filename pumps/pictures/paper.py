"""A picture on paper: the same shapes in greys and dashes, with its legend; the words are real text."""

from collections.abc import Sequence
from dataclasses import dataclass

from pumps.pictures.shapes import WIDTH, Area, Band, Key, Picture, Point, Table, Words
from pumps.printing import MARGIN_MM, Printed

# A point of the picture on paper; a little less than on the screen, where 96 go to an inch.
POINT_MM = 0.21
TEXT = 7.0


@dataclass(frozen=True)
class Style:
    """Grey of 0 to 255; width and dash in mm."""

    grey: int
    width: float = 0.2
    dash: float = 0.0


STYLES = {
    "grid": Style(205, 0.15),
    "tick": Style(120),
    "foot": Style(120),
    "expected": Style(20, 0.6),
    "programmed": Style(80, 0.35, 1.4),
    "low": Style(20, 0.3, 0.6),
    "now": Style(120, 0.5),
    "refill-by": Style(20, 0.5, 2.0),
    "limit": Style(20, 0.4, 1.4),
    "dose-line": Style(20, 0.6),
    "refill": Style(20, 0.4),
    "pain": Style(90, 0.3),
    "spasms": Style(90, 0.3, 1.2),
    "tone": Style(90, 0.3, 0.5),
    "mean": Style(20, 0.5),
    "worst": Style(60, 0.4),
}
FILLS = {
    "range": 222,
    "prior": 225,
    "phase": 246,
    "phase-odd": 236,
    "bar": 150,
    "bar-free": 218,
    "bar-over": 60,
    "closed": 245,
    "median": 150,
}
USUAL = Style(60)


def draw(pdf: Printed, picture: Picture, *, width_mm: float | None = None) -> None:
    """The picture and its legend at the pen, which then stands below them."""
    width = width_mm if width_mm is not None else pdf.w - pdf.l_margin - pdf.r_margin
    height = picture.height * POINT_MM
    if pdf.will_page_break(height + 8):
        pdf.add_page()
    _Sheet(pdf, pdf.l_margin, pdf.get_y() + 2, width / WIDTH, POINT_MM).draw(picture)
    pdf.set_y(pdf.get_y() + 2 + height + 1)
    _legend(pdf, picture.keys, pdf.l_margin + width)
    # What comes next is drawn as if no picture had been: a table fills its cells with the last colour.
    pdf.set_fill_color(255)
    pdf.set_draw_color(0)
    pdf.set_line_width(0.2)


def draw_table(pdf: Printed, table: Table) -> None:
    """The numbers of a picture, its first column the widest."""
    pdf.set_font(pdf.face, "", 8)
    widths = (2, *(1 for _ in table.heads[1:]))
    with pdf.table(col_widths=widths, line_height=4.5, text_align="LEFT", borders_layout="HORIZONTAL_LINES") as drawn:
        for row in (table.heads, *table.rows):
            drawn.row([pdf.printable(cell) for cell in row])


@dataclass(frozen=True)
class _Sheet:
    """Where a picture lies on the page, and how large its units are there."""

    pdf: Printed
    left: float
    top: float
    across: float
    down: float

    def at(self, point: Point) -> Point:
        return self.left + point[0] * self.across, self.top + point[1] * self.down

    def draw(self, picture: Picture) -> None:
        for area in picture.areas:
            self._area(area)
        for band in picture.bands:
            self._band(band)
        for line in picture.lines:
            _stroke(self.pdf, line.kind, [self.at(point) for point in line.points])
        for dots in picture.dots:
            self.pdf.set_fill_color(90)
            for point in dots.points:
                self.pdf.circle(*self.at(point), 0.45, style="F")
        for mark in picture.marks:
            _mark(self.pdf, mark.shape, self.at((mark.x, mark.y)))
        for words in picture.words:
            self._words(words)

    def _area(self, area: Area) -> None:
        self.pdf.set_fill_color(FILLS.get(area.kind, 220))
        self.pdf.rect(*self.at((area.x, area.y)), area.width * self.across, area.height * self.down, style="F")

    def _band(self, band: Band) -> None:
        self.pdf.set_fill_color(FILLS.get(band.kind, 220))
        self.pdf.polygon([self.at(point) for point in band.points], style="F")

    def _words(self, words: Words) -> None:
        pdf, text = self.pdf, self.pdf.printable(words.text)
        pdf.set_font(pdf.face, "", TEXT)
        x, y = self.at((words.x, words.y))
        width = pdf.get_string_width(text)
        pdf.text(x - {"start": 0, "middle": width / 2, "end": width}[words.anchor], y, text)


def _stroke(pdf: Printed, kind: str, points: list[Point]) -> None:
    style = STYLES.get(kind, USUAL)
    pdf.set_draw_color(style.grey)
    pdf.set_line_width(style.width)
    if style.dash:
        pdf.set_dash_pattern(dash=style.dash, gap=style.dash * 0.8)
    pdf.polyline(points)
    if style.dash:
        pdf.set_dash_pattern()


def _mark(pdf: Printed, shape: str, centre: Point) -> None:
    """The shapes of `SHAPES`, about 2 mm wide."""
    x, y = centre
    pdf.set_draw_color(40)
    pdf.set_line_width(0.3)
    pdf.set_fill_color(255 if shape in ("ring", "hollow") else 40)
    match shape:
        case "circle" | "ring":
            pdf.circle(x, y, 0.9, style="DF")
        case "square":
            pdf.rect(x - 0.9, y - 0.9, 1.8, 1.8, style="DF")
        case "triangle":
            pdf.polygon([(x, y - 1.1), (x + 1.1, y + 0.9), (x - 1.1, y + 0.9)], style="DF")
        case "diamond" | "hollow":
            pdf.polygon([(x, y - 1.2), (x + 1.1, y), (x, y + 1.2), (x - 1.1, y)], style="DF")
        case _:
            pdf.line(x, y - 1.2, x, y + 1.2)


def _legend(pdf: Printed, keys: Sequence[Key], right: float) -> None:
    """Each key's sample and words, as many to a line as there is room for."""
    pdf.set_font(pdf.face, "", TEXT)
    x, y = float(pdf.l_margin), pdf.get_y() + 2
    for key in keys:
        words = pdf.printable(key.words)
        width = 8 + pdf.get_string_width(words) + 4
        if x + width > right and x > MARGIN_MM:
            x, y = float(pdf.l_margin), y + 4
        _sample(pdf, key, x, y)
        pdf.text(x + 8, y + 0.9, words)
        x += width
    pdf.set_y(y + 4)


def _sample(pdf: Printed, key: Key, x: float, y: float) -> None:
    match key.drawn:
        case "mark":
            _mark(pdf, key.shape, (x + 3, y))
        case "area":
            pdf.set_fill_color(FILLS.get(key.kind, 220))
            pdf.rect(x, y - 1.2, 6, 2.4, style="F")
        case "dots":
            pdf.set_fill_color(90)
            pdf.circle(x + 3, y, 0.45, style="F")
        case _:
            _stroke(pdf, key.kind, [(x, y), (x + 6, y)])
