"""Whom a clinic would have to telephone if nothing else worked: made from what is stored, for page and paper."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Count, Exists, Max, Min, OuterRef, Q
from django.utils.translation import gettext as _

from alerts.messages import headline
from alerts.models import Alert, Notification
from alerts.reach import ways_to
from alerts.services import lifecycle, oncall
from alerts.services.oncall import Spell
from clinical.escalation import Channel, Tier, is_quieted
from clinical.saying import say
from clinics import saying
from clinics.history import note, subject_of
from clinics.models import Clinic, User
from clinics.words import day, in_english
from patients.models import Contact, Patient
from pumps import urgencies
from pumps.alerting import deadlines
from pumps.models import Forecast, Pump
from scheduling.models import Appointment, AppointmentStep, Call, VisitRules
from scheduling.queries import AppointmentQuerySet
from scheduling.states import State

# The first tier and a week: whoever gets there while nothing works is on the paper already.
AHEAD = timedelta(days=35)

OFF = say("messages to patients are off")
NO_ADDRESS = say("no e-mail address")
NO_NUMBER = say("no telephone")
NO_CONSENT = say("no consent")
BOUNCED = say("the last message did not arrive")
NOT_LEFT = say("the reminder of the visit has not left")
STOPPED = say("the pump is stopped")
STALLED = say("the motor stands still")
PAST = say("past refill-by, and no visit is booked")
LOW = say("the reservoir is low or empty, and no visit is booked")
# A reminder that was written this short a time ago may yet leave.
ON_ITS_WAY = timedelta(hours=1)
# A call from longer ago was about another refill.
CALLS_SHOWN = timedelta(days=30)


@dataclass(frozen=True)
class Person:
    """Somebody on the patient's side. `why_not` is why no message reaches them; empty if one does."""

    role: str
    name: str
    phone: str
    why_not: str


@dataclass(frozen=True)
class Line:
    """A pump on the list.

    `is_to_phone`: its open refill alert reaches home, and the patient gets no message; or its visit `is_unreminded`: a
    reminder of it was due, and none has gone to the patient's side; or, messages or not, it is stopped, or past
    refill-by, low or empty without a visit that stands: `urgent` is which of these.
    """

    pump: Pump
    patient: Patient
    people: Sequence[Person]
    refill_by: datetime | None
    low_at: datetime | None
    empty_at: datetime | None
    tier: str
    open: Sequence[str]
    visit: datetime | None
    is_to_phone: bool
    is_unreminded: bool = False
    # The last one that somebody made about this refill.
    call: Call | None = None
    # What waits for no date, as `urgencies.gravity` has it.
    gravity: int = urgencies.DATED
    urgent: str = ""

    @property
    def why_phone(self) -> str:
        """Why the patient is told by telephone: what cannot wait, and why no message reaches them; empty if neither."""
        return "; ".join(why for why in (self.urgent, self._why_no_message) if why)

    @property
    def _why_no_message(self) -> str:
        return self.people[0].why_not or (NOT_LEFT if self.is_unreminded else "")

    @property
    def told_instead(self) -> Sequence[Person]:
        """Contacts whom messages reach though the patient gets none."""
        return [person for person in self.people[1:] if not person.why_not] if self._why_no_message else []


@dataclass(frozen=True)
class CallList:
    """`spells` are who is on call from now on; `beyond` counts the pumps due later, the first of them `next_beyond`."""

    clinic: Clinic
    made_at: datetime
    spells: Sequence[Spell]
    lines: Sequence[Line]
    of_clinic: Sequence[str]
    beyond: int
    next_beyond: datetime | None

    @property
    def to_phone(self) -> list[Line]:
        return to_phone(self.lines)


def to_phone(lines: Sequence[Line]) -> list[Line]:
    """Of lines in order of urgency those to phone."""
    return [line for line in lines if line.is_to_phone]


def most_urgent_first(lines: Iterable[Line]) -> list[Line]:
    """Lines in order of their dates: what waits for no date before them, the gravest first."""
    return sorted(lines, key=lambda line: line.gravity)


def call_list(clinic: Clinic, now: datetime) -> CallList:
    """Every pump in use that is due within AHEAD, has no date, has anything open, or a visit of which patients are
    reminded by now; most urgent first.

    The number of queries does not depend on how many there are.
    """
    alerts = list(Alert.objects.open().filter(clinic=clinic).order_by("pk"))
    by_pump: dict[int, list[Alert]] = defaultdict(list)
    for alert in alerts:
        if alert.pump_id is not None:
            by_pump[alert.pump_id].append(alert)
    fleet = Forecast.objects.filter(clinic=clinic).on_worklist()
    rules = VisitRules.objects.of([clinic.pk])
    visits = visits_to_remind_of(rules, now)
    is_on_it = Q(worklist_at__lte=now + AHEAD) | Q(pump__in=[*by_pump, *visits.values_list("pump", flat=True)])
    rows = list(fleet.filter(is_on_it).select_related("pump__patient", "pump__clinic", "clinic"))
    later = fleet.exclude(is_on_it).order_by().aggregate(count=Count("pk"), first=Min("worklist_at"))
    facts = facts_of([clinic], rows, rules, now)[clinic.pk]
    return CallList(
        clinic=clinic,
        made_at=now,
        spells=oncall.schedule(clinic, now),
        lines=most_urgent_first(line_of(row, by_pump.get(row.pump_id, []), facts) for row in rows),
        of_clinic=[_said(alert) for alert in alerts if alert.pump_id is None],
        beyond=later["count"],
        next_beyond=later["first"],
    )


def visits_to_remind_of(rules: Mapping[int, VisitRules], now: datetime) -> AppointmentQuerySet[Appointment]:
    """The visits that stand so near that patients are reminded of them by now, at the clinics of the rules."""
    days = max((day for each in rules.values() for day in each.reminder_days), default=0)
    return Appointment.objects.standing().filter(
        clinic__in=list(rules), starts_at__gt=now, starts_at__lte=now + timedelta(days=days)
    )


@dataclass(frozen=True)
class Facts:
    """What the lines of a clinic share. `bounced` are recipients, as the outbox calls them, and the channel by which
    the last message did not reach them."""

    now: datetime
    is_live: bool
    contacts: Mapping[int, Sequence[Contact]]
    visits: Mapping[int, Appointment]
    rules: VisitRules
    # By which the clinic's ladder, or its reminders of visits, tell patients and contacts.
    channels: Sequence[str]
    # Visits of which a reminder was due, and none was sent.
    unreminded: Collection[int]
    bounced: Collection[tuple[str, str]] = field(default_factory=frozenset)
    # The last call about each pump.
    calls: Mapping[int, Call] = field(default_factory=dict)


def facts_of(
    clinics: Sequence[Clinic], rows: Sequence[Forecast], rules: Mapping[int, VisitRules], now: datetime
) -> Mapping[int, Facts]:
    """By clinic, what its lines share. The number of queries depends neither on clinics nor on rows."""
    patient_ids, pump_ids = [row.pump.patient_id for row in rows], [row.pump_id for row in rows]
    contacts: dict[int, list[Contact]] = defaultdict(list)
    for contact in Contact.objects.standing().filter(patient__in=patient_ids).order_by("kind", "pk"):
        contacts[contact.patient_id].append(contact)
    visits = Appointment.objects.of_pumps(pump_ids)
    unreminded = _unreminded(visits.values(), now)
    bounced = _bounced(rules, patient_ids, [contact.pk for found in contacts.values() for contact in found])
    ladders = lifecycle.ladders(list(rules))
    calls = Call.objects.last_of(pump_ids, since=now - CALLS_SHOWN)
    return {
        clinic.pk: Facts(
            now=now,
            is_live=clinic.patient_messages_since is not None,
            contacts=contacts,
            visits=visits,
            rules=rules[clinic.pk],
            channels=_ways(rules[clinic.pk], ladders[clinic.pk]),
            unreminded=unreminded,
            bounced=bounced,
            calls=calls,
        )
        for clinic in clinics
    }


def _ways(rules: VisitRules, ladder: Sequence[Tier]) -> list[str]:
    """Every channel by which a clinic tells people at home."""
    by_tier = (way for tier in ladder if tier.reaches_home for way in tier.channels)
    return sorted({*rules.reminder_channels, *by_tier})


def _bounced(
    clinic_ids: Collection[int], patient_ids: Collection[int], contact_ids: Collection[int]
) -> frozenset[tuple[str, str]]:
    """Of these people, as the outbox calls them, whom the last message by a channel did not reach. One query."""
    of_people = Q(patient__in=patient_ids) | Q(contact__in=contact_ids)
    rows = Notification.objects.filter(of_people, clinic__in=list(clinic_ids), user=None)
    same = {"recipient": OuterRef("recipient"), "channel": OuterRef("channel")}
    reached_later = rows.filter(state=Notification.State.SENT, pk__gt=OuterRef("pk"), **same)
    failed = rows.filter(~Exists(reached_later), state=Notification.State.FAILED)
    return frozenset(failed.values_list("recipient", "channel"))


def line_of(row: Forecast, alerts: Sequence[Alert], facts: Facts) -> Line:
    patient, dates = row.pump.patient, deadlines(row, row.computed_at)
    visit = facts.visits.get(row.pump_id)
    refill = next((alert for alert in alerts if alert.kind == Alert.Kind.REFILL_DUE), None)
    tier = _tier_for_home(refill, visit) if refill is not None else None
    is_unreminded = visit is not None and visit.pk in facts.unreminded
    urgent = _urgent(row, {alert.kind for alert in alerts}, visit, facts.now)
    people = _people(patient, _channels(tier, is_unreminded, facts), facts, row.clinic.zone)
    return Line(
        pump=row.pump,
        patient=patient,
        people=people,
        refill_by=row.refill_by,
        low_at=dates.low_at,
        empty_at=dates.empty_at,
        tier=headline(refill.tier) if refill is not None and refill.tier else "",
        open=[str(alert.get_kind_display()) for alert in alerts],
        visit=visit.starts_at if visit is not None else None,
        is_to_phone=bool(urgent) or is_unreminded or (bool(people[0].why_not) and tier is not None),
        is_unreminded=is_unreminded,
        call=facts.calls.get(row.pump_id),
        gravity=urgencies.STANDS_STILL if urgent in (STOPPED, STALLED) else urgencies.gravity(row, facts.now),
        urgent=urgent,
    )


def _urgent(row: Forecast, kinds: Collection[str], visit: Appointment | None, now: datetime) -> str:
    """Why somebody has to be phoned even if messages reach them; empty if that can wait."""
    if Alert.Kind.PUMP_STOPPED in kinds:
        return STOPPED
    if Alert.Kind.PUMP_STALLED in kinds:
        return STALLED
    if visit is not None:
        return ""
    dates = deadlines(row, row.computed_at)
    if any(at is not None and at <= now for at in (dates.low_at, dates.empty_at)):
        return LOW
    return PAST if row.refill_by is not None and row.refill_by <= now else ""


def _unreminded(visits: Iterable[Appointment], now: datetime) -> set[int]:
    """Of visits still to come that nobody has confirmed: those of which a reminder was due for some time since they
    were booked or moved, and no message has gone to the patient's side. Two queries."""
    waiting = {visit.pk: visit for visit in visits if visit.state == State.BOOKED and visit.starts_at > now}
    steps = AppointmentStep.objects.filter(appointment__in=waiting).order_by().values("appointment")
    found = steps.annotate(
        reminded=Max("at", filter=Q(what="reminder", at__lte=now - ON_ITS_WAY)),
        set=Max("at", filter=Q(what__in=("booked", "moved"))),
    )
    due = {row["appointment"] for row in found if row["reminded"] and row["set"] and row["reminded"] >= row["set"]}
    sent = Notification.objects.filter(appointment__in=due, state=Notification.State.SENT)
    told = sent.values_list("appointment", "repeat_number")
    return due - {pk for pk, sequence in told if sequence == waiting[pk].sequence}


def _channels(tier: Tier | None, is_unreminded: bool, facts: Facts) -> Sequence[str]:
    """By which the patient's side is told now, or would be."""
    if tier is not None:
        return tier.channels
    return facts.rules.reminder_channels if is_unreminded else facts.channels


def _said(alert: Alert) -> str:
    kind = alert.get_kind_display()
    return f"{kind}: {saying.said(alert.detail)}" if alert.detail else str(kind)


def _people(patient: Patient, channels: Sequence[str], facts: Facts, zone: ZoneInfo) -> list[Person]:
    """The patient first, then their contacts."""
    own = _why_not(patient, f"patient:{patient.pk}", channels, facts, zone)
    return [
        Person(_("Patient"), str(patient), patient.phone, own),
        *(
            Person(
                contact.get_kind_display(),
                contact.name,
                contact.phone,
                _why_not(contact, f"contact:{contact.pk}", channels, facts, zone),
            )
            for contact in facts.contacts.get(patient.pk, ())
        ),
    ]


def _why_not(person: Patient | Contact, recipient: str, channels: Sequence[str], facts: Facts, zone: ZoneInfo) -> str:
    """Why no message reaches somebody by any of the channels; empty if one does."""
    if not facts.is_live:
        return OFF
    ways = ways_to(person, channels)
    if ways:
        return BOUNCED if all((recipient, way) in facts.bounced for way in ways) else ""
    if Channel.EMAIL not in channels:
        return NO_CONSENT if person.phone else NO_NUMBER
    if person.unsubscribed_at is not None:
        return say("unsubscribed on %(day)s", day=in_english(day, person.unsubscribed_at, zone))
    if person.email and person.email_reminders:
        return BOUNCED
    return NO_CONSENT if person.email else NO_ADDRESS


def _tier_for_home(alert: Alert, visit: Appointment | None) -> Tier | None:
    """The alert's tier, if the patient's side is to be told at it; a visit in time quiets it while it asks for one."""
    tier = next((tier for tier in lifecycle.ladder_of(alert) if tier.code == alert.tier), None)
    if tier is None or not tier.reaches_home:
        return None
    booked_at = visit.starts_at if visit is not None else None
    return tier if not is_quieted(tier, lifecycle.deadlines_of(alert), booked_at) else None


def taken(*, clinic: Clinic, by: User, paper: str, now: datetime) -> None:
    """Note who took the list away: it holds names and telephone numbers."""
    summary = say("Call list downloaded (%(paper)s)", paper=paper)
    note(clinic=clinic, by=by, at=now, subject=subject_of(clinic), summary=summary)


def taken_away(*, what: str, clinics: Iterable[Clinic], by: User, now: datetime) -> None:
    """The same of a list of several clinics, in the history of each."""
    for clinic in clinics:
        note(clinic=clinic, by=by, at=now, subject=subject_of(clinic), summary=what)
