"""What the pages say of times and signs. Marked for translation here, translated where it is shown."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.translation import gettext, gettext_noop

from clinical.symptoms import OVERDOSE, WITHDRAWAL
from clinics.models import Clinic


@dataclass(frozen=True)
class Since:
    """How long ago it began at most: people know hours and days, seldom a time."""

    code: str
    words: str
    at_most: timedelta


SINCES = (
    Since("hour", gettext_noop("Less than 1 hour ago"), timedelta(hours=1)),
    Since("hours", gettext_noop("1 to 6 hours ago"), timedelta(hours=6)),
    Since("day", gettext_noop("6 to 24 hours ago"), timedelta(days=1)),
    Since("days", gettext_noop("1 to 3 days ago"), timedelta(days=3)),
    Since("week", gettext_noop("More than 3 days ago"), timedelta(days=7)),
)

# The signs of `clinical.symptoms` as somebody says them of another person.
OF_ANOTHER = {
    "tightness": gettext_noop("Tight muscles or spasms are back"),
    "itching": gettext_noop("Itching"),
    "tingling": gettext_noop("Tingling or prickling"),
    "light_headed": gettext_noop("Light-headed, or low blood pressure"),
    "sweating": gettext_noop("Sweating"),
    "fever": gettext_noop("Fever"),
    "confusion": gettext_noop("Confused, or not like before"),
    "hallucinations": gettext_noop("Sees or hears things that are not there"),
    "seizure": gettext_noop("Had a seizure (a fit)"),
    "fast_heart": gettext_noop("Heart beats fast"),
    "rigid": gettext_noop("Stiff all over"),
    "unwell": gettext_noop("Unwell in another way"),
    "drowsy": gettext_noop("Very sleepy"),
    "dizzy": gettext_noop("Dizzy"),
    "floppy": gettext_noop("Weak or floppy"),
    "slurred": gettext_noop("Speech is slurred"),
    "vision": gettext_noop("Sees blurred or double"),
    "vomiting": gettext_noop("Vomiting"),
    "watering_mouth": gettext_noop("Mouth is watering"),
    "slow_breathing": gettext_noop("Breathes slowly, or it is hard to breathe"),
    "unconscious": gettext_noop("Cannot be woken, or passed out"),
}


@dataclass(frozen=True)
class Sign:
    code: str
    words: str


def signs(*, of_another: bool) -> list[Sign]:
    """Every sign once, those of an emergency first and what fits no other last, in the reader's language."""
    found = {symptom.code: symptom for symptom in (*WITHDRAWAL, *OVERDOSE)}
    first = sorted(found.values(), key=lambda symptom: (not symptom.is_emergency, symptom.code == "unwell"))
    return [Sign(one.code, gettext(OF_ANOTHER[one.code] if of_another else one.words)) for one in first]


def when(moment: datetime, zone: ZoneInfo) -> str:
    """`Friday, 4 December 2026, 2:30 p.m.`, on the clinic's wall."""
    local = moment.astimezone(zone)
    # Translators: how a day is written, in the letters of Django's date format.
    day = date_format(local, gettext("l, j F Y"))
    return f"{day}, {date_format(local, 'TIME_FORMAT')}"


def place(clinic: Clinic) -> str:
    """Whose clock that is, for a reader who may be elsewhere: `New York`."""
    return clinic.timezone.rpartition("/")[2].replace("_", " ")
