"""Clinics themselves. Settings that move dates are changed in the room of pumps."""

from datetime import date, datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy

from clinical.saying import say
from clinics.errors import Impossible
from clinics.history import note, subject_of
from clinics.models import Clinic, ClosedDay, User

# In words that do not tell one clinic's administrator that another clinic exists.
NAME_TAKEN = gettext_lazy("This name cannot be used; choose another.")


@transaction.atomic
def open_clinic(*, name: str, timezone: str, label_set: str, by: User, now: datetime, **settings: object) -> Clinic:
    """A new clinic without people of its own.

    Raises:
        Impossible: the name is taken.
    """
    try:
        with transaction.atomic():
            clinic = Clinic.objects.create(name=name, timezone=timezone, label_set=label_set, **settings)
    except IntegrityError as error:
        raise Impossible({"name": [NAME_TAKEN]}) from error
    note(clinic=clinic, by=by, at=now, subject=subject_of(clinic), summary=say("Clinic opened"))
    return clinic


@transaction.atomic
def go_live(*, clinic: Clinic, now: datetime, by: User | None = None) -> Clinic:
    """Let messages to patients leave from now on. Pressing twice keeps the first moment."""
    locked = Clinic.objects.select_for_update().get(pk=clinic.pk)
    if locked.patient_messages_since is None:
        locked.patient_messages_since = now
        locked.save(update_fields=["patient_messages_since"])
        note(clinic=locked, by=by, at=now, subject=subject_of(locked), summary=say("Messages to patients switched on"))
    return locked


@transaction.atomic
def close_on(*, clinic: Clinic, day: date, name: str, by: User, now: datetime) -> ClosedDay:
    """Add a day on which the clinic refills nobody; the same day again changes only its name."""
    closed, _ = ClosedDay.objects.update_or_create(clinic=clinic, day=day, defaults={"name": name})
    note(
        clinic=clinic,
        by=by,
        at=now,
        subject=subject_of(clinic),
        summary=say("Closed on %(day)s %(name)s", day=day, name=name).strip(),
    )
    return closed


@transaction.atomic
def open_on(*, closed: ClosedDay, by: User, now: datetime) -> None:
    """Take a closed day off the list."""
    note(
        clinic=closed.clinic,
        by=by,
        at=now,
        subject=subject_of(closed.clinic),
        summary=say("No longer closed on %(day)s %(name)s", day=closed.day, name=closed.name).strip(),
    )
    closed.delete()
