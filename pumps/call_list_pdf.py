"""The call list on paper: real text, titled and sectioned, readable with nothing but the sheet."""

from collections.abc import Sequence

from fpdf import FontFace

from clinics.models import User
from clinics.words import day, moment_words
from pumps.printing import MARGIN_MM, PAPERS, Printed
from pumps.services.call_lists import CallList, Line, Person

# Of the width between the margins.
COLUMNS = (("Patient", 17), ("Telephone", 25), ("Refill by", 11), ("Low", 10), ("Empty", 10), ("Open", 17), ("By", 10))


def usual_paper(found: CallList) -> str:
    return "letter" if found.clinic.label_set == found.clinic.LabelSet.US else "a4"


def as_pdf(found: CallList, paper: str) -> bytes:
    """The list as a PDF on `paper`, one of PAPERS, in landscape."""
    sheet = Sheet(found, PAPERS[paper])
    sheet.add_page()
    sheet.line_of_text(f"Call list: {found.clinic.name}", size=16, bold=True)
    sheet.line_of_text(f"As of {moment_words(found.made_at, found.clinic.zone)} ({found.clinic.timezone}).")
    for said in [*_on_call(found), *(f"Of the clinic: {said}" for said in found.of_clinic)]:
        sheet.line_of_text(said)
    sheet.section(f"To phone: {len(found.to_phone)}")
    sheet.line_of_text("A reminder of the refill or of a visit is due at home, and no message reaches the patient.")
    sheet.lines(found.to_phone)
    sheet.section(f"Everybody who is due soon or of whom something is open: {len(found.lines)}")
    sheet.lines(found.lines)
    sheet.line_of_text(_beyond(found))
    sheet.line_of_text(
        "After refill-by a pump must not wait. Fever, new or worse spasms, itching or confusion can be withdrawal: "
        "an emergency. Send the patient to hospital and call whoever is on call."
    )
    return bytes(sheet.output())


def _on_call(found: CallList) -> list[str]:
    zone = found.clinic.zone
    said = []
    for spell in found.spells[:5]:
        who = _reach(spell.user) if spell.user is not None else "nobody"
        said.append(f"On call until {moment_words(spell.duty.ends, zone)}: {who}")
    return said


def _reach(user: User) -> str:
    name = str(user)
    ways = [way for way in (user.email, user.phone) if way and way != name]
    return f"{name} ({', '.join(ways)})" if ways else name


def _beyond(found: CallList) -> str:
    if not found.beyond or found.next_beyond is None:
        return "No other pump in use is due later."
    return f"{found.beyond} more in use, due later: the first by {day(found.next_beyond, found.clinic.zone)}."


class Sheet(Printed):
    def __init__(self, found: CallList, paper: str) -> None:
        title = f"Call list of {found.clinic.name}, {day(found.made_at, found.clinic.zone)}"
        super().__init__(title, orientation="landscape", paper=paper, made_at=found.made_at)
        self.found = found
        self.set_subject("Patients with a pump: whom to telephone, and by when")

    def header(self) -> None:
        if self.page_no() > 1:
            made = moment_words(self.found.made_at, self.found.clinic.zone)
            self.line_of_text(f"Call list: {self.found.clinic.name}, as of {made}", size=8)

    def footer(self) -> None:
        self.set_y(-MARGIN_MM - 2)
        self.set_font(self.face, size=8)
        text = f"Page {self.page_no()} of {{nb}}. Confidential: names and telephone numbers of patients."
        self.cell(0, 5, self.printable(text), align="C")

    def lines(self, lines: Sequence[Line]) -> None:
        if not lines:
            self.line_of_text("Nobody.")
            return
        self.set_font(self.face, size=8)
        head = FontFace(emphasis="BOLD", fill_color=(235, 235, 235))
        widths = tuple(width for _, width in COLUMNS)
        with self.table(
            col_widths=widths, text_align="LEFT", line_height=4, headings_style=head, padding=0.8, repeat_headings=1
        ) as table:
            table.row([name for name, _ in COLUMNS])
            for line in lines:
                table.row([self.printable(cell) for cell in _cells(self.found, line)])


def _cells(found: CallList, line: Line) -> list[str]:
    zone = found.clinic.zone
    owner = "" if line.pump.is_refilled_here else f"\nNext refill by {line.pump.owner_words}"
    dates = [
        day(each, zone) if each is not None else "not known" for each in (line.refill_by, line.low_at, line.empty_at)
    ]
    dates[0] += f"\n{line.tier}" if line.tier else ""
    is_open = "\n".join(line.open) or "nothing"
    visit = f"\nVisit {moment_words(line.visit, zone)}" if line.visit is not None else ""
    if line.is_unreminded:
        visit += ": not reminded"
    return [
        f"{line.patient.family_name}, {line.patient.given_name}\n{line.patient.mrn}{owner}",
        "\n".join(_reached(person) for person in line.people),
        *dates,
        is_open + visit,
        f"PHONE\n{line.why_phone}" if line.why_phone else "message",
    ]


def _reached(person: Person) -> str:
    number = person.phone or "no telephone"
    if person.role == "Patient":
        return number
    return f"{person.role} {person.name}: {number}" + ("" if person.why_not else " (gets messages)")
