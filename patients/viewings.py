"""Who saw what: written with every page, paper and call that shows one patient, and with every log-in."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, models, transaction
from django.http import HttpRequest

from clinics.models import ApiKey, User
from patients.models import Patient, Viewing

# The same person at the same page within so long is one viewing: a page reloads itself, and is gone back to.
FOLDED = timedelta(minutes=1)
LOG_IN, LOG_OUT, LOG_IN_FAILED = "log_in", "log_out", "log_in_failed"
SIGN_INS = (LOG_IN, LOG_OUT, LOG_IN_FAILED)
RECENT = 8
# Looked at for recent patients beyond those shown, since some may be of clinics the person has left.
RECENT_SPARE = 16
# On a request: the clinic that the file it asks for is of.
FILE_OF = "brim_file_of"
# So many are forgotten in one statement.
BATCH = 10_000

# One statement: which patient and clinic a row is of, whether it was written a moment ago, and the viewing.
WRITE = """
INSERT INTO patients_viewing (at, user_id, key_id, patient_id, clinic_id, what)
SELECT %(at)s, %(user)s, %(key)s, shown.patient_id, shown.clinic_id, %(what)s
FROM (SELECT {patient} AS patient_id, clinic_id FROM {table} WHERE id = %(row)s) AS shown
WHERE NOT EXISTS (
    SELECT 1 FROM patients_viewing AS seen
    WHERE seen.user_id = %(user)s AND seen.at > %(since)s AND seen.what = %(what)s
        AND seen.patient_id IS NOT DISTINCT FROM shown.patient_id AND seen.key_id IS NOT DISTINCT FROM %(key)s
)
"""

FAILED = """
INSERT INTO patients_viewing (at, user_id, what)
SELECT %(at)s, id, %(what)s FROM clinics_user WHERE lower(email) = lower(%(email)s)
"""

FORGET = """
DELETE FROM patients_viewing WHERE at < %(until)s AND id IN (SELECT id FROM patients_viewing ORDER BY id LIMIT %(most)s)
"""


def keep(*, user: User, key: ApiKey | None, model: type[models.Model], row_id: int, what: str, at: datetime) -> None:
    """Somebody was shown a row of `model`, which is a patient or belongs to one and to a clinic. One INSERT."""
    patient = "id" if model is Patient else "patient_id"
    statement = WRITE.format(patient=patient, table=connection.ops.quote_name(model._meta.db_table))
    by = {"user": user.pk, "key": key.pk if key is not None else None}
    with connection.cursor() as cursor:
        cursor.execute(statement, {**by, "at": at, "since": at - FOLDED, "row": row_id, "what": what})


def keep_file(*, user: User, key: ApiKey | None, clinic_id: int | None, what: str, at: datetime) -> None:
    """Somebody took away a file about more than one patient."""
    Viewing.objects.create(at=at, user=user, key=key, clinic_id=clinic_id, what=what)


def file_is_of(request: HttpRequest, clinic_id: int) -> None:
    """Say which clinic a file is of where its address does not name it, so that it is kept with that clinic."""
    setattr(request, FILE_OF, clinic_id)


def clinic_of_file(request: HttpRequest) -> int | None:
    found = getattr(request, FILE_OF, None)
    return found if isinstance(found, int) else None


def keep_sign_in(*, user: User, what: str, at: datetime) -> None:
    Viewing.objects.create(at=at, user=user, what=what)


def keep_failed(*, email: str, at: datetime) -> None:
    """Somebody tried to log in. An address without an account costs the same statement, and is not kept."""
    with connection.cursor() as cursor:
        cursor.execute(FAILED, {"at": at, "what": LOG_IN_FAILED, "email": email})


def recent_patients(user: User) -> list[Patient]:
    """The patients the person opened last, the latest first; those they no longer see are left out."""
    ids = Viewing.objects.patients_of(user, RECENT + RECENT_SPARE)
    found: dict[int, Any] = Patient.objects.visible_to(user).select_related("clinic").in_bulk(ids)
    return [found[pk] for pk in ids if pk in found][:RECENT]


def people_of(clinic_id: int) -> models.QuerySet[User]:
    """Everybody with a role that counts in a clinic."""
    held = models.Q(memberships__clinic=clinic_id) | models.Q(memberships__clinic=None, memberships__isnull=False)
    return User.objects.filter(held).distinct().order_by("name", "email")


@transaction.atomic
def forget(*, now: datetime) -> int:
    """Delete a batch of what is older than it is kept for; how many. Nothing else may delete a viewing."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL brim.forgetting = 'on'")
        cursor.execute(FORGET, {"until": now - timedelta(days=settings.VIEWINGS_KEPT_DAYS), "most": BATCH})
        return int(cursor.rowcount)
