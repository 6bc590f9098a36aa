"""The first-run guide: how far a new clinic has come. Each step's state is read from what is there, never stored."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from alerts.models import Notification
from clinics.models import AccountMail, Clinic, Membership, User
from clinics.roles import GRANTS, Permission, Role
from clinics.services import account_mail
from patients.models import Patient
from pumps.models import Forecast, Pump
from pumps.reading import UNKNOWN_FLOW


@dataclass(frozen=True)
class Step:
    """`said` is how it stands; `address` where it is done, "" where the guide's own button does it."""

    code: str
    title: str
    why: str
    said: str
    is_done: bool
    do: str
    address: str
    other: str = ""
    other_address: str = ""


SETTINGS, PEOPLE, PATIENTS, FORECAST, MESSAGE = "settings", "people", "patients", "forecast", "message"


def steps(clinic: Clinic, user: User) -> list[Step]:
    """The five steps in order. A handful of queries, none of which grows with the clinic."""
    return [
        _settings(clinic),
        _people(clinic),
        _patients(clinic),
        _forecast(clinic),
        _message(clinic, user),
    ]


def is_done(clinic: Clinic, user: User) -> bool:
    return all(step.is_done for step in steps(clinic, user))


def _settings(clinic: Clinic) -> Step:
    is_set = clinic.phone != ""
    said = _("Patients are told to call %(phone)s.") % {"phone": clinic.phone} if is_set else ""
    return Step(
        code=SETTINGS,
        title=_("Settings"),
        why=_("The number patients are told to call, opening days, and how many days before a deadline to refill."),
        said=said or _("The telephone number for patients is missing."),
        is_done=is_set,
        do=_("Open the settings"),
        address=reverse("clinic_settings", args=[clinic.pk]),
    )


CARE = [role.value for role in Role if Permission.BOOK in GRANTS[role] and role is not Role.ADMINISTRATOR]


def _people(clinic: Clinic) -> Step:
    held = Membership.objects.filter(clinic=clinic, role__in=CARE).values_list("user", flat=True).distinct()
    people, invited = held.count(), clinic.invitations.filter(accepted_at=None, withdrawn_at=None).count()
    said = _("%(people)s in care, %(invited)s invited.") % {"people": people, "invited": invited}
    return Step(
        code=PEOPLE,
        title=_("People"),
        why=_("At least one scheduler, nurse or prescriber. They are the ones who are told when a pump is due."),
        said=said if people or invited else _("Nobody in care is here or invited yet."),
        is_done=people + invited > 0,
        do=_("Invite people"),
        address=reverse("people", args=[clinic.pk]),
    )


def _patients(clinic: Clinic) -> Step:
    is_there = Patient.objects.filter(clinic=clinic).exists()
    return Step(
        code=PATIENTS,
        title=_("Import, or the first patient"),
        why=_("Import a spreadsheet of patients, pumps and refills, or enter one patient by hand to begin with."),
        said=_("There are patients.") if is_there else _("No patient yet."),
        is_done=is_there,
        do=_("Enter the first patient") if not is_there else _("Enter another patient"),
        address=f"{reverse('enter_patient')}?clinic={clinic.pk}",
        other=_("Import a spreadsheet"),
        other_address=reverse("imports"),
    )


def _forecast(clinic: Clinic) -> Step:
    rows = Forecast.objects.filter(clinic=clinic, refill_by__isnull=False).exclude(unknown_reason__in=UNKNOWN_FLOW)
    known = rows.select_related("pump").first()
    do, address = _to_forecast(clinic) if known is None else (_("Open the pump"), _pump(known.pump))
    return Step(
        code=FORECAST,
        title=_("The first forecast"),
        why=_("A pump with its model, its last refill and its dose. From these Brim computes the day to refill by."),
        said=_("A pump has a refill-by date.") if known else _("No pump has a refill-by date yet."),
        is_done=known is not None,
        do=do,
        address=address,
    )


def _to_forecast(clinic: Clinic) -> tuple[str, str]:
    """The next thing that is missing on the way to a forecast, and where it is entered."""
    patient = Patient.objects.filter(clinic=clinic).order_by("pk").last()
    if patient is None:
        return "", ""
    pump = Pump.objects.filter(patient__clinic=clinic).order_by("pk").last()
    if pump is None:
        return _("Enter the pump"), reverse("enter_pump", args=[patient.pk])
    kinds = set(pump.events.filter(kind__in=["refill", "dose_change"]).values_list("kind", flat=True))
    if "refill" not in kinds:
        return _("Log the last refill"), reverse("log_refill", args=[pump.pk])
    if "dose_change" not in kinds:
        return _("Log the present dose"), reverse("log_dose_change", args=[pump.pk])
    return _("See what is missing"), _pump(pump)


def _pump(pump: Pump) -> str:
    return reverse("pump", args=[pump.pk])


def _subject() -> str:
    return _("Test message from Brim")


def send_test(*, to: User, now: datetime) -> AccountMail:
    """A real message to oneself, by the outbox that all mail about accounts takes."""
    body = _(
        "This is the test message you asked for.\n\nIt left by the same way as invitations and reminders, so those"
        " will reach you too.\n\nBack to Brim: %(address)s"
    ) % {"address": settings.BASE_URL}
    return account_mail.queue(to=to.email, subject=_subject(), body=body, now=now)


def last_test(user: User) -> AccountMail | None:
    return _tests(user.email).order_by("-pk").first()


def _tests(address: str) -> QuerySet[AccountMail]:
    return AccountMail.objects.filter(to=address, subject__in=_subjects())


def _subjects() -> list[str]:
    """The subject in every language: whoever sent it may have read another."""
    found = []
    for code, _name in settings.LANGUAGES:
        with translation.override(code):
            found.append(_subject())
    return found


def _message(clinic: Clinic, user: User) -> Step:
    sent = _has_left(clinic, user)
    return Step(
        code=MESSAGE,
        title=_("Test message"),
        why=_("One mail to yourself, to see that messages leave this server and reach you."),
        said=sent or _how_it_stands(last_test(user)),
        is_done=bool(sent),
        do=_("Send me a test message") if not sent else _("Send another"),
        address="",
    )


def _has_left(clinic: Clinic, user: User) -> str:
    """In words, if a test or a reminder of this clinic has left; else empty."""
    told = Notification.objects.filter(clinic=clinic, state=Notification.State.SENT, channel="email")
    own = last_test(user)
    if own is not None and own.sent_at is not None:
        return _(
            "A test message left for %(address)s. If it is not there within minutes, look among unwanted mail."
        ) % {"address": user.email}
    return _("A reminder of this clinic has left.") if told.exists() else ""


def _how_it_stands(mail: AccountMail | None) -> str:
    if mail is None:
        return _("None was sent yet.")
    if mail.error:
        return _("The mail server refused it: %(error)s. It is tried again; tell whoever runs Brim.") % {
            "error": mail.error
        }
    return _("It is on its way; this takes up to half a minute.")


def is_on_its_way(user: User) -> bool:
    """Whether a test message is waiting to leave: the page looks again by itself until it did."""
    mail = last_test(user)
    return mail is not None and mail.sent_at is None
