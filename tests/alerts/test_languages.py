"""Messages in their reader's language, on the clinic's clock; reminders of visits."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.utils import translation

from alerts import digest_mail, short_messages
from alerts.messages import TIER_WORDS, headline
from alerts.models import Alert, Digest, Notification
from alerts.services import delivery
from clinics.roles import Role
from clinics.services.tenants import go_live
from pumps.services import fleet
from scheduling.models import Appointment
from tests.alerts.test_telling import a_due_pump, consenting
from tests.builders import NOW, a_clinic, a_pump, a_user

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 24, 19, 30, tzinfo=UTC)


def a_reminder(*, language: str = "en", clinic_language: str = "en", **fields: Any) -> Notification:
    clinic = a_clinic(patient_facing_name="Harbor", language=clinic_language)
    go_live(clinic=clinic, now=NOW)
    patient = consenting(clinic)
    type(patient).objects.filter(pk=patient.pk).update(language=language)
    pump = a_pump(clinic, patient=patient)
    visit = Appointment.objects.create(
        clinic=clinic, patient=patient, pump=pump, **{"starts_at": AT, "sequence": 2, **fields}
    )
    return Notification.objects.create(
        clinic=clinic,
        appointment=visit,
        tier="visit_2",
        repeat_number=2,
        recipient=f"patient:{patient.pk}",
        patient=patient,
        channel="email",
        due_at=NOW,
    )


def send(now: datetime = NOW) -> None:
    delivery.deliver_all(delivery.claim(now), clock=lambda: now)


def test_a_visit_is_told_on_the_clinics_clock() -> None:
    a_reminder()
    send()
    [message] = mail.outbox
    assert "Your next visit to Harbor is on Tuesday 24 November, 14:30." in message.body
    assert not any(word in str(message.body).lower() for word in ("pump", "refill", "baclofen", "dose"))


@pytest.mark.parametrize(("language", "clinic_language"), [("es", "en"), ("es-MX", "en"), ("fr", "es")])
def test_spanish_is_the_patients_or_else_the_clinics(language: str, clinic_language: str) -> None:
    a_reminder(language=language, clinic_language=clinic_language)
    send()
    [message] = mail.outbox
    assert message.subject == "Un mensaje de Harbor"
    assert "Su próxima cita en Harbor es el martes 24 de noviembre, 14:30." in message.body
    assert "visit" not in message.body


@pytest.mark.parametrize(
    ("fields", "now", "why"),
    [
        ({"state": "cancelled"}, NOW, "the visit is cancelled"),
        ({"sequence": 3}, NOW, "the visit was changed since"),
        ({}, AT + timedelta(minutes=1), "the visit has begun"),
    ],
)
def test_a_visit_that_changed_is_not_reminded_of(fields: dict[str, Any], now: datetime, why: str) -> None:
    row = a_reminder(**fields)
    send(now)
    row.refresh_from_db()
    assert (row.state, row.error) == ("cancelled", why)


def test_staff_read_the_clinics_language_on_its_clock() -> None:
    clinic = a_clinic("Clínica", language="es")
    a_user(Role.SCHEDULER, clinic)
    pump = a_due_pump(clinic, -1)
    fleet.tick(NOW)
    send()
    [message] = mail.outbox
    assert message.subject.startswith("[Fecha de recarga pasada] Recarga antes del ")
    body = str(message.body)
    assert f"El paciente {pump.patient.mrn} necesita una recarga de la bomba antes del " in body
    assert "Este mensaje se repite hasta que se registre una recarga." in body
    assert not [word for word in ("refill", "This message", "Open the") if word in body]
    row = Notification.objects.filter(channel="email").latest("pk")
    assert short_messages.text(row).startswith("Brim [Fecha de recarga pasada] Recarga antes del ")
    assert short_messages.spoken(row)[0].startswith(
        "Le habla Brim, para Clínica. Fecha de recarga pasada: Recarga pendiente. Expediente "
    )


def test_the_digest_is_in_the_clinics_language() -> None:
    clinic = a_clinic("Clínica", language="es")
    user = a_user(Role.SCHEDULER, clinic)
    a_due_pump(clinic, 1)
    fleet.tick(NOW)
    row = Digest(clinic=clinic, user=user, day=NOW.date(), due_at=NOW)
    message = digest_mail.compose(row, digest_mail.content_of(clinic, row.day, NOW))
    assert message.subject.endswith("1 abiertas, 0 citas hoy")
    assert "1 x Recarga pendiente" in message.body
    assert not [word for word in ("Open alerts", "Visits", "refill by", "overview") if word in str(message.body)]


def test_every_kind_and_tier_has_its_words_in_spanish() -> None:
    english = {kind: str(kind.label) for kind in Alert.Kind} | {tier: headline(tier) for tier in TIER_WORDS}
    with translation.override("es"):
        spanish = {kind: str(kind.label) for kind in Alert.Kind} | {tier: headline(tier) for tier in TIER_WORDS}
    assert [each for each in english if english[each] == spanish[each]] == []
