"""The states of an appointment, and how one follows the other. Pure."""

from enum import StrEnum

from django.utils.translation import gettext_lazy

from clinical.saying import say


class State(StrEnum):
    BOOKED = "booked"
    CONFIRMED = "confirmed"
    ARRIVED = "arrived"
    DONE = "done"
    NO_SHOW = "no_show"
    CANCELLED = "cancelled"


STATE_NAMES = {
    State.BOOKED: gettext_lazy("Booked"),
    State.CONFIRMED: gettext_lazy("Confirmed"),
    State.ARRIVED: gettext_lazy("Arrived"),
    State.DONE: gettext_lazy("Done"),
    State.NO_SHOW: gettext_lazy("No show"),
    State.CANCELLED: gettext_lazy("Cancelled"),
}
# As logs and messages have them, within a sentence.
KEPT = (say("booked"), say("confirmed"), say("arrived"), say("done"), say("no show"), say("cancelled"))


# Still to come, or going on: at most one of these a pump.
STANDING = (State.BOOKED, State.CONFIRMED, State.ARRIVED)

# `done` is reached by a recorded refill alone. One who was taken for absent may have come after all.
FOLLOWS: dict[State, frozenset[State]] = {
    State.BOOKED: frozenset({State.CONFIRMED, State.ARRIVED, State.DONE, State.NO_SHOW, State.CANCELLED}),
    State.CONFIRMED: frozenset({State.BOOKED, State.ARRIVED, State.DONE, State.NO_SHOW, State.CANCELLED}),
    State.ARRIVED: frozenset({State.DONE, State.NO_SHOW, State.CANCELLED}),
    State.NO_SHOW: frozenset({State.ARRIVED, State.DONE}),
    # A refill that was entered in error was not given: what it ended is again as it was (`services.visits.undo`).
    State.DONE: frozenset(),
    State.CANCELLED: frozenset(),
}


def may_follow(before: State, after: State) -> bool:
    return after in FOLLOWS[before]
