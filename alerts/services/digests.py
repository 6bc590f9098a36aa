"""The daily digest: each morning one mail to everybody of the staff who wants it, through an outbox of its own.

A digest is no telling: it repeats nothing, quiets nothing and moves no alert on. Each alert it names gets one step in
its log that day, not a row of the alerts' outbox, where a newer row to the same person would take an older one's place.
"""

import hashlib
import hmac
import logging
import smtplib
from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta
from email.utils import parseaddr
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from alerts.digest_mail import Content, compose, content_of
from alerts.models import Alert, AlertStep, Digest, DigestChoice, DigestTurn
from alerts.services.delivery import LEASE, LONGEST_WAIT
from alerts.services.failures import open_digest_failure, settle
from clinical.saying import say
from clinics.models import Clinic, Membership, User
from clinics.roles import Role

logger = logging.getLogger(__name__)

# On the clinic's wall clock, on its opening days.
MORNING = time(7)
# Who gets it without having asked.
BY_DEFAULT = (Role.SCHEDULER.value, Role.NURSE.value)
BATCH = 20
NAMED = "digest"


def next_morning(now: datetime, zone: ZoneInfo) -> datetime:
    """The first morning behind `now`, in UTC."""
    day = now.astimezone(zone).date()
    today = _morning(day, zone)
    return today if today > now else _morning(day + timedelta(days=1), zone)


def _morning(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, MORNING, tzinfo=zone).astimezone(UTC)


def write_due(now: datetime) -> int:
    """Write the digests of clinics whose morning has come; returns how many rows.

    In steps, a clinic a transaction: (1) claim its turn with SKIP LOCKED; (2) write a row for everybody who wants one;
    (3) set its next turn; (4) commit. A crash before 4 leaves the turn due; the database holds a person to one row a
    day. After days asleep there is one digest, of today.
    """
    _begin_turns(now)
    written = 0
    broken: set[int] = set()
    while True:
        with transaction.atomic():
            due = DigestTurn.objects.filter(next_at__lte=now).exclude(pk__in=broken).order_by("next_at")
            turn = due.select_for_update(skip_locked=True, of=("self",)).select_related("clinic").first()
            if turn is None:
                return written
            try:
                with transaction.atomic():
                    written += _write(turn, now)
            except Exception:  # the tick's edge: whatever it is, the other clinics go on
                logger.exception("the digests of clinic %s could not be written", turn.clinic_id)
                broken.add(turn.clinic_id)


@transaction.atomic
def _begin_turns(now: datetime) -> None:
    """A clinic that has just been opened gets its first digest on its next morning."""
    new = Clinic.objects.filter(digest_turn=None)
    turns = [DigestTurn(clinic=clinic, next_at=next_morning(now, clinic.zone)) for clinic in new]
    DigestTurn.objects.bulk_create(turns, ignore_conflicts=True)


def _write(turn: DigestTurn, now: datetime) -> int:
    clinic = turn.clinic
    day = now.astimezone(clinic.zone).date()
    turn.next_at = next_morning(now, clinic.zone)
    turn.save(update_fields=["next_at"])
    if now < _morning(day, clinic.zone) or not is_open(clinic, day):
        return 0
    rows = [Digest(clinic=clinic, user_id=pk, day=day, due_at=now) for pk in sorted(wanted_by(clinic.pk))]
    Digest.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def is_open(clinic: Clinic, day: date) -> bool:
    return day.weekday() in clinic.opening_days and not clinic.closed_days.filter(day=day).exists()


def wanted_by(clinic_id: int) -> set[int]:
    """The ids of those on a clinic's staff who get its digest: schedulers and nurses, unless they said otherwise."""
    members = Membership.objects.of_clinic(clinic_id).filter(user__in=User.objects.in_use())
    staff: dict[int, bool] = {}
    for user_id, role in members.values_list("user", "role"):
        staff[user_id] = staff.get(user_id, False) or role in BY_DEFAULT
    choices = DigestChoice.objects.filter(clinic=clinic_id, user__in=staff)
    staff.update(choices.values_list("user", "is_wanted"))
    return {user_id for user_id, is_wanted in staff.items() if is_wanted}


@transaction.atomic
def choose(*, user: User, wanted: Collection[int]) -> None:
    """From now on the user gets the digests of these clinics, by id, and of no other of theirs."""
    for clinic_id in Clinic.objects.visible_to(user).values_list("pk", flat=True):
        DigestChoice.objects.update_or_create(
            clinic_id=clinic_id, user=user, defaults={"is_wanted": clinic_id in wanted}
        )


def send_due(*, for_at_most: timedelta) -> int:
    """Send what is due, one run at a time (the caller's business); a slow server ends the run, not the digests."""
    started, sent = timezone.now(), 0
    while ids := claim(timezone.now()):
        for digest_id in ids:
            if timezone.now() - started > for_at_most:
                return sent
            _send_one(digest_id)
            sent += 1
    return sent


def _send_one(digest_id: int) -> None:
    try:
        deliver(digest_id, now=timezone.now())
    except Exception as error:  # one that cannot be composed must not hold up the rest
        logger.exception("digest %s", digest_id)
        row = Digest.objects.get(pk=digest_id)
        row.attempts += 1
        _try_again(row, error, timezone.now())


def claim(now: datetime) -> list[int]:
    """Take up to BATCH deliverable rows under a lease; the commit makes the lease visible before anything is sent."""
    with transaction.atomic():
        rows = Digest.objects.deliverable(now).select_for_update(skip_locked=True)
        ids = list(rows.values_list("pk", flat=True)[:BATCH])
        Digest.objects.filter(pk__in=ids).update(state=Digest.State.SENDING, lease_until=now + LEASE)
    return ids


def deliver(digest_id: int, *, now: datetime) -> None:
    """Send one claimed digest.

    Steps: (1) read who and what now; (2) cancel if they want it no more; (3) send, outside any transaction; (4) store
    the outcome. A crash before 4 leaves the row under a lease that lapses, so it is sent again under the same
    Message-ID.
    """
    row = Digest.objects.select_related("clinic", "user").get(pk=digest_id)
    reason = _moot(row)
    if reason:
        _store(row, state=Digest.State.CANCELLED, error=reason)
        return
    content = content_of(row.clinic, row.day, now)
    message = compose(row, content)
    message.extra_headers["Message-ID"] = message_id(row)
    row.attempts += 1
    try:
        message.send()
    except (OSError, smtplib.SMTPException) as error:
        if _is_final(error):
            logger.warning("digest %s was refused for good: %s", row.pk, error)
            _refused(row, error, now)
        else:
            _try_again(row, error, now)
    else:
        _sent(row, content, now)


def message_id(row: Digest) -> str:
    """The same on every retry of a row, and of no other row of any installation."""
    _, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    mark = hmac.new(settings.SECRET_KEY.encode(), f"digest {row.pk}".encode(), hashlib.sha256).hexdigest()
    return f"<brim.digest.{row.pk}.{mark[:16]}@{address.rpartition('@')[2]}>"


def _moot(row: Digest) -> str:
    """Why a digest need not be sent any more; empty if it must."""
    if row.user_id not in wanted_by(row.clinic_id):
        return say("wants it no more, or is no longer on the staff of the clinic")
    if Digest.objects.filter(clinic=row.clinic_id, user=row.user_id, day__gt=row.day).exists():
        return say("a newer digest to the same person follows")
    return ""


def _store(row: Digest, **outcome: Any) -> bool:
    """Store an outcome if this sender still holds the lease; another that took over after it lapsed has the say."""
    held = Digest.objects.filter(pk=row.pk, state=Digest.State.SENDING, lease_until=row.lease_until)
    return held.update(attempts=row.attempts, **{"lease_until": None, **outcome}) == 1


@transaction.atomic
def _sent(row: Digest, content: Content, now: datetime) -> None:
    """The digest has gone out; each alert it names has it in its log, once a day."""
    named = [alert.pk for alert in content.named]
    if not _store(row, state=Digest.State.SENT, sent_at=now, error="", alerts=named):
        return
    settle((row.clinic_id, None), now=now)
    detail = say("named in the daily digest of %(day)s", day=row.day)
    logged = AlertStep.objects.filter(alert__in=named, what=NAMED, detail=detail).values("alert")
    new = Alert.objects.filter(pk__in=named).exclude(pk__in=logged).values_list("pk", flat=True)
    AlertStep.objects.bulk_create(AlertStep(alert_id=pk, at=now, what=NAMED, detail=detail) for pk in new)


@transaction.atomic
def _refused(row: Digest, error: Exception, now: datetime) -> None:
    """Whoever gets no digest may get no alert by mail either: staff are told."""
    if _store(row, state=Digest.State.FAILED, error=str(error)[:500]):
        open_digest_failure(row, now=now)


def _try_again(row: Digest, error: Exception, now: datetime) -> None:
    """A mail server that fails is asked again until the next morning's digest takes its place."""
    wait = min(timedelta(seconds=15) * 2 ** min(max(row.attempts - 1, 0), 10), LONGEST_WAIT)
    logger.warning("digest %s: %s; trying again in %s", row.pk, error, wait)
    _store(row, state=Digest.State.QUEUED, due_at=now + wait, error=str(error)[:500])


def _is_final(error: Exception) -> bool:
    """Whether the server said never rather than not now."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in error.recipients.values())
    return isinstance(error, smtplib.SMTPDataError) and error.smtp_code >= 500
