"""The neutral link in a patient's message: signed, expiring, no log-in, nothing in it to read."""

from datetime import timedelta

from django.conf import settings
from django.core import signing
from django.urls import reverse

from alerts.models import Notification

SALT = "alerts.patient-link"
VALID_FOR = timedelta(days=60)


def link_of(row: Notification) -> str:
    """The address behind which the patient of a message, or a contact, answers."""
    return settings.BASE_URL + reverse("patient_link", args=[signing.dumps(row.pk, salt=SALT)])


def message_of(token: str) -> Notification | None:
    """The message a link was sent with; None if the link is wrong or too old."""
    try:
        pk = signing.loads(token, salt=SALT, max_age=VALID_FOR)
    except signing.BadSignature:
        return None
    rows = Notification.objects.select_related("alert__clinic", "alert__patient", "patient", "contact")
    return rows.filter(pk=pk).exclude(patient=None, contact=None).first()
