"""No more e-mail: the consent ends, the duty does not. Staff phone instead, from then on."""

from datetime import datetime

from django.db import transaction

from alerts.models import Alert, Report
from alerts.services import lifecycle
from clinical.saying import say
from clinics.history import note, subject_of
from patients.models import Contact, Patient
from portal.services.telling import call_back
from portal.visitor import Visitor

PHONE_INSTEAD = say("asked for no more e-mail: phone instead")
MAIL_AGAIN = say("wants e-mail again")


@transaction.atomic
def stop_email(*, visitor: Visitor, now: datetime) -> None:
    """End the consent of whoever followed the link, and put them on the list of those to phone. Twice is once."""
    person = _locked(visitor)
    if not person.email_reminders:
        return
    _keep(visitor, person, False, say("No more e-mail, by the link in a message"), now)
    call_back(visitor=visitor, note=_asked(visitor), now=now)


@transaction.atomic
def start_email(*, visitor: Visitor, now: datetime) -> bool:
    """Undo it. False where there is no address. The call is not asked for any more, unless for something else too."""
    person = _locked(visitor)
    if not person.email:
        return False
    if person.email_reminders:
        return True
    _keep(visitor, person, True, say("E-mail again, by the link in a message"), now)
    alert = Alert.objects.open().select_for_update().filter(pump=visitor.pump, kind=Alert.Kind.CALL_BACK).first()
    if alert is not None:
        lifecycle.log([alert], "answered", now, detail=f"{visitor.words}: {MAIL_AGAIN}")
        others = Report.objects.filter(alert=alert).exclude(message=visitor.row, note=_asked(visitor))
        if not others.exists():
            lifecycle.close(alert, reason=MAIL_AGAIN, event_id=None, now=now)
    return True


def _asked(visitor: Visitor) -> str:
    return PHONE_INSTEAD if visitor.contact is None else f"{visitor.contact} {PHONE_INSTEAD}"


def _locked(visitor: Visitor) -> Patient | Contact:
    if visitor.contact is not None:
        return Contact.objects.select_for_update(of=("self",)).get(pk=visitor.contact.pk)
    return Patient.objects.select_for_update(no_key=True).get(pk=visitor.patient.pk)


def _keep(visitor: Visitor, person: Patient | Contact, wanted: bool, summary: str, now: datetime) -> None:
    person.email_reminders, person.unsubscribed_at = wanted, None if wanted else now
    person.save(update_fields=["email_reminders", "unsubscribed_at"])
    details = {"email_reminders": ["no", "yes"] if wanted else ["yes", "no"]}
    note(
        clinic=visitor.clinic,
        by=None,
        at=now,
        subject=subject_of(visitor.patient),
        summary=f"{visitor.words}: {summary}",
        details=details,
    )
