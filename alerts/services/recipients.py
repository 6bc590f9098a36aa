"""Whom a tier reaches now: staff by role, by name or on call; the patient's side by consent; each by every channel."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from alerts.models import Alert
from alerts.reach import ways_to, ways_to_staff
from alerts.services import oncall
from clinical.escalation import Channel, Tier
from clinics.models import Membership, User
from clinics.roles import Role
from patients.models import Contact

Ways = Mapping[int, Sequence[str]]


@dataclass(frozen=True)
class Told:
    """Who is told by which channels: accounts and contacts by their ids. `webhook`: the clinic's own programs too."""

    users: Ways = field(default_factory=dict)
    patient: tuple[int, Sequence[str]] | None = None
    contacts: Ways = field(default_factory=dict)
    webhook: bool = False

    @property
    def reaches_home(self) -> bool:
        return self.patient is not None or bool(self.contacts)

    def each(self) -> Iterator[tuple[dict[str, Any], str]]:
        """The recipient's fields of an outbox row, and the channel."""
        for user_id, ways in self.users.items():
            yield from (({"recipient": f"user:{user_id}", "user_id": user_id}, way) for way in ways)
        if self.patient is not None:
            patient_id, ways = self.patient
            yield from (({"recipient": f"patient:{patient_id}", "patient_id": patient_id}, way) for way in ways)
        for contact_id, ways in self.contacts.items():
            yield from (({"recipient": f"contact:{contact_id}", "contact_id": contact_id}, way) for way in ways)
        if self.webhook:
            yield {"recipient": "webhook"}, Channel.WEBHOOK


@dataclass
class Around:
    """Everybody who could be told of a batch of alerts. A fixed number of queries, however many alerts.

    `phones` are of active accounts. `missed_on_call` gathers the clinics at which a tier asked for whoever is on call
    and nobody was.
    """

    by_role: dict[tuple[int, str], set[int]]
    phones: dict[int, str]
    on_call: Mapping[int, int]
    contacts: Mapping[int, Sequence[Contact]]
    missed_on_call: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, alerts: Sequence[Alert], now: datetime) -> "Around":
        clinic_ids = {alert.clinic_id for alert in alerts}
        by_role: dict[tuple[int, str], set[int]] = defaultdict(set)
        phones = {}
        memberships = Membership.objects.filter(user__in=User.objects.in_use())
        for clinic_id, role, user_id, phone in memberships.values_list("clinic_id", "role", "user_id", "user__phone"):
            for reached in clinic_ids if clinic_id is None else clinic_ids & {clinic_id}:
                by_role[reached, role].add(user_id)
                phones[user_id] = phone
        patient_ids = {alert.patient_id for alert in alerts if alert.patient_id is not None}
        return cls(by_role, phones, oncall.on_call(clinic_ids, now), _contacts(patient_ids))

    def with_roles(self, clinic_id: int, roles: Iterable[str]) -> set[int]:
        return set().union(*(self.by_role.get((clinic_id, role), set()) for role in roles))

    def told(self, alert: Alert, tier: Tier) -> Told:
        """Whom the tier reaches. One that reaches only home, and nobody there, is for a scheduler to phone."""
        users = self._named(alert.clinic_id, tier)
        patient, contacts = self._home(alert, tier)
        if tier.reaches_home and not tier.reaches_staff and patient is None and not contacts:
            users = self.with_roles(alert.clinic_id, (Role.SCHEDULER,))
        return Told(self.staff_ways(alert, users, tier), patient, contacts, Channel.WEBHOOK in tier.channels)

    def staff_ways(self, alert: Alert, users: Iterable[int], tier: Tier) -> Ways:
        return {user_id: ways_to_staff(self.phones[user_id], tier.channels) for user_id in sorted(users)}

    def _named(self, clinic_id: int, tier: Tier) -> set[int]:
        """Staff by role, by name and on call, of those who are of the clinic and may log in now."""
        everybody = self.with_roles(clinic_id, list(Role))
        found = self.with_roles(clinic_id, tier.roles) | (everybody & set(tier.people))
        if tier.on_call:
            present = {self.on_call[clinic_id]} & everybody if clinic_id in self.on_call else set()
            found |= present
            if not present:
                self.missed_on_call.add(clinic_id)
        return found

    def _home(self, alert: Alert, tier: Tier) -> tuple[tuple[int, Sequence[str]] | None, Ways]:
        """The patient and the contacts, after go-live, by what each consents to."""
        if alert.patient is None or alert.clinic.patient_messages_since is None:
            return None, {}
        ways = ways_to(alert.patient, tier.channels) if tier.to_patient else []
        kinds = [Contact.Kind.CAREGIVER] * tier.to_caregivers + [Contact.Kind.CARE_HOME] * tier.to_care_home
        near = [each for each in self.contacts.get(alert.patient.pk, ()) if each.kind in kinds]
        contacts = {each.pk: found for each in near if (found := ways_to(each, tier.channels))}
        return ((alert.patient.pk, ways) if ways else None), contacts


def _contacts(patient_ids: Iterable[int]) -> dict[int, list[Contact]]:
    """The contacts of patients, by patient. One query."""
    found: dict[int, list[Contact]] = defaultdict(list)
    for contact in Contact.objects.standing().filter(patient__in=patient_ids).order_by("pk"):
        found[contact.patient_id].append(contact)
    return found
