"""The worklist on paper: the rows that were on screen, with room to write."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clinics.words import calendar_day, day, moment_words
from pumps.list_sheet import ListSheet
from pumps.pages.worklist_lines import Line


@dataclass(frozen=True)
class WorklistPaper:
    """What is printed: `who` asked for it, `shown` says in words what the rows were narrowed to, `is_more` that there
    are more of them than are printed."""

    lines: Sequence[Line]
    who: str
    made_at: datetime
    zone: ZoneInfo
    shown: Sequence[str]
    is_more: bool
    of_several: bool


def as_pdf(found: WorklistPaper, paper: str) -> bytes:
    """The list as a PDF on `paper`, one of PAPERS, in landscape."""
    when = moment_words(found.made_at, found.zone)
    sheet = ListSheet(
        _("Worklist, %(day)s") % {"day": day(found.made_at, found.zone)},
        running=_("Worklist as of %(when)s, for %(who)s") % {"when": when, "who": found.who},
        subject=_("Pumps by the day their refill is due"),
        paper=paper,
        made_at=found.made_at,
    )
    sheet.add_page()
    sheet.line_of_text(_("Worklist"), size=16, bold=True)
    words = {"when": when, "zone": str(found.zone), "who": found.who}
    sheet.line_of_text(_("As of %(when)s (%(zone)s), for %(who)s.") % words)
    sheet.line_of_text(_("Shown: %(what)s.") % {"what": "; ".join(found.shown) or _("all pumps in use")})
    sheet.section(_count(found))
    if found.lines:
        sheet.columns(_columns(found), [_cells(found, line) for line in found.lines])
    if found.is_more:
        sheet.line_of_text(_("There are more. Narrow the list on screen to print the rest of it."))
    return bytes(sheet.output())


def _count(found: WorklistPaper) -> str:
    count = len(found.lines)
    if found.is_more:
        return _("The %(count)d most urgent pumps") % {"count": count}
    return ngettext("%(count)d pump", "%(count)d pumps", count) % {"count": count}


def _columns(found: WorklistPaper) -> list[tuple[str, int]]:
    clinic = [(_("Clinic"), 13)] if found.of_several else []
    return [
        (_("Urgency"), 11),
        (_("Patient"), 17),
        (_("Refill by"), 16),
        (_("Set by"), 12),
        (_("Visit"), 15),
        *clinic,
        (_("Phone"), 13),
        (_("Notes"), 16),
    ]


def _cells(found: WorklistPaper, line: Line) -> list[str]:
    patient, clinic = line.pump.patient, line.forecast.clinic
    urgency = [str(line.urgency.word), *([_("Serious finding")] if line.is_serious else [])]
    owner = "" if line.pump.is_refilled_here else _("Next refill by %(owner)s") % {"owner": line.pump.owner_words}
    who = [f"{patient.family_name}, {patient.given_name}", patient.mrn, str(line.pump.model.model), owner]
    return [
        "\n".join(urgency),
        "\n".join(part for part in who if part),
        _when(line),
        str(line.because),
        _visit(line),
        *([clinic.name] if found.of_several else []),
        patient.phone,
        "",
    ]


def _when(line: Line) -> str:
    row = line.forecast
    if row.refill_by is None:
        return _("no date")
    parts = [day(row.refill_by, row.clinic.zone), str(line.left)]
    if line.open_day is not None:
        parts.append(_("last open %(day)s") % {"day": calendar_day(line.open_day)})
    return "\n".join(parts)


def _visit(line: Line) -> str:
    if line.visit is None:
        return ""
    state = _("After refill-by") if line.visit.is_late else line.visit.word
    return f"{moment_words(line.visit.visit.starts_at, line.forecast.clinic.zone)}\n{state}"
