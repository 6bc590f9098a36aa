"""What every write of the course asks first."""

from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from clinics.errors import Conflict, Impossible
from clinics.models import User
from clinics.roles import Permission
from patients.models import Patient
from patients.services import READ_ONLY
from therapy.models import OfCourse

# A moment may be this far ahead of the server's clock (design, section 1).
CLOCKS_APART = timedelta(minutes=5)


class Blocked(Conflict):
    """The rules refuse it unless a prescriber overrides them with a reason; `told` says what they say."""

    def __init__(self, told: list[str]) -> None:
        super().__init__(" ".join(told))
        self.told = told


def check_writable(patient: Patient) -> None:
    """
    Raises:
        Conflict: the record has gone to another clinic.
    """
    if patient.status == Patient.Status.TRANSFERRED:
        raise Conflict(READ_ONLY)


def check_cared_for(patient: Patient) -> None:
    """
    Raises:
        Conflict: the patient's care has ended, or the record has gone to another clinic.
    """
    check_writable(patient)
    if patient.status != Patient.Status.ACTIVE:
        raise Conflict(
            _("The patient's care has ended: %(status)s.") % {"status": patient.get_status_display().lower()}
        )


def check_happened(field: str, at: datetime, now: datetime) -> None:
    """
    Raises:
        Impossible: it is still to come.
    """
    if at > now + CLOCKS_APART:
        raise Impossible({field: [_("This is still to come: write when it happened.")]})


def said(field: str, text: str, what: str) -> str:
    """A text that must say something.

    Raises:
        Impossible: it is blank.
    """
    if not text.strip():
        raise Impossible({field: [what]})
    return text.strip()


def check_signs(by: User, clinic_id: int) -> None:
    """
    Raises:
        Impossible: an override by somebody who may not sign.
    """
    if not by.access.can(Permission.SIGN_DOSE, clinic_id):
        raise Impossible({"override_reason": [_("Only a prescriber can override a rule. Ask one to enter this.")]})


def void(row: OfCourse, *, reason: str, by: User, now: datetime) -> None:
    """Declare a row as entered in error.

    Raises:
        Impossible: without a reason.
        Conflict: it is already.
    """
    check_writable(row.patient)
    if row.voided_at is not None:
        raise Conflict(_("This is marked as entered in error already."))
    row.voided_reason = said("reason", reason, _("Say what was wrong with it."))
    row.voided_at, row.voided_by = now, by
    row.save(update_fields=["voided_at", "voided_by", "voided_reason"])
