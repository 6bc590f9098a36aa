"""Whom a clinic would have to telephone if nothing else worked: made from what is stored, for page and paper."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Count, Exists, Min, OuterRef, Q

from alerts.messages import headline
from alerts.models import Alert, Notification
from alerts.services import lifecycle, oncall
from alerts.services.oncall import Spell
from clinical.escalation import Anchor, Tier
from clinics.history import note, subject_of
from clinics.models import Clinic, User
from patients.models import Contact, Patient
from pumps.alerting import deadlines
from pumps.models import Forecast, Pump
from scheduling.models import Appointment

# The first tier and a week: whoever gets there while nothing works is on the paper already.
AHEAD = timedelta(days=35)
# Tiers that ask for a visit, which a booked one quiets: design, section 3.
FOR_A_VISIT = frozenset({"book", "patient", "unbooked"})

OFF = "messages to patients are off"
NO_ADDRESS = "no e-mail address"
NO_CONSENT = "no consent, or unsubscribed"
BOUNCED = "the last message did not arrive"


@dataclass(frozen=True)
class Person:
    """Somebody on the patient's side. `why_not` is why no message reaches them; empty if one does."""

    role: str
    name: str
    phone: str
    why_not: str


@dataclass(frozen=True)
class Line:
    """A pump on the list. `is_to_phone`: its open refill alert reaches home, where the patient gets no message."""

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

    @property
    def why_phone(self) -> str:
        """Why the patient is told by telephone only; empty if a message reaches them."""
        return self.people[0].why_not

    @property
    def told_instead(self) -> Sequence[Person]:
        """Contacts whom messages reach though the patient gets none."""
        return [person for person in self.people[1:] if not person.why_not] if self.why_phone else []


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
        return [line for line in self.lines if line.is_to_phone]


def call_list(clinic: Clinic, now: datetime) -> CallList:
    """Every pump in use that is due within AHEAD, has no date, or has anything open; most urgent first.

    The number of queries does not depend on how many there are.
    """
    alerts = list(Alert.objects.open().filter(clinic=clinic).order_by("pk"))
    by_pump: dict[int, list[Alert]] = defaultdict(list)
    for alert in alerts:
        if alert.pump_id is not None:
            by_pump[alert.pump_id].append(alert)
    fleet = Forecast.objects.filter(clinic=clinic).on_worklist()
    is_on_it = Q(worklist_at__lte=now + AHEAD) | Q(pump__in=list(by_pump))
    rows = list(fleet.filter(is_on_it).select_related("pump__patient"))
    later = fleet.exclude(is_on_it).order_by().aggregate(count=Count("pk"), first=Min("worklist_at"))
    facts = _facts(clinic, [row.pump.patient_id for row in rows], [row.pump_id for row in rows])
    return CallList(
        clinic=clinic,
        made_at=now,
        spells=oncall.schedule(clinic, now),
        lines=[_line(row, by_pump.get(row.pump_id, []), facts) for row in rows],
        of_clinic=[_said(alert) for alert in alerts if alert.pump_id is None],
        beyond=later["count"],
        next_beyond=later["first"],
    )


@dataclass(frozen=True)
class Facts:
    """What the lines share. `bounced` are recipients, as the outbox calls them, whom the last message did not reach."""

    is_live: bool
    contacts: Mapping[int, Sequence[Contact]]
    visits: Mapping[int, Appointment]
    bounced: Collection[str] = field(default_factory=frozenset)


def _facts(clinic: Clinic, patient_ids: Collection[int], pump_ids: Collection[int]) -> Facts:
    contacts: dict[int, list[Contact]] = defaultdict(list)
    for contact in Contact.objects.standing().filter(patient__in=patient_ids).order_by("kind", "pk"):
        contacts[contact.patient_id].append(contact)
    rows = Notification.objects.filter(clinic=clinic, user=None).exclude(recipient="screen")
    reached_later = rows.filter(state=Notification.State.SENT, recipient=OuterRef("recipient"), pk__gt=OuterRef("pk"))
    failed = rows.filter(~Exists(reached_later), state=Notification.State.FAILED)
    return Facts(
        is_live=clinic.patient_messages_since is not None,
        contacts=contacts,
        visits=Appointment.objects.of_pumps(pump_ids),
        bounced=frozenset(failed.values_list("recipient", flat=True)),
    )


def _line(row: Forecast, alerts: Sequence[Alert], facts: Facts) -> Line:
    patient, dates = row.pump.patient, deadlines(row, row.computed_at)
    people = _people(patient, facts)
    visit = facts.visits.get(row.pump_id)
    refill = next((alert for alert in alerts if alert.kind == Alert.Kind.REFILL_DUE), None)
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
        is_to_phone=bool(people[0].why_not) and refill is not None and _reaches_home(refill, visit),
    )


def _said(alert: Alert) -> str:
    return f"{alert.get_kind_display()}: {alert.detail}" if alert.detail else str(alert.get_kind_display())


def _people(patient: Patient, facts: Facts) -> list[Person]:
    """The patient first, then their contacts."""
    own = _why_not(facts, patient.email, patient.email_reminders, f"patient:{patient.pk}")
    return [
        Person("Patient", str(patient), patient.phone, own),
        *(
            Person(
                contact.get_kind_display(),
                contact.name,
                contact.phone,
                _why_not(facts, contact.email, contact.email_reminders, f"contact:{contact.pk}"),
            )
            for contact in facts.contacts.get(patient.pk, ())
        ),
    ]


def _why_not(facts: Facts, email: str, has_consent: bool, recipient: str) -> str:
    if not facts.is_live:
        return OFF
    if not email:
        return NO_ADDRESS
    if not has_consent:
        return NO_CONSENT
    return BOUNCED if recipient in facts.bounced else ""


def _reaches_home(alert: Alert, visit: Appointment | None) -> bool:
    """Whether the patient's side is to be told at the alert's tier, which a visit in time quiets while it asks for
    one."""
    tier = next((tier for tier in lifecycle.ladder_of(alert) if tier.code == alert.tier), None)
    return tier is not None and tier.reaches_home and not _is_quieted(tier, alert, visit)


def _is_quieted(tier: Tier, alert: Alert, visit: Appointment | None) -> bool:
    is_in_time = visit is not None and alert.refill_by is not None and visit.starts_at <= alert.refill_by
    return tier.anchor is Anchor.REFILL_BY and tier.code in FOR_A_VISIT and is_in_time


def taken(*, clinic: Clinic, by: User, paper: str, now: datetime) -> None:
    """Note who took the list away: it holds names and telephone numbers."""
    summary = f"Call list downloaded ({paper})"
    note(clinic=clinic, by=by, at=now, subject=subject_of(clinic), summary=summary)
