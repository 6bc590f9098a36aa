"""The question about a bridge bolus in the review of a refill that changes the concentration."""

from typing import Any

from pumps.forms.bridge import BridgeForm
from pumps.pages.calculators import shown
from pumps.pages.sheets import Work
from pumps.services.bridges import unbridged_words
from pumps.services.consequences import Consequence
from pumps.services.entries import Entry, EventEntry, RefillEntry


def bridge_form(work: Work, found: Consequence, *, is_answered: bool) -> BridgeForm | None:
    """The question, where there is one: a correction leaves recorded bridges as they are."""
    need = found.bridge
    if need is None or need.is_recorded or work.wrong is not None:
        return None
    return BridgeForm(work.request.POST if is_answered else None, need=need, note=found.event.reason)


def with_answer(entry: Entry, form: BridgeForm | None) -> tuple[Entry, EventEntry | None]:
    """The entry as it is stored, and the bridge stored with it."""
    if form is None or not isinstance(entry, RefillEntry):
        return entry, None
    return form.answered(entry)


def context(found: Consequence, form: BridgeForm | None) -> dict[str, Any]:
    """What the review shows: the question, or what stays to be done."""
    need = found.bridge
    return {
        "bridge": form,
        "need": need,
        "unbridged": unbridged_words(need) if need is not None else "",
        "notices": shown(found.notices) if form is None else [],
    }
