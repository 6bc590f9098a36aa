"""How PostgreSQL answers every query of the pages and calls people use, on a large fleet."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from alerts import patient_links
from alerts.models import Alert, Notification
from bench._fleet import say, someone
from clinics.models import Clinic
from clinics.roles import Role
from pumps.models import Event, Forecast, Pump
from scheduling.models import Appointment

API = "/api/v1"
PLANNED = ("SELECT", "WITH", "INSERT", "UPDATE", "DELETE")

# A clinic of a hundredth of the fleet: what lists all of a clinic reads a third of the fleet as it would read it all.
ORDINARY = "Ordinary"
# A table with fewer rows is read as a whole, and that is right.
LARGE = 10_000


def report() -> bool:
    """Print each request with its queries and what reads a large table from end to end; whether any does."""
    clients = {role: _client(role) for role in (Role.NURSE, Role.PRESCRIBER, Role.ADMINISTRATOR)}
    large, found = large_tables(), False
    for each in _asked():
        with CaptureQueriesContext(connection) as queries:
            response = each.by(clients[each.role])
        if response.status_code not in (200, 201) or each.holds not in response.text:
            raise SystemExit(f"{each} answered {response.status_code}: {response.text[:500]}")
        plans = [plan_of(query["sql"]) for query in queries.captured_queries if query["sql"].startswith(PLANNED)]
        scanned = sorted(
            {table for plan in plans for table in re.findall(r"Seq Scan on (\w+)", plan) if table in large}
        )
        found |= bool(scanned)
        say(f"{each!s:70} {len(plans):>3} queries; read from end to end: {', '.join(scanned) or 'none'}")
    return found


def _client(role: Role) -> Client:
    client = Client(headers={"host": "localhost"})
    client.force_login(someone(role), backend="clinics.backends.EmailBackend")
    client.get("/")
    return client


@dataclass(frozen=True)
class _Asked:
    """A request: sent with a body where there is one, as a form to a page and as JSON to the API."""

    address: str
    body: dict[str, Any] | None = None
    # What a page says if it came so far as it is meant to.
    holds: str = ""
    role: Role = Role.NURSE

    def __str__(self) -> str:
        return f"{'GET' if self.body is None else 'POST'} {self.address}"

    def by(self, client: Client) -> Any:
        if self.body is None:
            return client.get(self.address)
        if self.address.startswith(API):
            return client.post(self.address, self.body, content_type="application/json")
        return client.post(self.address, self.body)


def _asked() -> Iterator[_Asked]:
    row = Forecast.objects.on_worklist().select_related("pump")[100]
    pump = Pump.objects.select_related("patient", "model", "clinic").get(pk=row.pump_id)
    yield from (_Asked(address) for address in _searches(pump))
    yield from (_Asked(address) for address in _addresses(pump))
    programmable = Forecast.objects.on_worklist().filter(pump__model__programmable=True, refill_by__isnull=False)
    chosen = Pump.objects.select_related("model", "clinic").get(pk=programmable[50].pump_id)
    yield from _sent(chosen)
    yield from _of_alerts(chosen)
    yield from _of_course(chosen)
    ordinary = Clinic.objects.get(name=ORDINARY)
    yield from (_Asked(address, role=Role.ADMINISTRATOR) for address in _of_clinic(ordinary.pk))
    yield from (_Asked(f"/{name}/", role=Role.ADMINISTRATOR) for name in ("administration", "preparing", "audit"))
    yield _Asked("/prescribing/", role=Role.PRESCRIBER)


def _searches(pump: Pump) -> Iterator[str]:
    patient = pump.patient
    words = (patient.family_name, f"{patient.given_name} {patient.family_name}", patient.mrn, pump.serial_number)
    for text in (*words, patient.family_name[:1], patient.mrn[:1], pump.serial_number[:2]):
        yield from (f"/?q={text}", f"/patients/?q={text}", f"/search/?q={text}")
    yield from (f"/search/?q={patient.phone[-4:]}", f"/search/?q={patient.family_name} {pump.serial_number[:6]}")


def _addresses(pump: Pump) -> Iterator[str]:
    clinic = pump.clinic_id
    yield from ("/worklist/now/", "/", f"/?clinic={clinic}", f"/calendar/week/?clinic={clinic}", "/calendar/week/")
    yield from ("/patients/", "/alerts/", "/fleet/", f"/fleet/?clinic={clinic}")
    yield from (f"/patients/{pump.patient_id}/", f"/pumps/{pump.pk}/", f"/pumps/{pump.pk}/what-if/")
    yield from (f"{API}/worklist/", f"{API}/worklist/?within_days=7", f"{API}/pumps/", f"{API}/patients/")
    yield from (f"{API}/pumps/?serial_number={pump.serial_number}", f"{API}/alerts/", f"{API}/notifications/")
    yield from (f"{API}/fleet/", f"{API}/fleet/?clinic={clinic}")
    one = f"{API}/pumps/{pump.pk}"
    yield from (f"{one}/", f"{one}/forecast/", f"{one}/timeline/", f"{one}/refills/", f"{one}/dose-changes/")
    yield from (f"{one}/residuals/", f"{one}/events/")


def _of_course(pump: Pump) -> Iterator[_Asked]:
    """A patient's course of therapy, and a dose proposed for the pump and signed."""
    of, by = f"{API}/patients/{pump.patient_id}", f"{API}/pumps/{pump.pk}"
    lists = (f"{of}/{name}/" for name in ("phases", "screenings", "assessments", "adverse-events", "medicines"))
    wanted = {"mode": "simple_continuous", "daily_dose_mcg": "250", "reason": "stiff"}
    yield from (_Asked(address) for address in (f"/patients/{pump.patient_id}/course/", *lists, f"{of}/rescue-plan/"))
    yield from (_Asked(f"/pumps/{pump.pk}/propose/"), _Asked(f"{by}/proposals/preview/", wanted))
    yield from (_Asked(f"{by}/proposals/", wanted), _Asked(f"{by}/proposals/"), _Asked(f"{by}/weaning-plans/"))
    yield from (_Asked(address, role=Role.PRESCRIBER) for address in ("/to-sign/", f"{API}/to-sign/", "/"))


def _of_alerts(pump: Pump) -> Iterator[_Asked]:
    """What is reported, the visit that is booked for it, and what staff and the patient then see."""
    at = timezone.now() + timedelta(days=2)
    yield _Asked(f"{API}/reports/", {"pump": pump.pk, "kind": "withdrawal", "symptoms": ["itching"]})
    yield _Asked(f"{API}/appointments/", {"pump": pump.pk, "starts_at": at.isoformat(), "late_reason": "none before"})
    alert = Alert.objects.filter(pump=pump).latest("pk")
    mail = Notification.objects.create(
        clinic=pump.clinic,
        alert=alert,
        tier=alert.tier,
        repeat_number=1,
        recipient=f"patient:{pump.patient_id}",
        channel=Notification.Channel.EMAIL,
        patient_id=pump.patient_id,
        due_at=at,
    )
    for address in (f"/alerts/{alert.pk}/", "/messages/", f"/messages/{mail.pk}/"):
        yield _Asked(address)
    for address in (f"{API}/alerts/{alert.pk}/", f"{API}/alerts/{alert.pk}/steps/", f"{API}/reports/?pump={pump.pk}"):
        yield _Asked(address)
    yield _Asked(f"/patients/{pump.patient_id}/emergency-card/")
    link = f"/v/{patient_links.token_of(mail)}"
    yield from (_Asked(address) for address in (f"{link}/", f"{link}/times/", f"{link}/sound/", f"{link}/unwell/"))
    visit = Appointment.objects.standing().get(pump=pump)
    day = visit.starts_at.astimezone(pump.clinic.zone).date()
    yield from (_Asked(f"/visits/?day={day}"), _Asked(f"/visits/?day={day}&clinic={pump.clinic_id}"))
    yield from (_Asked(f"/pumps/{pump.pk}/visit/"), _Asked(f"/pumps/{pump.pk}/report/"), _Asked("/on-call/"))
    yield from (_Asked(f"{API}/appointments/"), _Asked(f"{API}/appointments/?pump={pump.pk}&state=booked"))
    yield from (_Asked(f"/pumps/{pump.pk}/log/"), _Asked(f"/pumps/{pump.pk}/known/"))
    yield from (_Asked(f"/pumps/{pump.pk}/reservoir/?span=all"), _Asked(f"/pumps/{pump.pk}/why/refill_by/"))
    yield _Asked("/engine/", role=Role.ADMINISTRATOR)


def _of_clinic(clinic: int) -> Iterator[str]:
    yield from ("/call-list/", f"/clinics/{clinic}/call-list/", f"/clinics/{clinic}/call-list/?only=phone")
    yield from ("/help/?q=refill", f"/guide/{clinic}/")
    yield from (f"/?clinic={clinic}&{narrowed}" for narrowed in ("urgency=past", "visit=none"))
    yield from (f"/{name}/?clinic={clinic}" for name in ("worklist/now", "calendar/month", "calendar/load"))
    parts = ("", "settings/", "products/", "tiers/", "closed-days/", "visits/", "go-live/", "history/")
    yield from (f"/clinics/{clinic}/{part}" for part in (*parts, "on-call/", "webhooks/", "people/"))
    yield from (f"{API}/clinics/{clinic}/{part}/" for part in ("ladder", "on-call", "webhooks", "changes", "members"))


def _sent(pump: Pump) -> Iterator[_Asked]:
    """What is tried, looked at before it is saved, and saved; the last alone is stored."""
    last = pump.events.filter(kind=Event.Kind.REFILL).latest("occurred_at")
    at = timezone.now() - timedelta(minutes=1)
    wall = at.astimezone(pump.clinic.zone).strftime("%Y-%m-%dT%H:%M")
    filled = {"aspirated_ml": "4", "filled_ml": f"{pump.model.reservoir_ml.normalize():f}"}
    strength = f"{(last.concentration_mcg_per_ml or Decimal(500)).normalize():f}"
    dose = {"mode": "simple_continuous", "daily_dose_mcg": "200"}
    page, one = f"/pumps/{pump.pk}", f"{API}/pumps/{pump.pk}"
    rows = {f"{part}-{name}": "0" for part in ("steps", "boluses") for name in ("TOTAL_FORMS", "INITIAL_FORMS")}
    form = {**filled, "refilled_at": wall, "concentration": strength}
    yield _Asked(f"{page}/refill/", form, holds='name="seen"')
    yield _Asked(f"{page}/dose/", {**rows, **dose, "effective_at": wall}, holds='name="seen"')
    yield from (_Asked("/today/"), _Asked(f"{page}/guided/"))
    tried = {"volume_ml": "20", "concentration_mcg_per_ml": strength, "margin_days": "7", "model": pump.model_id}
    yield _Asked(f"{page}/what-if/", {**rows, **dose, **tried})
    yield _Asked(f"{API}/calculators/what-if/", {"pump": pump.pk, "daily_dose_mcg": "250"})
    refill = {**filled, "refilled_at": at.isoformat(), "concentration_mcg_per_ml": strength}
    yield _Asked(f"{one}/refills/preview/", refill)
    yield _Asked(f"{one}/dose-changes/preview/", {**dose, "effective_at": at.isoformat()})
    yield _Asked(f"{one}/refills/", {**refill, "confirm": ["aspirated_unexpected"]})


def large_tables() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relkind = 'r' AND reltuples > %s", [LARGE])
        return {name for (name,) in cursor.fetchall()}


def plan_of(sql: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN " + sql)
        return "\n".join(line for (line,) in cursor.fetchall())
