"""By which channels somebody can be reached: asked when a message is written, and again when it is sent."""

from collections.abc import Sequence

from clinical.escalation import Channel
from patients.models import Contact, Patient

BY_PHONE = (Channel.SMS, Channel.VOICE)


def can_be_reached(person: Patient | Contact, channel: str) -> bool:
    """Whether somebody at home consents to a channel and has what it needs, as far as it depends on them.

    Text messages and calls are one consent, to be phoned by a machine.
    """
    if isinstance(person, Contact) and person.ended_at is not None:
        return False
    if channel == Channel.EMAIL:
        return bool(person.email) and person.email_reminders and person.email_undeliverable_since is None
    if channel in BY_PHONE:
        return bool(person.phone) and person.phone_reminders
    return False


def ways_to(person: Patient | Contact, channels: Sequence[str]) -> list[str]:
    """Those of the channels by which somebody at home can be reached."""
    return [channel for channel in channels if can_be_reached(person, channel)]


def ways_to_staff(phone: str, channels: Sequence[str]) -> list[str]:
    """Those of the channels by which a member of staff can be reached: an account has an address, and maybe a phone.

    Where none is, mail is the way: staff are never out of reach.
    """
    ways = [channel for channel in channels if channel == Channel.EMAIL or (channel in BY_PHONE and phone)]
    return ways or [Channel.EMAIL]
