"""Who is on call: read from the rota, from those who stand in, and from who is on the staff."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from alerts.models import OnCallRota, StandIn
from clinical import rota as turns
from clinical.rota import Duty
from clinics.models import Clinic, Membership, User

# How far ahead the page shows who is on call.
AHEAD = timedelta(weeks=4)


@dataclass(frozen=True)
class Plan:
    """What decides who is on call in one clinic: its rotas as they were written, and those who stand in."""

    zone: ZoneInfo
    rotas: Sequence[turns.Rota] = ()
    stand_ins: Sequence[turns.StandIn] = field(default_factory=list)

    def duty_at(self, now: datetime) -> Duty:
        return turns.duty_at(self.rotas, self.stand_ins, self.zone, now)

    def duties(self, begins: datetime, ends: datetime) -> list[Duty]:
        return turns.duties(self.rotas, self.stand_ins, self.zone, begins, ends)


def on_call(clinic_ids: Collection[int], now: datetime) -> dict[int, int]:
    """The person on call in each clinic, by clinic id; a clinic is absent where nobody is. Four queries.

    Whoever has left the clinic's staff is not on call, though it is their turn: then nobody is.
    """
    ids = set(clinic_ids)
    if not ids:
        return {}
    zones = {pk: ZoneInfo(name) for pk, name in Clinic.objects.filter(pk__in=ids).values_list("pk", "timezone")}
    plans = plans_of(zones, now, now + timedelta(microseconds=1))
    people = {pk: plan.duty_at(now).person for pk, plan in plans.items()}
    staff = staff_of(ids)
    return {pk: person for pk, person in people.items() if person is not None and person in staff[pk]}


def plans_of(zones: dict[int, ZoneInfo], begins: datetime, ends: datetime) -> dict[int, Plan]:
    """What decides who is on call from `begins` until before `ends`, by clinic id. Two queries."""
    rotas: dict[int, list[turns.Rota]] = defaultdict(list)
    for row in OnCallRota.objects.filter(clinic__in=zones).order_by("pk"):
        rotas[row.clinic_id].append(turns.Rota(row.starts_on, row.weekday, row.hand_over_at, tuple(row.people)))
    stand_ins: dict[int, list[turns.StandIn]] = defaultdict(list)
    for one in StandIn.objects.filter(clinic__in=zones).between(begins, ends):
        stand_ins[one.clinic_id].append(turns.StandIn(one.user_id, one.begins_at, until(one)))
    return {pk: Plan(zone, rotas[pk], stand_ins[pk]) for pk, zone in zones.items()}


def until(one: StandIn) -> datetime:
    """Until before when a stand-in holds."""
    return one.ends_at if one.ended_at is None else min(one.ends_at, one.ended_at)


def staff_of(clinic_ids: Iterable[int]) -> dict[int, set[int]]:
    """The ids of active accounts with a role that counts in each clinic. One query."""
    ids = set(clinic_ids)
    staff: dict[int, set[int]] = {pk: set() for pk in ids}
    for clinic_id, user_id in Membership.objects.filter(user__in=User.objects.in_use()).values_list("clinic", "user"):
        for reached in ids if clinic_id is None else ids & {clinic_id}:
            staff[reached].add(user_id)
    return staff


@dataclass(frozen=True)
class Spell:
    """A duty with its person. `left` is who would be on call, but is not on the clinic's staff any more."""

    duty: Duty
    user: User | None
    left: User | None = None


def schedule(clinic: Clinic, now: datetime, ahead: timedelta = AHEAD) -> list[Spell]:
    """Who is on call in a clinic from now on, the present one first, with the moment since when they are. Four
    queries."""
    plan = plans_of({clinic.pk: clinic.zone}, now - timedelta(weeks=2), now + ahead)[clinic.pk]
    found = [duty for duty in plan.duties(now - timedelta(weeks=2), now + ahead) if duty.ends > now]
    people = User.objects.in_bulk({duty.person for duty in found if duty.person is not None})
    staff = staff_of([clinic.pk])[clinic.pk]
    return [_spell(duty, people, staff) for duty in found]


def _spell(duty: Duty, people: dict[int, User], staff: set[int]) -> Spell:
    user = people.get(duty.person) if duty.person is not None else None
    if user is None or user.pk in staff:
        return Spell(duty, user)
    return Spell(replace(duty, person=None), None, left=user)


def present(clinic: Clinic, now: datetime) -> Spell:
    """Who is on call in a clinic now, and until when that holds as planned."""
    plan = plans_of({clinic.pk: clinic.zone}, now, now + 2 * turns.WEEK)[clinic.pk]
    duty = plan.duty_at(now)
    people = User.objects.in_bulk([duty.person] if duty.person is not None else [])
    return _spell(duty, people, staff_of([clinic.pk])[clinic.pk])
