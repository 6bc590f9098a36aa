"""The call list on paper: real text, titled and sectioned, readable with nothing but the sheet."""

from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clinics import saying
from clinics.models import User
from clinics.words import day, moment_words
from pumps.calls import call_words
from pumps.list_sheet import ListSheet
from pumps.services.call_lists import CallList, Line, Person


def _columns() -> list[tuple[str, int]]:
    """Heads, and their parts of the width between the margins."""
    return [
        (_("Patient"), 17),
        (_("Telephone"), 25),
        (_("Refill by"), 11),
        (_("Low"), 10),
        (_("Empty"), 10),
        (_("Open"), 17),
        (_("By"), 10),
    ]


def usual_paper(found: CallList) -> str:
    return "letter" if found.clinic.label_set == found.clinic.LabelSet.US else "a4"


def as_pdf(found: CallList, paper: str) -> bytes:
    """The list as a PDF on `paper`, one of PAPERS, in landscape."""
    sheet = _sheet(found, paper)
    sheet.add_page()
    sheet.line_of_text(_("Call list: %(clinic)s") % {"clinic": found.clinic.name}, size=16, bold=True)
    when = {"when": moment_words(found.made_at, found.clinic.zone), "zone": found.clinic.timezone}
    sheet.line_of_text(_("As of %(when)s (%(zone)s).") % when)
    for said in [*_on_call(found), *(_("Of the clinic: %(said)s") % {"said": said} for said in found.of_clinic)]:
        sheet.line_of_text(said)
    sheet.section(_("To phone: %(count)d") % {"count": len(found.to_phone)})
    sheet.line_of_text(
        _(
            "A reminder of the refill or of a visit is due at home, and no message reaches the patient; or the pump is "
            "stopped, or past refill-by, low or empty with no visit booked, which is said by telephone in any case."
        )
    )
    _people(sheet, found, found.to_phone)
    everybody = _("Everybody who is due soon or of whom something is open: %(count)d")
    sheet.section(everybody % {"count": len(found.lines)})
    _people(sheet, found, found.lines)
    sheet.line_of_text(_beyond(found))
    sheet.line_of_text(
        _(
            "After refill-by a pump must not wait. Fever, new or worse spasms, itching or confusion can be withdrawal: "
            "an emergency. Send the patient to hospital and call whoever is on call."
        )
    )
    return bytes(sheet.output())


def _sheet(found: CallList, paper: str) -> ListSheet:
    zone, name = found.clinic.zone, found.clinic.name
    title = _("Call list of %(clinic)s, %(day)s") % {"clinic": name, "day": day(found.made_at, zone)}
    running = _("Call list: %(clinic)s, as of %(when)s") % {"clinic": name, "when": moment_words(found.made_at, zone)}
    subject = _("Patients with a pump: whom to telephone, and by when")
    return ListSheet(title, running=running, subject=subject, paper=paper, made_at=found.made_at)


def _on_call(found: CallList) -> list[str]:
    zone = found.clinic.zone
    said = []
    for spell in found.spells[:5]:
        who = _reach(spell.user) if spell.user is not None else _("nobody")
        words = {"when": moment_words(spell.duty.ends, zone), "who": who}
        said.append(_("On call until %(when)s: %(who)s") % words)
    return said


def _reach(user: User) -> str:
    name = str(user)
    ways = [way for way in (user.email, user.phone) if way and way != name]
    return f"{name} ({', '.join(ways)})" if ways else name


def _beyond(found: CallList) -> str:
    if not found.beyond or found.next_beyond is None:
        return _("No other pump in use is due later.")
    said = ngettext(
        "%(count)d more in use, due later: the first by %(day)s.",
        "%(count)d more in use, due later: the first by %(day)s.",
        found.beyond,
    )
    return said % {"count": found.beyond, "day": day(found.next_beyond, found.clinic.zone)}


def _people(sheet: ListSheet, found: CallList, lines: Sequence[Line]) -> None:
    if lines:
        sheet.columns(_columns(), [_cells(found, line) for line in lines])
    else:
        sheet.line_of_text(_("Nobody."))


def _cells(found: CallList, line: Line) -> list[str]:
    zone = found.clinic.zone
    owner = "" if line.pump.is_refilled_here else _("Next refill by %(owner)s") % {"owner": line.pump.owner_words}
    dates = [
        day(each, zone) if each is not None else _("not known") for each in (line.refill_by, line.low_at, line.empty_at)
    ]
    dates[0] = _lines(dates[0], line.tier)
    return [
        _lines(f"{line.patient.family_name}, {line.patient.given_name}", line.patient.mrn, owner),
        _lines(*(_reached(person) for person in line.people), _called(found, line)),
        *dates,
        _lines(*(line.open or [_("nothing")]), _visit(found, line)),
        _lines(_("PHONE"), saying.said(line.why_phone)) if line.why_phone else _("message"),
    ]


def _lines(*parts: str) -> str:
    return "\n".join(part for part in parts if part)


def _visit(found: CallList, line: Line) -> str:
    if line.visit is None:
        return ""
    said = _("Visit %(when)s: not reminded") if line.is_unreminded else _("Visit %(when)s")
    return said % {"when": moment_words(line.visit, found.clinic.zone)}


def _called(found: CallList, line: Line) -> str:
    """The last call, with its day: the paper may be read on another."""
    return call_words(line.call, found.clinic) if line.call is not None else ""


def _reached(person: Person) -> str:
    number = person.phone or _("no telephone")
    if person.role == _("Patient"):
        return number
    said = f"{person.role} {person.name}: {number}"
    gets = _("gets messages")
    return said if person.why_not else f"{said} ({gets})"
