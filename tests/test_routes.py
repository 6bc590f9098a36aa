"""Every address, asked by every role and by strangers: another clinic's rows do not exist, by any route."""

import contextlib
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from alerts.models import Alert, Notification, WebhookAddress
from alerts.services import rotas
from clinical.weaning import Down
from clinics.models import Job, JobFile, User
from clinics.roles import Role
from clinics.services.invitations import invite
from clinics.services.keys import issue_api_key, make_named_key
from interop.models import ImportJob
from patients.models import Contact
from pumps.models import Event, Pump
from pumps.services import booking, fleet, transfers
from scheduling.services import calls
from tests.builders import PASSWORD, a_clinic, a_running_pump, a_user
from therapy.models import Assessment, Medicine, ProgramTemplate, Trial, TrialBolus
from therapy.services import proposals, weaning
from therapy.wanted import Wanted

pytestmark = pytest.mark.django_db

# Open to all by design: probes, log-in, forgotten passwords, links that are a capability of their own (a password, an
# invitation, a patient's answers), two sounds, what providers say (they prove who they are), the state of a session,
# the page for when there is no connection with the script that keeps it, and the API's description.
OPEN = {
    "health/live", "health/ready", "health/engine", "login/", "logout/", "session/",
    "account/signup/", "account/inactive/", "account/password/reset/", "account/password/reset/sent/",
    "account/password/reset/done/", "password/<slug:uidb36>/<slug:key>/", "invitations/<str:token>/", "v/<str:token>/",
    "callbacks/mail/", "callbacks/twilio/<int:message_id>/",
    "v/<str:token>/times/", "v/<str:token>/sound/", "v/<str:token>/unwell/", "v/<str:token>/unsubscribe/",
    "v/sounds/one-tone.wav", "v/sounds/two-tones.wav",
    "account/second-factor/webauthn/login/", "calendar/<str:token>/visits.ics", "c/<str:token>/", "api/schema/",
    "api/docs/", "offline/", "sw.js",
}  # fmt: skip
# Belongs to no clinic.
SHARED = {"api/v1/pump-models/<str:model>/", "pump-models/<slug:slug>/", "help/<slug:slug>/"}
# Behind a log-in, but whoever has the link may read what it offers.
OFFERED = {"transfers/<str:token>/"}


def routes(patterns: list[Any] | None = None, prefix: str = "") -> Iterator[str]:
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, prefix + str(pattern.pattern))
        elif isinstance(pattern, URLPattern):
            yield prefix + str(pattern.pattern)


ROUTES = sorted(set(routes()))
WITH_IDS = [route for route in ROUTES if "<" in route and route not in OPEN | SHARED | OFFERED]


# Only administrators reach imports; a second factor asks for the password again before it shows anything.
REFUSED_UNSEEN = ("imports/", "api/v1/imports/", "account/second-factor/")


def theirs() -> tuple[Pump, dict[str, str]]:
    """A pump of another clinic and one row of everything that belongs to it, by what a route calls them."""
    now = timezone.now()
    clinic = a_clinic("Other Clinic")
    member = a_user(Role.SCHEDULER, clinic)
    administrator = a_user(Role.ADMINISTRATOR, clinic)
    pump = a_running_pump(clinic, filled_days_ago=90, now=now, serial_number="OTHER-SERIAL")
    contact = Contact.objects.create(patient=pump.patient, kind="caregiver", name="Other Contact", phone="+1 555 0100")
    product = clinic.products.create(name="Other Product", key="other product", stability_days=120)
    closed = clinic.closed_days.create(day=now.date() + timedelta(days=9), name="Other Day")
    webhook = WebhookAddress.objects.create(clinic=clinic, url="https://198.51.100.7/Other", created_at=now)
    invitation = invite(email="other@example.org", roles=[Role.NURSE], clinic=clinic, by=administrator, now=now)
    imported = ImportJob.objects.create(user=administrator, state=ImportJob.State.READY)
    report = Job.objects.create(clinic=clinic, user=administrator, kind=Job.Kind.FLEET_REPORT, state=Job.State.DONE)
    JobFile.objects.create(job=report, name="report.pdf", content=b"%PDF Other ")
    key, _ = make_named_key(user=administrator, name="Other Key", now=now)
    passkey = Authenticator.objects.create(user=administrator, type="webauthn", data={"name": "Other Passkey"})
    fleet.tick(now)
    event = Event.objects.filter(pump=pump).earliest("pk")
    alert = Alert.objects.get(pump=pump, kind=Alert.Kind.REFILL_DUE)
    message = Notification.objects.filter(alert=alert).earliest("pk")
    at = now + timedelta(days=3)
    visit = booking.book(pump_id=pump.pk, starts_at=at, late_reason="Other Reason", by=member, now=now)
    rotas.set_rota(
        clinic=clinic,
        starts_on=now.astimezone(clinic.zone).date(),
        weekday=0,
        hand_over_at=time(0),
        people=[member.pk],
        by=administrator,
        now=now,
    )
    stand_in = rotas.stand_in(
        clinic=clinic,
        user_id=member.pk,
        begins_at=now + timedelta(days=2),
        ends_at=now + timedelta(days=3),
        reason="Other Reason",
        by=administrator,
        now=now,
    )
    call = calls.log(patient=pump.patient, pump_id=pump.pk, outcome="other", note="Other Note", by=member, now=now)
    course = a_course(pump, member, now)
    offer = transfers.offer(patient=pump.patient, message="", by=administrator, now=now)
    return pump, {
        **course,
        "pump": str(pump.pk),
        "patient": str(pump.patient_id),
        "clinic": str(clinic.pk),
        "event": str(event.pk),
        "visit": str(visit.pk),
        "appointment": str(visit.pk),
        "call": str(call.pk),
        "alert": str(alert.pk),
        "message": str(message.pk),
        "notification": str(message.pk),
        "contact": str(contact.pk),
        "product": str(product.pk),
        "webhook": str(webhook.pk),
        "closed": str(closed.pk),
        "closed_day": str(closed.pk),
        "invitation": str(invitation.pk),
        "member": str(member.pk),
        "stand_in": str(stand_in.pk),
        "user": str(member.pk),
        "job": str(imported.pk),
        "work": str(report.pk),
        "import": str(imported.pk),
        "key": str(key.pk),
        "api-key": str(key.pk),
        "authenticator": str(passkey.pk),
        "token": transfers.token_of(offer),
        "kind": "interrogation",
        "model": "prometra-20",
        "slug": "prometra-20",
        "what": "refill_by",
    }


def a_course(pump: Pump, member: User, now: datetime) -> dict[str, str]:
    """One row of everything in a course of therapy, by what a route calls it."""
    by = {"recorded_by": member, "recorded_at": now}
    measured = Assessment.objects.create(patient=pump.patient, measured_at=now, pain=3, goal="Other Goal", **by)
    trial = Trial.objects.create(
        patient=pump.patient, label_set="us", label_version=1, began_at=now, began_by=member
    )  # fmt: skip
    bolus = TrialBolus.objects.create(trial=trial, given_at=now, dose_mcg=50, **by)
    medicine = Medicine.objects.create(patient=pump.patient, name="Other Medicine", **by)
    wanted = Wanted(mode="simple_continuous", daily_dose_mcg=Decimal(210), reason="Other Reason")
    proposal = proposals.propose(pump_id=pump.pk, wanted=wanted, by=member, now=now)
    steps = [Down(now + timedelta(days=1), Decimal(180))]
    plan = weaning.draft(pump_id=pump.pk, steps=steps, reason="Other Taper", by=member, now=now)
    template = ProgramTemplate.objects.create(
        clinic=pump.clinic, name="Other Template", mode="simple_continuous", daily_dose_mcg=200, created_by=member
    )
    return {
        "row": str(measured.pk),
        "record": "assessment",
        "screening": str(trial.pk),
        "trial": str(trial.pk),
        "bolus": str(bolus.pk),
        "medicine": str(medicine.pk),
        "proposal": str(proposal.pk),
        "plan": str(plan.pk),
        "weaning-plan": str(plan.pk),
        "template": str(template.pk),
    }


def address(route: str, ids: dict[str, str]) -> str:
    """The route with the other clinic's ids in it. An id is called by its name, or by the collection before it."""
    parts = []
    for part in route.rstrip("/").split("/"):
        if not part.startswith("<"):
            parts.append(part)
            continue
        name = part.strip("<>").split(":")[-1].removesuffix("_id")
        collection = "authenticator" if "webauthn" in parts else parts[-1].rstrip("s")
        parts.append(ids[name] if name in ids else ids[collection])
    return "/" + "/".join(parts) + "/"


@contextlib.contextmanager
def read(response: Any) -> Iterator[Any]:
    """A response, read to its end if it is a file."""
    yield response
    if response.streaming:
        b"".join(response.streaming_content)


def as_member(user: User) -> list[Client]:
    """The same person in a browser and as a program."""
    browser = Client()
    assert browser.login(username=user.email, password=PASSWORD)
    return [browser, Client(headers={"Authorization": f"Bearer {issue_api_key(user=user)}"})]


def fitting(clients: list[Client], route: str) -> Client:
    """A page is asked by the browser, the API by the program."""
    [browser, program] = clients
    return program if route.startswith("api/") else browser


def ask_all(client: Client, url: str) -> Iterator[Any]:
    """By every method; a page knows two."""
    yield client.get(url)
    is_page = not url.startswith("/api/")
    for method in (client.post,) if is_page else (client.post, client.put, client.patch):
        yield method(url, data="{}", content_type="application/json")
    if not is_page:
        yield client.delete(url)


def test_a_stranger_gets_nowhere(client: Client) -> None:
    _, ids = theirs()
    for route in ROUTES:
        if route in OPEN:
            continue
        url = address(route, ids)
        for response in ask_all(client, url):
            assert response.status_code in {302, 401, 403, 405}, f"{url}: {response.status_code}"
            if response.status_code == 302:
                assert response.headers["Location"].startswith("/login/")


@pytest.mark.parametrize("role", list(Role))
def test_another_clinics_id_is_404_for_every_role(role: Role) -> None:
    _, ids = theirs()
    clients = as_member(a_user(role, a_clinic("Mine")))
    for route in WITH_IDS:
        url, client = address(route, ids), fitting(clients, route)
        nobodys = address(route, dict.fromkeys(ids, "999999999"))
        for response, unknown in zip(ask_all(client, url), ask_all(client, nobodys), strict=True):
            # A page that refuses before it looks at an id answers the same for an id there is not.
            refused_unseen = {403, 302} if route.startswith(REFUSED_UNSEEN) else set()
            assert response.status_code in {404, 405} | refused_unseen, f"{role} {url}: {response.status_code}"
            assert response.status_code == unknown.status_code, f"{role} {url}"


@pytest.mark.parametrize("role", list(Role))
def test_no_list_shows_another_clinics_rows(role: Role) -> None:
    pump, _ = theirs()
    clients = as_member(a_user(role, a_clinic("Mine")))
    secrets = (pump.serial_number, pump.patient.mrn, pump.patient.family_name, "Other ", "other@example.org")
    for route in (route for route in ROUTES if "<" not in route and route not in OPEN):
        response = fitting(clients, route).get(f"/{route}")
        assert response.status_code in {200, 302, 403, 404, 405}, f"{role} {route}"
        text = response.content.decode(errors="replace")  # a PDF is no text
        assert not [secret for secret in secrets if secret in text], f"{role} {route}"
    assert clients[0].get("/").status_code == 200, "still logged in"


@pytest.mark.parametrize("query", ["?q=OTHER", "?serial_number=OTHER-SERIAL", "?pump={pump}", "?alert={alert}"])
def test_no_filter_reaches_another_clinics_rows(query: str) -> None:
    pump, ids = theirs()
    clients = as_member(a_user(Role.ADMINISTRATOR, a_clinic("Mine")))
    for route in (route for route in ROUTES if "<" not in route and route not in OPEN):
        client = fitting(clients, route)
        text = client.get(f"/{route}{query.format(**ids)}").content.decode(errors="replace")
        assert pump.patient.mrn not in text
        assert pump.patient.family_name not in text


def test_a_member_does_reach_the_same_addresses() -> None:
    """The walk above would pass on a service that answers nobody; this is its other half."""
    pump, ids = theirs()
    clients = as_member(pump.clinic.memberships.get(role=Role.ADMINISTRATOR).user)
    for route in WITH_IDS:
        client = fitting(clients, route)
        with read(client.get(address(route, ids))) as response:
            assert response.status_code in {200, 302, 403, 405}, f"{route}: {response.status_code}"


def test_a_membership_that_ended_reaches_nothing() -> None:
    pump, _ = theirs()
    user = a_user(Role.NURSE, pump.clinic)
    [browser, program] = as_member(user)
    assert program.get(f"/api/v1/pumps/{pump.pk}/").status_code == 200
    user.memberships.all().delete()
    assert program.get(f"/api/v1/pumps/{pump.pk}/").status_code == 404
    assert browser.get(f"/pumps/{pump.pk}/").status_code == 404
    assert timezone.now() - user.created_at < timedelta(minutes=5)
