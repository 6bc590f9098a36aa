"""The forms of a guided refill visit in front of one person: fresh, from a draft, or as sent."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from pumps.forms.bridge import BridgeForm
from pumps.forms.entries import Rows, RowsForm
from pumps.forms.guided import CHANGED, GuidedForm, VisitDoseForm
from pumps.models import DrugProduct, Event, VisitDraft
from pumps.pages.sheets import Work, rows_again
from pumps.services.drafts import Values
from pumps.services.guided import Visit

LISTS = ("steps", "boluses")
# What the page carries beside what was typed at the visit.
BESIDE = {"csrfmiddlewaretoken", "step", "confirm", "seen", "visit", "counter", "base", "reviewed", "more", "place"}
# What is asked again of a visit that was left for so long: it was true of that moment.
ASK_AGAIN_AFTER = timedelta(minutes=30)
ASK_AGAIN = ("identity", "drug_checked", "needle", "refilled_at", "place")


@dataclass(frozen=True)
class GuidedSheet:
    """`dose` and its lists are there for a pump that can be programmed."""

    form: GuidedForm
    dose: VisitDoseForm | None
    rows: Mapping[str, RowsForm]

    def is_valid(self) -> bool:
        """The dose is looked at where it was changed; one that was written all the same is asked about."""
        is_valid = self.form.is_valid()
        if self.dose is None:
            return is_valid
        if self.is_dose_judged:
            is_valid = all([self.dose.is_valid(), *(rows.is_valid() for rows in self.rows.values()), is_valid])
        if self.is_dose_judged and not self.form.is_dose_changed and "program" not in self.form.errors:
            self.form.add_error("program", _("A dose is written below. Say that it was changed, or take it out."))
            return False
        return is_valid

    @property
    def is_dose_judged(self) -> bool:
        """Whether the dose was sent as changed, or is written all the same."""
        is_sent = self.dose is not None and self.dose.is_bound
        return is_sent and (self.form.data.get("program") == CHANGED or bool(self.dose and self.dose.has_changed()))

    def visit(self) -> Visit:
        refill = self.form.entry()
        dose = None
        if self.dose is not None and self.form.is_dose_changed:
            dose = self.dose.at(refill.refilled_at, self.rows)
        return Visit(refill, dose, checks=self.form.checks())

    def take(self, errors: Mapping[str, Any]) -> None:
        """Show the service's messages at their fields."""
        for field, messages in errors.items():
            is_of_dose = self.dose is not None and field not in self.form.fields and field in self.dose.fields
            (self.dose if is_of_dose and self.dose is not None else self.form).take({field: messages})


def sent(work: Work) -> GuidedSheet:
    data = work.request.POST
    dose, rows = None, {}
    if work.pump.model.programmable:
        dose = VisitDoseForm(data, pump=work.pump, now=work.now, current=work.latest(Event.Kind.DOSE_CHANGE))
        rows = {name: Rows(data, prefix=name) for name in LISTS}
    return GuidedSheet(_form(work, data), dose, rows)


def shown(work: Work, typed: QueryDict | None, more: str | None = None) -> GuidedSheet:
    """To be filled in: what was typed is there again, and nothing of it is judged."""
    values = typed if typed is not None else QueryDict()
    dose, rows = None, {}
    if work.pump.model.programmable:
        of_dose = {
            name.removeprefix("dose-"): value for name, value in _initial(values).items() if name.startswith("dose-")
        }
        current = work.latest(Event.Kind.DOSE_CHANGE)
        dose = VisitDoseForm(pump=work.pump, now=work.now, current=current, initial=of_dose)
        rows = {name: rows_again(values, name, more) for name in LISTS}
    return GuidedSheet(_form(work, None, _initial(values)), dose, rows)


def _form(work: Work, data: QueryDict | None, initial: Mapping[str, Any] | None = None) -> GuidedForm:
    products = list(DrugProduct.objects.filter(clinic=work.pump.clinic_id).values_list("name", flat=True))
    last = work.latest(Event.Kind.REFILL)
    return GuidedForm(data, pump=work.pump, now=work.now, last=last, products=products, initial=dict(initial or {}))


def _initial(values: QueryDict) -> dict[str, Any]:
    return {name: value for name, value in values.items() if isinstance(value, str) and value != ""}


def typed_of(posted: QueryDict) -> Values:
    """What was typed at the visit, as it is kept: no more than the page's own fields."""
    return {name: values for name, values in posted.lists() if _is_typed(name) or name == "place"}


def as_posted(draft: VisitDraft, now: datetime) -> QueryDict:
    """A draft's values, as the page would send them, without what has to be asked again."""
    is_left = now - draft.saved_at >= ASK_AGAIN_AFTER
    posted = QueryDict(mutable=True)
    for name, typed in draft.values.items():
        if not (is_left and name in ASK_AGAIN):
            posted.setlist(name, list(typed))
    return posted


def digest(posted: QueryDict) -> str:
    """By which a visit that was looked at is known again: whatever is typed differently has another one."""
    typed = sorted((name, values) for name, values in posted.lists() if _is_typed(name))
    return hashlib.sha256(json.dumps(typed).encode()).hexdigest()


def _is_typed(name: str) -> bool:
    return name not in BESIDE and not name.startswith(f"{BridgeForm.prefix}-")
