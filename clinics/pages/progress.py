"""How far long work is, in words: counts, and the time left once there is a pace."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from clinics.models import Work
from clinics.services.meter import seconds_left

# What the workers call a step, as a person reads it: while its total is not known, and once it is.
STEPS = {
    "checking": (gettext_noop("Checking"), gettext_noop("Checking: %(done)s of %(total)s")),
    "comparing with what is stored": (
        gettext_noop("Comparing with what is stored"),
        gettext_noop("Comparing with what is stored: %(done)s of %(total)s"),
    ),
    "storing events": (gettext_noop("Storing events"), gettext_noop("Storing events: %(done)s of %(total)s")),
    "learning": (gettext_noop("Learning from the refills"), gettext_noop("Learning: %(done)s of %(total)s")),
    "forecasting": (
        gettext_noop("Computing forecasts"),
        gettext_noop("Computing forecasts: %(done)s of %(total)s pumps"),
    ),
    "reading the month": (
        gettext_noop("Reading the month"),
        gettext_noop("Reading the month: %(done)s of %(total)s parts"),
    ),
}
FILE = "reading "


@dataclass(frozen=True)
class Progress:
    """`percent` is None while the total is not known; `left` is empty while there is no pace."""

    state: str
    words: str
    percent: int | None
    left: str
    is_at_work: bool
    is_stopping: bool

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def progress_of(work: Work, state: str, now: datetime, *, is_at_work: bool, has_more_steps: bool = False) -> Progress:
    """`has_more_steps`: others follow the present one, so what is left of it is not all that is left."""
    seconds = seconds_left(work, now) if is_at_work else None
    left = left_words(seconds) if seconds else ""
    if left and has_more_steps:
        left = _("%(left)s of this step") % {"left": left}
    total = work.step_total
    return Progress(
        state=state,
        words=_words(work),
        percent=min(int(100 * work.step_done / total), 100) if total else None,
        left=left,
        is_at_work=is_at_work,
        is_stopping=is_at_work and work.cancel_requested,
    )


def _words(work: Work) -> str:
    if not work.step:
        return _("Waiting for its turn")
    counts = {"done": counted(work.step_done), "total": counted(work.step_total)}
    if work.step.startswith(FILE) and work.step not in STEPS:
        said = {**counts, "file": work.step.removeprefix(FILE)}
        return _("Reading %(file)s: %(done)s rows") % said if work.step_done else _("Reading %(file)s") % said
    without, with_total = STEPS.get(work.step, (work.step, work.step))
    return _(with_total) % counts if work.step_total else _(without)


def counted(number: int) -> str:
    """`1,234`, as the reader's language groups digits."""
    return number_format(number, force_grouping=True)


def left_words(seconds: int) -> str:
    """`about 2 minutes left`."""
    if seconds < 50:
        return _("less than a minute left")
    minutes = max(round(seconds / 60), 1)
    if minutes < 90:
        return ngettext("about %(n)s minute left", "about %(n)s minutes left", minutes) % {"n": minutes}
    hours = round(seconds / 3600)
    return ngettext("about %(n)s hour left", "about %(n)s hours left", hours) % {"n": hours}
