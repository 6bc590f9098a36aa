"""The emergency card on paper: wallet size, both sides beside each other, to cut out and fold."""

import io
from collections.abc import Sequence
from dataclasses import dataclass

import qrcode
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from fpdf.enums import MethodReturnValue, XPos, YPos

from portal.emergency_card import Card, for_doctors, signs_and_sounds
from pumps.printing import PAPERS, Printed

# ISO/IEC 7810 ID-1, the size of a bank card.
WIDTH_MM, HEIGHT_MM = 85.6, 54.0
INSIDE_MM, TOP_MM = 3.0, 42.0
CODE_MM = 21.0
MARK_MM = 4.0
LONGEST = 70
# The largest that fits is taken; below the last nobody could read it.
SIZES_PT = (8.0, 7.5, 7.0, 6.75, 6.5)
LEADING, GAP_MM = 1.16, 0.35
PT_MM = 25.4 / 72


@dataclass(frozen=True)
class _Line:
    """A paragraph of a side: its beginning bold."""

    bold: str
    text: str = ""


def usual_paper(card: Card) -> str:
    return "letter" if card.clinic.label_set == card.clinic.LabelSet.US else "a4"


def as_pdf(card: Card, paper: str, address: str | None) -> bytes:
    """The card in the language that is active; with a code that holds `address`, unless that is None."""
    title = _("Emergency card of %(name)s") % {"name": card.patient}
    sheet = Printed(
        title,
        orientation="portrait",
        paper=PAPERS[paper],
        made_at=card.now,
    )
    sheet.set_lang(get_language() or "en")
    sheet.set_auto_page_break(auto=False)
    sheet.set_subject(_("For the wallet: a pump for baclofen, and what to do in an emergency"))
    sheet.add_page()
    sheet.section(title)
    sheet.line_of_text(_("Cut along the marks, fold in the middle, and keep it with you. Older cards no longer count."))
    left = (sheet.w - 2 * WIDTH_MM) / 2
    _frame(sheet, left)
    _front(sheet, card, left, address)
    _back(sheet, card, left + WIDTH_MM)
    sheet.set_xy(sheet.l_margin, TOP_MM + HEIGHT_MM + 8)
    if card.rescue:
        sheet.set_auto_page_break(auto=True, margin=15)
        sheet.section(_("Oral rescue plan"))
        sheet.line_of_text(card.rescue)
    sheet.line_of_text(_sources(card), size=7)
    return bytes(sheet.output())


def _sources(card: Card) -> str:
    told = [*signs_and_sounds(), *for_doctors(card)]
    return _("Sources: %(sources)s.") % {"sources": "; ".join(dict.fromkeys(each.source for each in told))}


def _frame(sheet: Printed, left: float) -> None:
    """A thin frame, marks at the corners to cut by, and a dashed line to fold on."""
    right, bottom, middle = left + 2 * WIDTH_MM, TOP_MM + HEIGHT_MM, left + WIDTH_MM
    sheet.set_draw_color(120)
    sheet.set_line_width(0.15)
    sheet.rect(left, TOP_MM, 2 * WIDTH_MM, HEIGHT_MM)
    sheet.set_draw_color(0)
    for x, outwards in ((left, -1), (right, 1)):
        for y in (TOP_MM, bottom):
            sheet.line(x + outwards, y, x + outwards * (1 + MARK_MM), y)
    for y, outwards in ((TOP_MM, -1), (bottom, 1)):
        for x in (left, right):
            sheet.line(x, y + outwards, x, y + outwards * (1 + MARK_MM))
    sheet.set_dash_pattern(dash=1.2, gap=1.2)
    sheet.line(middle, TOP_MM - MARK_MM, middle, bottom + MARK_MM)
    sheet.set_dash_pattern()


def _front(sheet: Printed, card: Card, left: float, address: str | None) -> None:
    clinic, patient, pump = card.clinic, card.patient, card.pump
    call = _whole(clinic.phone) or _("ask for its number at the hospital")
    born = card.day_of_birth
    lines = [
        _Line(_("I have a baclofen pump in my body. It must not stop.")),
        _Line(_short(f"{patient}"), _("born %(day)s") % {"day": born}),
        _Line(_("Pump"), f"{pump.model}, {pump.serial_number}"),
        _Line(_("Drug"), card.drug_words),
        _Line(_("Dose"), card.dose_words),
        _Line(_("Refill by"), card.refill_by),
        _Line(_("Call"), f"{_short(clinic.name)}: {call}"),
        _Line(_("Emergency"), _whole(clinic.number_in_emergency)),
        _Line("", _("At night too: ask for whoever is on call for pumps.")),
    ]
    ends = [_Line("", _("Printed %(day)s. Dose and dates may have changed.") % {"day": card.made_on})]
    room = WIDTH_MM - 2 * INSIDE_MM - (CODE_MM + 1.5 if address is not None else 0)
    _fill(sheet, lines, ends, left + INSIDE_MM, room)
    if address is not None:
        _code(sheet, left + WIDTH_MM - INSIDE_MM - CODE_MM, address)


def _whole(number: str) -> str:
    """A telephone number that no line breaks."""
    return number.replace(" ", "\u00a0")


def _short(name: str) -> str:
    """A name as far as a wallet has room for it."""
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1].rstrip()}…"


def _back(sheet: Printed, card: Card, left: float) -> None:
    told = [*signs_and_sounds(), *for_doctors(card)]
    lines = [_Line(each.title, each.text) for each in told]
    _fill(sheet, lines, [], left + INSIDE_MM, WIDTH_MM - 2 * INSIDE_MM)


def _code(sheet: Printed, left: float, address: str) -> None:
    made = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_M, border=4, box_size=8)
    made.add_data(address)
    made.make(fit=True)
    picture = io.BytesIO()
    made.make_image().save(picture)
    top = TOP_MM + INSIDE_MM
    sheet.image(picture, left, top, CODE_MM, CODE_MM, alt_text=_("A code to scan: the page of this card, up to date"))
    sheet.set_xy(left, top + CODE_MM)
    sheet.set_font(sheet.face, size=SIZES_PT[-1])
    said = sheet.printable(_("Scan: what holds today"))
    sheet.multi_cell(CODE_MM, SIZES_PT[-1] * PT_MM * LEADING, said, align="C")


def _fill(sheet: Printed, lines: Sequence[_Line], ends: Sequence[_Line], left: float, width: float) -> None:
    """Write a side in the largest size that fits. What does not fit in the smallest goes from the end of `lines`."""
    rest, size = list(lines), SIZES_PT[-1]
    while rest:
        fitting = [
            size for size in SIZES_PT if _height(sheet, [*rest, *ends], width, size) <= HEIGHT_MM - 2 * INSIDE_MM
        ]
        if fitting:
            size = fitting[0]
            break
        rest.pop()
    sheet.set_y(TOP_MM + INSIDE_MM)
    for line in [*rest, *ends]:
        sheet.set_x(left)
        _paragraph(sheet, line, width, size)
        sheet.set_y(sheet.get_y() + GAP_MM)


def _height(sheet: Printed, lines: Sequence[_Line], width: float, size: float) -> float:
    return sum(_paragraph(sheet, line, width, size, only_measure=True) + GAP_MM for line in lines)


def _paragraph(sheet: Printed, line: _Line, width: float, size: float, *, only_measure: bool = False) -> float:
    """Write a paragraph, or only measure it; its height, mm."""
    bold = f"**{_plain(sheet, line.bold)}** " if line.bold else ""
    sheet.set_font(sheet.face, "", size)
    height = sheet.multi_cell(
        width,
        size * PT_MM * LEADING,
        (bold + _plain(sheet, line.text)).strip(),
        align="L",
        markdown=True,
        dry_run=only_measure,
        output=MethodReturnValue.HEIGHT,
        new_x=XPos.LMARGIN,
        new_y=YPos.NEXT,
    )
    return float(str(height))


def _plain(sheet: Printed, text: str) -> str:
    """The text as the font prints it, without what would count as a mark of bold, italics or underlining."""
    return sheet.printable(text).replace("**", "").replace("__", "").replace("--", "-").replace("~~", "")
