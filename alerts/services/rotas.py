"""Changes of who is on call: a new rota, somebody who stands in, a hand-over. Each is told to whom it concerns."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext, gettext_lazy, gettext_noop

from alerts.models import OnCallRota, StandIn
from alerts.services.oncall import present, staff_of, until
from clinical.saying import say
from clinics.errors import Conflict, Impossible
from clinics.history import note, subject_of
from clinics.models import Clinic, User
from clinics.opening import WEEKDAYS
from clinics.roles import Permission
from clinics.saying import said
from clinics.services import account_mail
from clinics.words import in_english, moment_words

MOST_PLACES = 52
FARTHEST_START = timedelta(days=366)
LONGEST_STAND_IN = timedelta(days=92)
NOT_STAFF = gettext_lazy("This person is not on the staff of this clinic; choose somebody who is.")


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
        wrong["people"] = [gettext("Choose at least one person.")]
    elif len(people) > MOST_PLACES:
        wrong["people"] = [gettext("At most %(most_places)s places.") % {"most_places": MOST_PLACES}]
    elif set(people) - staff_of([clinic.pk])[clinic.pk]:
        wrong["people"] = [gettext("Somebody chosen is not on the staff of this clinic; choose somebody who is.")]
    if not 0 <= weekday < len(WEEKDAYS):
        wrong["weekday"] = [gettext("Choose a weekday, 0 for Monday to 6 for Sunday.")]
    if starts_on < today:
        wrong["starts_on"] = [
            gettext("A rota begins today at the earliest: who was on call until now stays as it was.")
        ]
    elif starts_on - today > FARTHEST_START:
        wrong["starts_on"] = [gettext("A rota begins within a year.")]
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
    summary = say(
        "On-call rota from %(day)s, hand-over %(weekday)s %(time)s: %(people)s",
        day=starts_on, weekday=WEEKDAYS[weekday], time=f"{hand_over_at:%H:%M}", people=order,
    )  # fmt: skip
    note(clinic=clinic, by=by, at=now, subject=subject_of(clinic), summary=summary)
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
        wrong["user"] = [str(NOT_STAFF)]
    if ends_at <= begins_at:
        wrong["ends_at"] = [gettext("The end must be later than the beginning.")]
    elif ends_at <= now:
        wrong["ends_at"] = [gettext("This lies behind: enter a time that is still to come.")]
    elif ends_at - begins_at > LONGEST_STAND_IN:
        wrong["ends_at"] = [
            gettext("At most %(days)s days; for longer make a new rota.") % {"days": LONGEST_STAND_IN.days}
        ]
    if not reason.strip():
        wrong["reason"] = [gettext("Say why, such as holiday or sickness.")]
    if wrong:
        raise Impossible(wrong)
    begins = max(begins_at, now)
    _refuse_overlap(clinic, begins, ends_at)
    made = _stored(clinic, user_id, begins, ends_at, reason, by, now)
    if made.user_id != by.pk:
        told = gettext_noop("%(by)s has put you down: %(reason)s")
        _mail(made.user, made, gettext_noop("You are on call %(span)s"), told, now, by=by, reason=made.reason)
    return made


def _refuse_overlap(clinic: Clinic, begins: datetime, ends: datetime) -> None:
    other = StandIn.objects.filter(clinic=clinic).between(begins, ends).select_related("user", "clinic").first()
    if other is not None:
        raise Conflict(
            gettext("%(user)s stands in already %(span)s. End that first, or choose another time.")
            % {"user": other.user, "span": _span(other)}
        )


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
    with translation.override("en"):
        summary = say(
            "%(who)s on call %(span)s: %(reason)s", who=made.user, span=in_english(_span, made), reason=made.reason
        )
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
        raise Conflict(gettext("This has ended already."))
    with translation.override("en"):
        summary = say("Ended: %(who)s on call %(span)s", who=one.user, span=in_english(_span, one))
    note(clinic=one.clinic, by=by, at=now, subject=subject_of(one.clinic), summary=summary)
    if one.user_id != by.pk:
        subject = gettext_noop("You do not stand in any more")
        _mail(one.user, one, subject, gettext_noop("%(by)s has ended it: you were on call %(span)s."), now, by=by)
    one.ended_at = now
    one.save(update_fields=["ended_at"])
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
        raise PermissionDenied(gettext("Whoever is on call hands over, or an administrator."))
    if holder is None:
        raise Conflict(
            gettext("Nobody is on call now, so there is nothing to hand over. Make a rota or enter a stand-in.")
        )
    if to_user_id not in staff_of([clinic.pk])[clinic.pk]:
        raise Impossible({"user": [NOT_STAFF]})
    if to_user_id == holder.pk:
        raise Impossible(
            {"user": [gettext("%(holder)s is on call already; choose somebody else.") % {"holder": holder}]}
        )
    StandIn.objects.filter(clinic=clinic).between(now, now + timedelta(microseconds=1)).update(ended_at=now)
    if reason.strip():
        why = say("Handed over by %(holder)s: %(reason)s", holder=holder, reason=reason.strip())
    else:
        why = say("Handed over by %(holder)s", holder=holder)
    made = _stored(clinic, to_user_id, now, spell.duty.ends, why, by, now)
    _mail(made.user, made, gettext_noop("You are on call %(span)s"), "%(reason)s.", now, reason=made.reason)
    subject, told = (
        gettext_noop("You are not on call any more: %(who)s is"),
        gettext_noop("%(who)s is on call %(span)s."),
    )
    _mail(holder, made, subject, told, now, who=made.user)
    return made


def _span(one: StandIn) -> str:
    zone = one.clinic.zone
    begin, end = moment_words(one.begins_at, zone), moment_words(until(one), zone)
    return gettext("from %(begin)s to %(end)s") % {"begin": begin, "end": end}


def _mail(user: User, one: StandIn, subject: str, told: str, now: datetime, **values: object) -> None:
    """In the person's language, else the clinic's; `subject` and `told` are texts to translate."""
    clinic = one.clinic
    address = settings.BASE_URL + reverse("clinic_on_call", args=[clinic.pk])
    with translation.override(user.language or clinic.language):
        words = {"span": _span(one)} | {name: said(str(value)) for name, value in values.items()}
        subject, told = gettext(subject) % words, gettext(told) % words
        times = gettext("Times are those of %(clinic)s (%(timezone)s). Who is on call when:")
    times = times % {"clinic": clinic.name, "timezone": clinic.timezone}
    body = f"{told}\n\n{times}\n\n{address}\n"
    account_mail.queue(to=user.email, subject=f"{clinic.name}: {subject}", body=body, now=now)


def _lock(clinic: Clinic) -> None:
    """One change at a time a clinic, so that no two stand in at once."""
    Clinic.objects.select_for_update(no_key=True).get(pk=clinic.pk)
