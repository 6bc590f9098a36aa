"""The addresses of a clinic that are told of alerts: added, renewed, tried, removed, all in its history."""

from collections.abc import Iterable
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from alerts import webhook_messages
from alerts.channels import outside
from alerts.channels.outcome import Refused, Trouble
from alerts.channels.webhooks import call, id_of, secret_of
from alerts.models import Notification, WebhookAddress
from clinical.saying import say
from clinics.errors import Conflict, Impossible
from clinics.history import note, subject_of
from clinics.models import Clinic, User

# The recipient of a row that is for all of them.
EVERY_ADDRESS = "webhook"
MOST = 10


def active_of(clinic_ids: Iterable[int]) -> dict[int, list[int]]:
    """The addresses of clinics by clinic id, each told by a row to "webhook:ID". One query."""
    found: dict[int, list[int]] = {}
    rows = WebhookAddress.objects.standing().filter(clinic__in=set(clinic_ids)).order_by("pk")
    for clinic_id, pk in rows.values_list("clinic_id", "pk"):
        found.setdefault(clinic_id, []).append(pk)
    return found


@transaction.atomic
def add(*, clinic: Clinic, url: str, by: User, now: datetime) -> tuple[WebhookAddress, str]:
    """A new address, and its secret, which is shown once.

    Raises:
        Impossible: it may not be called, is there already, or there are too many.
    """
    wanted = url.strip()
    try:
        outside.check(wanted)
    except outside.NotAllowed as error:
        raise Impossible({"url": [str(error)]}) from error
    Clinic.objects.select_for_update(no_key=True).get(pk=clinic.pk)
    if WebhookAddress.objects.standing().filter(clinic=clinic).count() >= MOST:
        raise Impossible({"url": [_("A clinic has %(most)s addresses at most; remove one first.") % {"most": MOST}]})
    try:
        with transaction.atomic():
            made = WebhookAddress.objects.create(clinic=clinic, url=wanted, created_by=by, created_at=now)
    except IntegrityError as error:
        raise Impossible({"url": [_("This address is told already.")]}) from error
    _note(made, by, now, say("Webhook added"))
    return made, secret_of(made, made.generation)


@transaction.atomic
def renew(*, address: WebhookAddress, by: User, now: datetime) -> str:
    """A new secret, shown once. For a day the old one signs as well.

    Raises:
        Conflict: the address was removed.
    """
    locked = _locked(address)
    locked.generation += 1
    locked.renewed_at = now
    locked.save(update_fields=["generation", "renewed_at"])
    _note(locked, by, now, say("Webhook given a new secret"))
    return secret_of(locked, locked.generation)


@transaction.atomic
def remove(*, address: WebhookAddress, by: User, now: datetime) -> None:
    """Nothing is sent to it any more; messages that wait for it say so.

    Raises:
        Conflict: it was removed already.
    """
    locked = _locked(address)
    locked.ended_at = now
    locked.save(update_fields=["ended_at"])
    _note(locked, by, now, say("Webhook removed"))


def send_test(*, address: WebhookAddress, by: User, now: datetime) -> str:
    """Call the address now; returns why it failed, empty if it took the call.

    Raises:
        Conflict: the address was removed.
    """
    if address.ended_at is not None:
        raise Conflict(_("This address was removed."))
    try:
        call(address, webhook_messages.trial(address.clinic_id, now), now=now)
        words = ""
    except (Refused, Trouble) as error:
        words = str(error)
    _keep(address.pk, words, now)
    _note(address, by, now, say("Webhook tried"))
    return words


def heard(row: Notification, *, error: str, now: datetime) -> None:
    """Keep on the address how a call to it went."""
    _keep(id_of(row), error, now)


def spread(row: Notification, *, now: datetime) -> int:
    """Write a row for each address of the row's clinic; returns how many addresses there are."""
    ids = active_of([row.clinic_id]).get(row.clinic_id, [])
    Notification.objects.bulk_create(
        [
            Notification(
                clinic_id=row.clinic_id,
                alert_id=row.alert_id,
                appointment_id=row.appointment_id,
                tier=row.tier,
                repeat_number=row.repeat_number,
                recipient=f"{EVERY_ADDRESS}:{pk}",
                channel=row.channel,
                due_at=now,
            )
            for pk in ids
        ],
        ignore_conflicts=True,
    )
    return len(ids)


def _keep(pk: int, error: str, now: datetime) -> None:
    rows = WebhookAddress.objects.filter(pk=pk)
    if not error:
        rows.update(called_at=now, failing_since=None, error="")
        return
    rows.filter(failing_since=None).update(failing_since=now)
    rows.update(called_at=now, error=error[:500])


def _locked(address: WebhookAddress) -> WebhookAddress:
    locked = WebhookAddress.objects.select_for_update(of=("self",)).select_related("clinic").get(pk=address.pk)
    if locked.ended_at is not None:
        raise Conflict(_("This address was removed."))
    return locked


def _note(address: WebhookAddress, by: User, now: datetime, summary: str) -> None:
    # An address may hold a key of the receiver in its path: the history names its host alone.
    host = address.url.split("/")[2]
    note(clinic=address.clinic, by=by, at=now, subject=subject_of(address.clinic), summary=f"{summary}: {host}")
