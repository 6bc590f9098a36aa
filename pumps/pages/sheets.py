"""The form of one kind of entry in front of one person: fresh, as sent, or from an entry to correct."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext as _

from clinical.units import plain
from pumps.forms.entries import MORE_ROWS, MOST_ROWS, DoseForm, EntryForm, RefillForm, Rows, RowsForm
from pumps.forms.events import EventForm
from pumps.models import DrugProduct, Event, Pump
from pumps.services.entries import Entry
from pumps.services.kinds import KINDS

Kind = Event.Kind


@dataclass(frozen=True)
class Work:
    """One form in front of one person. `wrong` is the entry it corrects, if it does."""

    request: HttpRequest
    pump: Pump
    now: datetime
    kind: str
    wrong: Event | None = None

    @property
    def title(self) -> str:
        if self.kind == Kind.REFILL:
            return _("Refill")
        return _("Dose change") if self.kind == Kind.DOSE_CHANGE else str(KINDS[self.kind].title)

    def latest(self, kind: str) -> Event | None:
        return Event.objects.standing().filter(pump=self.pump).latest_before(kind, self.now)


@dataclass(frozen=True)
class Sheet:
    """A form, and for a dose its lists of steps and boluses."""

    form: EntryForm
    rows: Mapping[str, RowsForm] = field(default_factory=dict)

    def is_valid(self) -> bool:
        return all([self.form.is_valid(), *(rows.is_valid() for rows in self.rows.values())])

    def entry(self) -> Entry:
        form = self.form
        if isinstance(form, DoseForm):
            return form.with_rows(self.rows["steps"], self.rows["boluses"])
        if isinstance(form, RefillForm | EventForm):
            return form.entry()
        raise TypeError(f"{type(form).__name__} makes no entry")


def sheet(work: Work) -> Sheet:
    """The form as sent, or a fresh one."""
    data = work.request.POST or None
    if work.request.method != "POST":
        data = None
    more = data.get("more") if data is not None else None
    if work.kind == Kind.REFILL:
        return Sheet(_refill(work, data))
    if work.kind == Kind.DOSE_CHANGE:
        return _dose(work, data, more)
    initial = _of_event(work.wrong) if work.wrong is not None else {}
    return Sheet(EventForm(data, pump=work.pump, now=work.now, kind=KINDS[work.kind], initial=initial))


def _refill(work: Work, data: QueryDict | None) -> RefillForm:
    products = list(DrugProduct.objects.filter(clinic=work.pump.clinic_id).values_list("name", flat=True))
    last = work.wrong or work.latest(Kind.REFILL)
    form = RefillForm(data, pump=work.pump, now=work.now, last=last, products=products)
    if work.wrong is not None:
        wrong = work.wrong
        same = ("emptying", "formulation", "lot_number", "drug_expires_on", "stability_days", "reason")
        form.initial = {
            **form.initial,
            **{name: getattr(wrong, name) for name in same},
            **{name: _plain(getattr(wrong, name)) for name in ("aspirated_ml", "filled_ml")},
            "programmed_concentration_mcg_per_ml": _plain(wrong.programmed_concentration_mcg_per_ml),
            "refilled_at": wrong.occurred_at,
        }
    return form


def _dose(work: Work, data: QueryDict | None, more: str | None) -> Sheet:
    current = work.wrong or work.latest(Kind.DOSE_CHANGE)
    if data is not None and more is None:
        form = DoseForm(data, pump=work.pump, now=work.now, current=current)
        return Sheet(form, {name: Rows(data, prefix=name) for name in ("steps", "boluses")})
    if data is not None:
        form = DoseForm(pump=work.pump, now=work.now, current=current, initial=_kept(data))
        return Sheet(form, {name: rows_again(data, name, more) for name in ("steps", "boluses")})
    wrong = work.wrong
    initial: dict[str, Any] = {}
    steps: list[dict[str, str]] = []
    boluses: list[dict[str, str]] = []
    if wrong is not None:
        initial = {"mode": wrong.mode, "daily_dose_mcg": _plain(wrong.daily_dose_mcg), "reason": wrong.reason}
        initial["effective_at"] = wrong.occurred_at
        initial["patient_bolus_mcg"] = _plain(wrong.patient_bolus_mcg)
        initial["patient_boluses_per_day"] = wrong.patient_boluses_per_day
        steps = [_row(row, "start", "rate_mcg_per_h") for row in wrong.steps]
        boluses = [_row(row, "at", "dose_mcg") for row in wrong.boluses]
    form = DoseForm(pump=work.pump, now=work.now, current=current, initial=initial)
    return Sheet(
        form, {"steps": Rows(prefix="steps", initial=steps), "boluses": Rows(prefix="boluses", initial=boluses)}
    )


def _row(stored: Mapping[str, Any], clock: str, number: str) -> dict[str, str]:
    """A stored step or bolus as a row of the form."""
    return {"clock": stored[clock], "number": stored[number], "days": "+".join(stored.get("days", ()))}


def _of_event(wrong: Event) -> dict[str, Any]:
    values: dict[str, Any] = {"occurred_at": wrong.occurred_at, "reason": wrong.reason}
    for name in KINDS[wrong.kind].fields:
        if name == "pump_clock":
            values[name] = wrong.shown_clock
        elif name == "reservoir_emptied":
            values[name] = {True: "yes", False: "no", None: ""}[wrong.reservoir_emptied]
        elif name == "tones":
            values[name] = str(wrong.tones) if wrong.tones is not None else ""
        else:
            values[name] = getattr(wrong, name) if name == "alarms" else _plain(getattr(wrong, name))
    return values


def _plain(value: Any) -> str | None:
    return plain(value) if value is not None else None


def _kept(posted: QueryDict) -> dict[str, str]:
    """What was typed, kept while rows are added; nothing is judged yet."""
    return {name: value for name, value in posted.items() if isinstance(value, str)}


def rows_again(posted: QueryDict, prefix: str, more: str | None) -> RowsForm:
    """The rows as typed, and some blank ones behind the list that wants more."""
    total = posted.get(f"{prefix}-TOTAL_FORMS", "")
    # Four digits say more rows than there can be; thousands of them are refused by int().
    count = min(int(total[:4]), MOST_ROWS) if total.isascii() and total.isdigit() else 0
    typed = [
        {name: posted.get(f"{prefix}-{place}-{name}", "") for name in ("clock", "number", "days")}
        for place in range(count)
    ]
    rows = Rows(prefix=prefix, initial=typed)
    rows.extra = MORE_ROWS if more == prefix or not typed else 0
    return rows
