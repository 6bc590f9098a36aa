"""Changes of who is on call: a new rota, somebody who stands in, a hand-over. Each is told to whom it concerns."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.urls import reverse

from alerts.models import OnCallRota, StandIn
from alerts.services.oncall import present, staff_of, until
from clinics.errors import Conflict, Impossible
from clinics.history import note, subject_of
from clinics.models import Clinic, User
from clinics.opening import WEEKDAYS
from clinics.roles import Permission
from clinics.services import account_mail
from clinics.words import moment_words

MOST_PLACES = 52
FARTHEST_START = timedelta(days=366)
LONGEST_STAND_IN = timedelta(days=92)
NOT_STAFF = "is not on the staff of this clinic; choose somebody who is."


@transaction.atomic
def set_rota(
    *, clinic: Clinic, starts_on: date, weekday: int, hand_over_at: time, people: Sequence[int], by: User, now: datetime
) -> OnCallRota:
    """A new rota, which takes over from the one before when it begins; who stands in goes on standing in.

    Raises:
        Impossible: nobody is in it, or somebody who is not on the staff; it begins before today or in over a year.
    """
    _lock(clinic)
    today = now.astimezone(clinic.zone).date()
    wrong: dict[str, list[str]] = {}
    if not people:
        wrong["people"] = ["Choose at least one person."]
    elif len(people) > MOST_PLACES:
        wrong["people"] = [f"At most {MOST_PLACES} places."]
    elif set(people) - staff_of([clinic.pk])[clinic.pk]:
        wrong["people"] = [f"Somebody chosen {NOT_STAFF}"]
    if not 0 <= weekday < len(WEEKDAYS):
        wrong["weekday"] = ["Choose a weekday, 0 for Monday to 6 for Sunday."]
    if starts_on < today:
        wrong["starts_on"] = ["A rota begins today at the earliest: who was on call until now stays as it was."]
    elif starts_on - today > FARTHEST_START:
        wrong["starts_on"] = ["A rota begins within a year."]
    if wrong:
        raise Impossible(wrong)
    rota = OnCallRota.objects.create(
        clinic=clinic,
        starts_on=starts_on,
        weekday=weekday,
        hand_over_at=hand_over_at.replace(second=0, microsecond=0, tzinfo=None),
        people=list(people),
        made_by=by,
        made_at=now,
    )
    names = User.objects.in_bulk(people)
    order = ", ".join(str(names[pk]) for pk in people)
    said = f"On-call rota from {starts_on}, hand-over {WEEKDAYS[weekday]} {hand_over_at:%H:%M}: {order}"
    note(clinic=clinic, by=by, at=now, subject=subject_of(clinic), summary=said)
    return rota


@transaction.atomic
def stand_in(
    *, clinic: Clinic, user_id: int, begins_at: datetime, ends_at: datetime, reason: str, by: User, now: datetime
) -> StandIn:
    """Somebody is on call for a while, whoever's turn it is. They are told by mail.

    Two at once are refused: who holds the telephone must never depend on which of two entries came later.

    Raises:
        Impossible: not of the staff, an end that is not later than the beginning or lies behind, over LONGEST_STAND_IN.
        Conflict: somebody stands in during that time already.
    """
    _lock(clinic)
    wrong: dict[str, list[str]] = {}
    if user_id not in staff_of([clinic.pk])[clinic.pk]:
        wrong["user"] = [f"This person {NOT_STAFF}"]
    if ends_at <= begins_at:
        wrong["ends_at"] = ["The end must be later than the beginning."]
    elif ends_at <= now:
        wrong["ends_at"] = ["This lies behind: enter a time that is still to come."]
    elif ends_at - begins_at > LONGEST_STAND_IN:
        wrong["ends_at"] = [f"At most {LONGEST_STAND_IN.days} days; for longer make a new rota."]
    if not reason.strip():
        wrong["reason"] = ["Say why, such as holiday or sickness."]
    if wrong:
        raise Impossible(wrong)
    begins = max(begins_at, now)
    _refuse_overlap(clinic, begins, ends_at)
    made = _stored(clinic, user_id, begins, ends_at, reason, by, now)
    if made.user_id != by.pk:
        _mail(made.user, clinic, f"You are on call {_span(made)}", f"{by} has put you down: {made.reason}", now)
    return made


def _refuse_overlap(clinic: Clinic, begins: datetime, ends: datetime) -> None:
    other = StandIn.objects.filter(clinic=clinic).between(begins, ends).select_related("user", "clinic").first()
    if other is not None:
        raise Conflict(f"{other.user} stands in already {_span(other)}. End that first, or choose another time.")


def _stored(
    clinic: Clinic, user_id: int, begins: datetime, ends: datetime, reason: str, by: User, now: datetime
) -> StandIn:
    made = StandIn.objects.create(
        clinic=clinic,
        user=User.objects.get(pk=user_id),
        begins_at=begins,
        ends_at=ends,
        reason=reason.strip()[:300],
        made_by=by,
        made_at=now,
    )
    summary = f"{made.user} on call {_span(made)}: {made.reason}"
    note(clinic=clinic, by=by, at=now, subject=subject_of(clinic), summary=summary)
    return made


@transaction.atomic
def end_stand_in(*, stand_in_id: int, by: User, now: datetime) -> StandIn:
    """End it now, or call it off before it begins: from then on it is the turn of whoever's it is. They are told.

    Raises:
        Conflict: it has ended already.
    """
    _lock(StandIn.objects.select_related("clinic").get(pk=stand_in_id).clinic)
    one = StandIn.objects.select_related("clinic", "user").get(pk=stand_in_id)
    if until(one) <= now or one.ended_at is not None:
        raise Conflict("This has ended already.")
    was = _span(one)
    one.ended_at = now
    one.save(update_fields=["ended_at"])
    note(clinic=one.clinic, by=by, at=now, subject=subject_of(one.clinic), summary=f"Ended: {one.user} on call {was}")
    if one.user_id != by.pk:
        _mail(one.user, one.clinic, "You do not stand in any more", f"{by} has ended it: you were on call {was}.", now)
    return one


@transaction.atomic
def hand_over(*, clinic: Clinic, to_user_id: int, reason: str, by: User, now: datetime) -> StandIn:
    """Whoever is on call now, or an administrator for them, gives the rest of the duty to somebody else.

    Both are told by mail. What is left is until the next planned change; somebody who stood in no longer does.

    Raises:
        PermissionDenied: by neither the person on call nor an administrator.
        Impossible: to somebody who is not on the staff, or is on call already.
        Conflict: nobody is on call, so there is nothing to hand over.
    """
    _lock(clinic)
    spell = present(clinic, now)
    holder = spell.user or spell.left
    if (holder is None or holder.pk != by.pk) and not by.access.can(Permission.ADMINISTER, clinic.pk):
        raise PermissionDenied("Whoever is on call hands over, or an administrator.")
    if holder is None:
        raise Conflict("Nobody is on call now, so there is nothing to hand over. Make a rota or enter a stand-in.")
    if to_user_id not in staff_of([clinic.pk])[clinic.pk]:
        raise Impossible({"user": [f"This person {NOT_STAFF}"]})
    if to_user_id == holder.pk:
        raise Impossible({"user": [f"{holder} is on call already; choose somebody else."]})
    StandIn.objects.filter(clinic=clinic).between(now, now + timedelta(microseconds=1)).update(ended_at=now)
    why = f"Handed over by {holder}" + (f": {reason.strip()}" if reason.strip() else "")
    made = _stored(clinic, to_user_id, now, spell.duty.ends, why, by, now)
    _mail(made.user, clinic, f"You are on call {_span(made)}", f"{made.reason}.", now)
    _mail(
        holder, clinic, f"You are not on call any more: {made.user} is", f"{made.user} is on call {_span(made)}.", now
    )
    return made


def _span(one: StandIn) -> str:
    zone = one.clinic.zone
    return f"from {moment_words(one.begins_at, zone)} to {moment_words(until(one), zone)}"


def _mail(user: User, clinic: Clinic, subject: str, said: str, now: datetime) -> None:
    address = settings.BASE_URL + reverse("clinic_on_call", args=[clinic.pk])
    body = f"{said}\n\nTimes are those of {clinic.name} ({clinic.timezone}). Who is on call when:\n\n{address}\n"
    account_mail.queue(to=user.email, subject=f"{clinic.name}: {subject}", body=body, now=now)


def _lock(clinic: Clinic) -> None:
    """One change at a time a clinic, so that no two stand in at once."""
    Clinic.objects.select_for_update(no_key=True).get(pk=clinic.pk)
