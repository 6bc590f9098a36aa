"""What is written in a text message, and said by a voice. The same rules as for e-mail, in few words."""

import re

from django.utils import translation
from django.utils.translation import gettext

from alerts.messages import address_of, clinic_name, headline, subject, visit_words
from alerts.models import Notification
from alerts.patient_links import link_of
from alerts.people import at_home, language_of, patient_of

# The languages of the voices, as Twilio calls them.
VOICES = {"en": "en-US", "es": "es-US"}
# What people write between the digits of a number.
BETWEEN = re.compile(r"[\s().\-/]")
E164 = re.compile(r"\+[1-9]\d{6,14}")


def number_of(row: Notification) -> str:
    """The recipient's number with its country's code; blank where there is none that can be called from anywhere."""
    person = at_home(row) or row.user
    written = BETWEEN.sub("", person.phone) if person is not None else ""
    number = "+" + written.removeprefix("00") if written.startswith("00") else written
    return number if E164.fullmatch(number) else ""


def text(row: Notification) -> str:
    """A text message."""
    with translation.override(language_of(row)):
        if at_home(row) is None:
            return _staff_text(row)
        answer = gettext("Answer here: %(link)s") % {"link": link_of(row)}
        return f"{_home_words(row)} {answer}"


def spoken(row: Notification) -> tuple[str, str]:
    """What a voice says, and in which language."""
    language = language_of(row)
    with translation.override(language):
        if at_home(row) is None:
            return _staff_speech(row), VOICES[language]
        return f"{_home_words(row)} {_call_us(row)}", VOICES[language]


def _call_us(row: Notification) -> str:
    """Whom to call, with the number digit by digit, since a voice would read it as one."""
    values = {"clinic": clinic_name(row), "number": " ".join(re.sub(r"[^+\d]", "", row.clinic.phone))}
    if not values["number"]:
        return gettext("Please call %(clinic)s if you need anything.") % values
    return gettext("Please call %(clinic)s if you need anything, at %(number)s.") % values


def _home_words(row: Notification) -> str:
    """To the patient, or to a contact about the patient: the first name and what to do."""
    patient = patient_of(row)
    if patient is None:
        raise ValueError(f"notification {row.pk} is about no patient")
    values = {"clinic": clinic_name(row), "name": patient.given_name, "when": visit_words(row)}
    if row.contact is not None:
        values["contact"] = row.contact.name
    return _template(row) % values


def _template(row: Notification) -> str:
    is_visit, is_contact = row.appointment is not None, row.contact is not None
    if is_visit and is_contact:
        return gettext("Hello %(contact)s, a message from %(clinic)s. The next visit of %(name)s is on %(when)s.")
    if is_visit:
        return gettext("Hello %(name)s, a message from %(clinic)s. Your next visit is on %(when)s.")
    if is_contact:
        return gettext("Hello %(contact)s, a message from %(clinic)s. It is time to plan the next visit of %(name)s.")
    return gettext("Hello %(name)s, a message from %(clinic)s. It is time to plan your next visit.")


def _staff_text(row: Notification) -> str:
    if row.alert is None:
        raise ValueError(f"notification {row.pk} has nobody to write to")
    return f"Brim {subject(row, row.alert)}. {address_of(row.alert)}"


def _staff_speech(row: Notification) -> str:
    """Letters and digits of a record number one by one, since a voice would read it as a word."""
    alert = row.alert
    if alert is None:
        raise ValueError(f"notification {row.pk} has nobody to speak to")
    about = row.clinic.name
    if alert.patient is not None:
        about = gettext("Record %(number)s") % {"number": " ".join(alert.patient.mrn)}
    hello = gettext("This is Brim, for %(clinic)s.") % {"clinic": row.clinic.name}
    return f"{hello} {headline(row.tier)}: {alert.get_kind_display()}. {about}."
