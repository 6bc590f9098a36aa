"""What becomes of visits when a refill ends them, or is marked as entered in error: said before, and after."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from clinics.words import moment_words
from pumps.models import Event
from pumps.services.visit_ends import Ended, Return
from scheduling.models import Appointment
from scheduling.states import STATE_NAMES, State


@dataclass(frozen=True)
class Said:
    """A sentence about a visit; `other` is the one that is in its way."""

    words: str
    other: Appointment | None = None


def would_end(found: Ended) -> list[str]:
    """In the review of a refill."""
    done = [found.given_at] if found.given_at is not None else []
    return [
        *(_("The visit of %(when)s is done with it.") % {"when": _on(visit)} for visit in done),
        *(
            _("The visit of %(when)s is cancelled: after this refill it is needless.") % {"when": _on(visit)}
            for visit in found.needless
        ),
    ]


def ended(refill: Event) -> list[str]:
    """In the message, once a refill is stored."""
    visits = Appointment.objects.filter(refill=refill).select_related("clinic").order_by("starts_at")
    return [
        _("The visit of %(when)s is now: %(state)s.") % {"when": _on(visit), "state": visit.get_state_display()}
        for visit in visits
    ]


def before(found: Sequence[Return]) -> list[Said]:
    """On the page that asks whether it is an error."""
    return [Said(_before(each), each.other) for each in found]


def _before(found: Return) -> str:
    if found.other is not None:
        return _(
            "A visit is booked on %(other)s: it stays, so the visit of %(when)s does not come back. "
            "Cancel that one first if it was booked by mistake."
        ) % {"other": _on(found.other), "when": _on(found.visit)}
    words = {"when": _on(found.visit), "state": STATE_NAMES[found.state]}
    return _("The visit of %(when)s comes back: %(state)s.") % words


def after(found: Sequence[Return]) -> list[str]:
    """In the message, of what the visits are by now."""
    now = Appointment.objects.select_related("clinic").in_bulk([each.visit.pk for each in found])
    return [_after(now[each.visit.pk], each) for each in found if each.visit.pk in now]


def _after(visit: Appointment, found: Return) -> str:
    words = {"when": _on(visit), "state": visit.get_state_display()}
    if visit.state == State.CANCELLED and found.state != State.CANCELLED:
        return _("The visit of %(when)s does not come back: another one is booked.") % words
    return _("The visit of %(when)s is back: %(state)s.") % words


def _on(visit: Appointment) -> str:
    return moment_words(visit.starts_at, visit.clinic.zone)
