"""Who is told when: the ladder of tiers, pure.

A ladder is an ordered list of tiers, mildest first. Each starts a number of days from its anchor (`refill_by`, the low
date or the empty date) and repeats until the alert closes. Source: design, section 3.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from clinical.saying import say

# Leads are made for a refill interval of at least this long; a shorter one scales them.
FULL_INTERVAL = timedelta(days=35)
QUIET_FROM, QUIET_TO = time(20), time(8)


class Anchor(StrEnum):
    REFILL_BY = "refill_by"
    LOW = "low"
    EMPTY = "empty"
    OPENED = "opened"
    SERVICE = "service"


class Channel(StrEnum):
    """How staff, patients and contacts are reached. The worklist on screen always shows an alert as well."""

    EMAIL = "email"
    SMS = "sms"
    VOICE = "voice"
    WEBHOOK = "webhook"


class Acknowledging(StrEnum):
    """What somebody has to say who acknowledges an alert."""

    NOTE = "note"
    SPOKEN_WITH = "spoken_with"


@dataclass(frozen=True)
class Tier:
    """One rung. A lead before is negative.

    Told are the clinic's staff with one of the `roles`, the `people` named by their ids, whoever is `on_call`, the
    patient, the caregivers and the care home, each by every one of the `channels` they can be reached by. Quiet hours
    are of the clinic's wall clock, and may pass midnight. `acknowledging` is what an acknowledgement must hold.
    """

    code: str
    anchor: Anchor
    lead_days: int
    roles: tuple[str, ...]
    to_patient: bool
    repeat_hours: int
    quiet_hours: bool
    people: tuple[int, ...] = ()
    on_call: bool = False
    to_caregivers: bool = False
    to_care_home: bool = False
    channels: tuple[str, ...] = (Channel.EMAIL,)
    quiet_from: time = QUIET_FROM
    quiet_to: time = QUIET_TO
    acknowledging: tuple[str, ...] = ()

    @property
    def reaches_home(self) -> bool:
        return self.to_patient or self.to_caregivers or self.to_care_home

    @property
    def reaches_staff(self) -> bool:
        return bool(self.roles or self.people or self.on_call)


@dataclass(frozen=True)
class Deadlines:
    """The moments an alert works towards. `filled_at` scales the leads of short refill intervals."""

    opened_at: datetime
    refill_by: datetime | None = None
    low_at: datetime | None = None
    empty_at: datetime | None = None
    filled_at: datetime | None = None
    service_ends_at: datetime | None = None


_CARE = ("scheduler", "nurse", "prescriber")
_HOME: dict[str, Any] = {"to_caregivers": True, "to_care_home": True}
_NOTED: dict[str, Any] = {"acknowledging": (Acknowledging.NOTE,)}
_SPOKEN: dict[str, Any] = {"acknowledging": (Acknowledging.NOTE, Acknowledging.SPOKEN_WITH)}
REFILL_LADDER = (
    Tier("book", Anchor.REFILL_BY, -28, ("scheduler",), False, 7 * 24, True),
    Tier("patient", Anchor.REFILL_BY, -21, (), True, 7 * 24, True, **_HOME),
    Tier("unbooked", Anchor.REFILL_BY, -14, ("scheduler",), True, 3 * 24, True, **_HOME),
    Tier("urgent", Anchor.REFILL_BY, -7, ("scheduler", "nurse"), True, 24, True, **_HOME),
    Tier("past", Anchor.REFILL_BY, 0, ("scheduler", "nurse"), True, 12, False, **_HOME, **_NOTED),
    Tier("low", Anchor.LOW, 0, _CARE, True, 4, False, **_HOME, **_NOTED),
    Tier("empty", Anchor.EMPTY, 0, (*_CARE, "administrator"), True, 1, False, **_HOME, **_SPOKEN),
)
# For what is wrong now: told at once, to those who can act, until it is put right.
IMMEDIATE_LADDER = (Tier("urgent", Anchor.OPENED, 0, ("nurse", "prescriber"), False, 12, False),)
# For what may cost a life within hours: withdrawal, overdose, an alarm with two tones (clinical rules, section 4).
EMERGENCY_LADDER = (
    Tier("emergency", Anchor.OPENED, 0, ("nurse", "prescriber"), False, 1, False, on_call=True, **_NOTED),
)
# Somebody at home asked to be called.
CALL_LADDER = (Tier("call", Anchor.OPENED, 0, ("scheduler", "nurse"), False, 24, True),)
# Of a clinic, not of a patient: for whoever runs it.
CLINIC_LADDER = (Tier("clinic", Anchor.OPENED, 0, ("administrator",), False, 24, False),)
# A flow that has changed: the dates are on the safe side meanwhile, and the next refills settle it.
CHANGED_LADDER = (Tier("changed", Anchor.OPENED, 0, ("nurse", "prescriber"), False, 7 * 24, True),)
# The end of a pump's life: planned 3 to 6 months ahead (clinical rules, section 2: life).
SERVICE_LADDER = (
    Tier("half_year", Anchor.SERVICE, -183, ("scheduler", "prescriber"), False, 14 * 24, True),
    Tier("quarter", Anchor.SERVICE, -91, ("scheduler", "nurse", "prescriber"), False, 7 * 24, True),
    Tier("ended", Anchor.SERVICE, 0, ("nurse", "prescriber", "administrator"), False, 24, False),
)


def starts(ladder: Sequence[Tier], deadlines: Deadlines) -> list[tuple[datetime, Tier]]:
    """When each tier of the ladder begins, mildest first. Tiers whose anchor is not known are absent."""
    anchors = {
        Anchor.REFILL_BY: deadlines.refill_by,
        Anchor.LOW: deadlines.low_at,
        Anchor.EMPTY: deadlines.empty_at,
        Anchor.OPENED: deadlines.opened_at,
        Anchor.SERVICE: deadlines.service_ends_at,
    }
    scale = lead_scale(deadlines)
    found = []
    for tier in ladder:
        anchor = anchors[tier.anchor]
        if anchor is not None:
            found.append((anchor + timedelta(days=tier.lead_days) * scale, tier))
    return found


def lead_scale(deadlines: Deadlines) -> float:
    """1, or the refill interval as a part of 35 days where it is shorter; never below 0."""
    if deadlines.refill_by is None or deadlines.filled_at is None:
        return 1.0
    return min(max((deadlines.refill_by - deadlines.filled_at) / FULL_INTERVAL, 0.0), 1.0)


def tier_at(ladder: Sequence[Tier], deadlines: Deadlines, now: datetime) -> Tier | None:
    """The severest tier that has begun, None before the first."""
    begun = [tier for start, tier in starts(ladder, deadlines) if start <= now]
    return begun[-1] if begun else None


def next_start(ladder: Sequence[Tier], deadlines: Deadlines, now: datetime) -> datetime | None:
    """When a severer tier than the present one begins."""
    current = tier_at(ladder, deadlines, now)
    later = list(ladder[ladder.index(current) + 1 :]) if current is not None else list(ladder)
    return min((start for start, tier in starts(later, deadlines) if start > now), default=None)


def next_due(ladder: Sequence[Tier], deadlines: Deadlines, now: datetime) -> datetime | None:
    """When to act again after acting at `now`: the repeat or the next tier, whichever is first."""
    current = tier_at(ladder, deadlines, now)
    following = next_start(ladder, deadlines, now)
    if current is None:
        return following
    repeat = now + timedelta(hours=current.repeat_hours)
    return repeat if following is None else min(repeat, following)


def first_told(
    ladder: Sequence[Tier], deadlines: Deadlines, start: datetime, timezone: ZoneInfo, reaches: Callable[[Tier], bool]
) -> datetime | None:
    """When somebody is first told from `start` on, in allowed hours; None if no tier `reaches` them."""
    moment: datetime | None = start
    while moment is not None:
        tier = tier_at(ladder, deadlines, moment)
        if tier is not None and reaches(tier):
            return allowed_from(moment, tier, timezone)
        moment = next_start(ladder, deadlines, moment)
    return None


def allowed_from(moment: datetime, tier: Tier, timezone: ZoneInfo) -> datetime:
    """The moment itself, or the end of the tier's quiet hours if it keeps them."""
    if not tier.quiet_hours or tier.quiet_from == tier.quiet_to:
        return moment
    local = moment.astimezone(timezone)
    passes_midnight = tier.quiet_from > tier.quiet_to
    is_late, is_early = local.time() >= tier.quiet_from, local.time() < tier.quiet_to
    if not (is_late or is_early if passes_midnight else is_late and is_early):
        return moment
    day = local.date() + timedelta(days=1) if passes_midnight and is_late else local.date()
    return datetime.combine(day, tier.quiet_to, tzinfo=timezone).astimezone(moment.tzinfo)


def tier_to_json(tier: Tier) -> dict[str, Any]:
    return {
        "code": tier.code,
        "anchor": tier.anchor.value,
        "lead_days": tier.lead_days,
        "roles": list(tier.roles),
        "people": list(tier.people),
        "on_call": tier.on_call,
        "to_patient": tier.to_patient,
        "to_caregivers": tier.to_caregivers,
        "to_care_home": tier.to_care_home,
        "channels": list(tier.channels),
        "repeat_hours": tier.repeat_hours,
        "quiet_hours": tier.quiet_hours,
        "quiet_from": f"{tier.quiet_from:%H:%M}",
        "quiet_to": f"{tier.quiet_to:%H:%M}",
        "acknowledging": list(tier.acknowledging),
    }


def tier_from_json(data: Mapping[str, Any]) -> Tier:
    """A tier as `tier_to_json` writes it. One frozen before it could say so told contacts whenever it told patients."""
    told = {"to_caregivers": data["to_patient"], "to_care_home": data["to_patient"], **data}
    told["anchor"] = Anchor(told["anchor"])
    for name in ("roles", "people", "channels", "acknowledging"):
        if name in told:
            told[name] = tuple(told[name])
    for name in ("quiet_from", "quiet_to"):
        if name in told:
            told[name] = time.fromisoformat(told[name])
    return Tier(**told)


# Conditions with which withdrawal is likelier, is noticed later or goes worse: clinical rules, section 3.
RAISING_FLAGS = frozenset({"t6_or_above", "communication_difficulty", "earlier_withdrawal"})
# By how much earlier than others such a patient's tiers begin, unless the clinic says otherwise; and the most it may.
RISK_DAYS = 7
MOST_RISK_DAYS = 28


def for_risk(ladder: Sequence[Tier], flags: Collection[str], days: int = RISK_DAYS) -> Sequence[Tier]:
    """The ladder of a patient: its tiers before `refill_by` begin so many days earlier where a flag raises the risk.

    What begins on its day (`past`, `low`, `empty`) cannot begin earlier.
    """
    return earlier(ladder, days) if RAISING_FLAGS & set(flags) else ladder


def earlier(ladder: Sequence[Tier], days: int) -> Sequence[Tier]:
    """The ladder whose tiers before `refill_by` begin so many days earlier."""
    return tuple(
        replace(tier, lead_days=tier.lead_days - days)
        if tier.anchor is Anchor.REFILL_BY and tier.lead_days < 0
        else tier
        for tier in ladder
    )


# What asks for a visit is quiet while one is booked in time; from `urgent` on nothing is: design, section 3.
QUIETED_BY_A_VISIT = frozenset({"book", "patient", "unbooked"})


def is_quieted(tier: Tier, deadlines: Deadlines, booked_at: datetime | None) -> bool:
    """Whether a visit booked at or before `refill_by` makes this tier's telling needless."""
    in_time = booked_at is not None and deadlines.refill_by is not None and booked_at <= deadlines.refill_by
    return in_time and tier.code in QUIETED_BY_A_VISIT


class Priority(StrEnum):
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFORMATION = "information"


# How long an acknowledgement quiets an alert at most, by tier; design, section 3. What is wrong now is as `past`.
LONGEST_ACKNOWLEDGED = timedelta(hours=72)
ACKNOWLEDGED_PAST = timedelta(hours=4)
ACKNOWLEDGED_LOW = timedelta(hours=1)


def acknowledged_at_most(tier: Tier | None, deadlines: Deadlines, now: datetime) -> datetime:
    """Until when an alert can be acknowledged at `now`: never beyond the moment at which it gets worse.

    72 hours and never beyond `refill_by`; from then on 4 hours; low or empty 1 hour.
    """
    if tier is not None and tier.anchor in (Anchor.LOW, Anchor.EMPTY):
        return _before_worse(now, now + ACKNOWLEDGED_LOW, deadlines.empty_at)
    is_past = deadlines.refill_by is not None and deadlines.refill_by <= now
    if is_past or (tier is not None and tier.anchor is Anchor.OPENED and tier.repeat_hours < 24):
        return _before_worse(now, now + ACKNOWLEDGED_PAST, deadlines.low_at, deadlines.empty_at)
    return _before_worse(now, now + LONGEST_ACKNOWLEDGED, deadlines.refill_by)


def acknowledged_until(
    tier: Tier | None, deadlines: Deadlines, now: datetime, *, wanted: datetime | None, running: datetime | None
) -> datetime:
    """Until when an acknowledgement given at `now` quiets an alert.

    `wanted` is None for as long as it may. One that is still running (`running` is when it ends) can be cut short,
    not prolonged: the alert is told again before anybody can quiet it further, so that none is acknowledged for ever.
    """
    bounds = [acknowledged_at_most(tier, deadlines, now)]
    bounds += [wanted] if wanted is not None else []
    bounds += [running] if running is not None and running > now else []
    return min(bounds)


def _before_worse(now: datetime, until: datetime, *worse: datetime | None) -> datetime:
    return min([until, *(moment for moment in worse if moment is not None and moment > now)])


# What a clinic may set: from `past` on nothing is quiet, and nobody waits longer than this for the next telling.
LONGEST_REPEAT_HOURS = {"past": 24, "low": 12, "empty": 4}
LONGEST_REPEAT = 14 * 24
FARTHEST_LEAD_DAYS = 90


def problems(ladder: Sequence[Tier]) -> dict[str, list[str]]:
    """Why a ladder does not do, by tier code; empty if it does. It has the tiers of REFILL_LADDER, in their order.

    The promise holds by construction: `past`, `low` and `empty` begin when they must, reach staff, keep no quiet hours
    and repeat without end. Source: design, section 3.
    """
    found: dict[str, list[str]] = {}
    if [tier.code for tier in ladder] != [tier.code for tier in REFILL_LADDER]:
        return {
            "tiers": [
                say("The tiers are %(tiers)s, in this order.", tiers=", ".join(tier.code for tier in REFILL_LADDER))
            ]
        }
    for tier, usual, before in zip(ladder, REFILL_LADDER, (None, *ladder), strict=False):
        told = [*_lead_problems(tier, usual, before), *_reach_problems(tier)]
        longest = LONGEST_REPEAT_HOURS.get(tier.code, LONGEST_REPEAT)
        if not 1 <= tier.repeat_hours <= longest:
            told.append(say("Repeat every 1 to %(longest)s hours.", longest=longest))
        if told:
            found[tier.code] = told
    return found


def _lead_problems(tier: Tier, usual: Tier, before: Tier | None) -> list[str]:
    if tier.anchor is not usual.anchor:
        return [say("This tier counts from %(anchor)s.", anchor=usual.anchor.value)]
    if tier.code in LONGEST_REPEAT_HOURS:
        return [say("This tier begins on its day; it cannot be moved.")] if tier.lead_days != 0 else []
    if not -FARTHEST_LEAD_DAYS <= tier.lead_days <= -1:
        return [say("Begin 1 to %(most)s days before.", most=FARTHEST_LEAD_DAYS)]
    if before is not None and before.anchor is tier.anchor and tier.lead_days <= before.lead_days:
        return [say("Begin later than the tier before it.")]
    return []


def _reach_problems(tier: Tier) -> list[str]:
    is_late = tier.code in LONGEST_REPEAT_HOURS
    told = []
    if not tier.reaches_staff and not tier.reaches_home:
        told.append(say("Somebody has to be told: choose a role, a person, who is on call, or the patient's side."))
    if is_late and not tier.reaches_staff:
        told.append(say("From past on staff have to be told: choose a role, a person, or who is on call."))
    if not tier.channels:
        told.append(say("Choose at least one channel, such as e-mail."))
    if set(tier.channels) - set(Channel):
        told.append(say("The channels are %(channel)s.", channel=", ".join(Channel)))
    if set(tier.acknowledging) - set(Acknowledging):
        told.append(say("An acknowledgement can ask for %(acknowledging)s.", acknowledging=" and ".join(Acknowledging)))
    if is_late and tier.quiet_hours:
        told.append(say("From past on there are no quiet hours."))
    return told
