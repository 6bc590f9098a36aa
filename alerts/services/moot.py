"""Who still has to be told, decided when a message is about to leave, for many rows in a fixed number of queries."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, QuerySet

from alerts.channels.webhooks import id_of
from alerts.models import Alert, Notification, WebhookAddress
from alerts.people import patient_of
from alerts.reach import can_be_reached
from clinical.escalation import QUIETED_BY_A_VISIT
from clinical.saying import say
from clinics.backends import may_log_in
from clinics.models import Membership
from clinics.words import in_english
from patients.models import Patient

Channel = Notification.Channel
# States of a visit that is still to come.
TO_COME = {"booked", "confirmed"}


def fetched(ids: Collection[int], *, lease_until: datetime | None = None) -> list[Notification]:
    """Rows, under a certain lease where one is given, and all that deciding and composing need. Two queries."""
    alike = Notification.objects.filter(recipient=OuterRef("recipient"), channel=OuterRef("channel"))
    later_of_alert = alike.filter(alert=OuterRef("alert"), repeat_number__gt=OuterRef("repeat_number"))
    later_of_visit = alike.filter(appointment=OuterRef("appointment"), pk__gt=OuterRef("pk"))
    # One patient and pump a row, and what many rows share or most have none of apart, so that it is read once.
    rows: QuerySet[Notification] = Notification.objects.filter(pk__in=ids).select_related(
        "alert__patient", "alert__pump"
    )
    rows = rows.defer("alert__tiers", "alert__patient__allergies")
    if lease_until is not None:
        rows = rows.filter(state=Notification.State.SENDING, lease_until=lease_until)
    rows = rows.prefetch_related("clinic__closed_days", "user", "patient", "contact", "appointment__patient").order_by(
        "due_at", "pk"
    )
    return list(rows.annotate(is_overtaken=Exists(later_of_alert) | Exists(later_of_visit)))


def why_not(rows: Sequence[Notification], now: datetime) -> dict[int, str]:
    """Why a row of `fetched` need not be sent any more, by id; rows that must be are absent. Two queries."""
    known = _Known.of(rows)
    found = {row.pk: _why_not(row, known, now) for row in rows}
    return {pk: reason for pk, reason in found.items() if reason}


@dataclass(frozen=True)
class _Known:
    """Who is on whose staff, as (user id, clinic id or None for all), and the webhooks that stand."""

    staff: set[tuple[int, int | None]]
    webhooks: set[int]

    @classmethod
    def of(cls, rows: Sequence[Notification]) -> "_Known":
        users = {row.user_id for row in rows if row.user_id is not None}
        wanted = {id_of(row) for row in rows if row.channel == Channel.WEBHOOK}
        staff = Membership.objects.filter(user__in=users).values_list("user_id", "clinic_id") if users else []
        standing = WebhookAddress.objects.standing().filter(pk__in=wanted) if wanted else WebhookAddress.objects.none()
        return cls(set(staff), set(standing.values_list("pk", flat=True)))

    def is_staff(self, row: Notification) -> bool:
        places = {(row.user_id, row.clinic_id), (row.user_id, None)}
        return row.user is not None and may_log_in(row.user) and bool(places & self.staff)


def _why_not(row: Notification, known: _Known, now: datetime) -> str:
    patient = patient_of(row)
    reason = _ended(row, now)
    if reason:
        return reason
    if patient is not None and patient.status != Patient.Status.ACTIVE:
        return say("patient: %(status)s", status=in_english(patient.get_status_display).lower())
    if row.user_id is not None and not known.is_staff(row):
        return say("no longer on the staff of the clinic")
    person = row.patient or row.contact
    is_live = row.clinic.patient_messages_since is not None
    if person is not None and not (is_live and can_be_reached(person, row.channel)):
        if row.patient is not None:
            return say("patient has no consent or address any more")
        return say("contact has no consent or address any more")
    if row.channel == Channel.WEBHOOK and id_of(row) not in known.webhooks:
        return say("the address is not the clinic's any more")
    if row.is_overtaken:  # type: ignore[attr-defined]  # annotated in `fetched`
        return say("a newer message to the same person follows")
    return ""


def _ended(row: Notification, now: datetime) -> str:
    """Why nobody need be told of the alert or visit itself; empty if they must."""
    if row.appointment is not None:
        visit = row.appointment
        if visit.state not in TO_COME:
            return say("the visit is %(state)s", state=in_english(visit.get_state_display).lower())
        if visit.sequence != row.repeat_number:
            return say("the visit was changed since")
        return say("the visit has begun") if visit.starts_at <= now else ""
    alert = row.alert
    if alert is None:
        return say("it is about nothing")
    if alert.closed_at is not None:
        return say("alert closed: %(closed_reason)s", closed_reason=alert.closed_reason)
    if alert.acknowledged_until is not None and alert.acknowledged_until > now:
        return say("somebody has acknowledged the alert")
    return say("a visit is booked") if row.tier in QUIETED_BY_A_VISIT and has_visit(alert) else ""


def has_visit(alert: Alert) -> bool:
    """Whether a visit is booked in time."""
    return alert.booked_at is not None and alert.refill_by is not None and alert.booked_at <= alert.refill_by
