"""Who saw what is kept with the page itself, by one statement, and nobody can change it."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from clinics.models import User
from clinics.roles import Role
from clinics.services.keys import make_named_key
from patients import viewings
from patients.models import Patient, Viewing
from tests.builders import PASSWORD, a_clinic, a_patient, a_running_pump, a_user
from tests.test_routes import ROUTES, address, as_member, fitting, read, theirs

pytestmark = pytest.mark.django_db


def logged_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def seen() -> list[tuple[int, int | None, str]]:
    rows = Viewing.objects.exclude(what__in=viewings.SIGN_INS).order_by("pk")
    return list(rows.values_list("user", "patient", "what"))


def test_every_address_of_a_patient_is_kept_once_it_was_shown() -> None:
    """Whichever page is added: an address with a patient or a pump in it is kept because it has one."""
    pump, ids = theirs()
    user = pump.clinic.memberships.get(role=Role.ADMINISTRATOR).user
    pump.clinic.memberships.create(user=user, role=Role.PRESCRIBER.value)
    clients = as_member(user)
    for route in ROUTES:
        if not any(named in route for named in ("patients/<int", "pumps/<int", "proposals/<int", "weaning-plans/<int")):
            continue
        before = Viewing.objects.count()
        with read(fitting(clients, route).get(address(route, ids))) as response:
            shown = response.status_code == 200
        assert Viewing.objects.count() == before + shown, route
    row = Viewing.objects.filter(patient=pump.patient).latest("pk")
    assert (row.clinic_id, row.user_id) == (pump.clinic_id, user.pk)


def test_it_costs_a_page_one_insert_and_no_other_query() -> None:
    clinic = a_clinic()
    client, pump = logged_in(a_user(Role.NURSE, clinic)), a_running_pump(clinic, now=timezone.now())
    client.get("/")
    with CaptureQueriesContext(connection) as queries:
        client.get(reverse("pump", args=[pump.pk]))
    written = [query["sql"] for query in queries.captured_queries if "patients_viewing" in query["sql"]]
    assert len(written) == 1
    assert written[0].strip().startswith("INSERT")


def test_the_same_page_within_a_minute_is_one_viewing() -> None:
    patient, user = a_patient(a_clinic()), a_user()
    now = timezone.now()
    for seconds, what in ((0, "patient"), (20, "patient"), (30, "pump"), (59, "patient"), (61, "patient")):
        at = now + timedelta(seconds=seconds)
        viewings.keep(user=user, key=None, model=Patient, row_id=patient.pk, what=what, at=at)
    assert seen() == [(user.pk, patient.pk, what) for what in ("patient", "pump", "patient")]


def test_what_was_refused_or_is_not_there_is_not_kept() -> None:
    clinic = a_clinic()
    patient, stranger, scheduler = a_patient(clinic), a_user(Role.NURSE, a_clinic()), a_user(Role.SCHEDULER, clinic)
    assert logged_in(stranger).get(reverse("patient", args=[patient.pk])).status_code == 404
    assert logged_in(scheduler).get(reverse("course", args=[patient.pk])).status_code == 403
    assert Client().get(reverse("patient", args=[patient.pk])).status_code == 302
    assert seen() == []


def test_a_program_is_kept_by_its_key() -> None:
    clinic = a_clinic()
    user, patient = a_user(Role.ADMINISTRATOR, clinic), a_patient(clinic)
    key, secret = make_named_key(user=user, name="warehouse", now=timezone.now())
    program = Client(headers={"Authorization": f"Bearer {secret}"})
    assert program.get(f"/api/v1/patients/{patient.pk}/").status_code == 200
    [row] = Viewing.objects.filter(patient=patient)
    assert (row.key_id, row.what) == (key.pk, "patients/…/")
    assert viewings.recent_patients(user) == [], "what a program reads is not what its owner opened"


def test_files_are_kept_by_clinic() -> None:
    clinic = a_clinic()
    user = a_user(Role.ADMINISTRATOR, clinic)
    with read(logged_in(user).get(reverse("export_clinic", args=[clinic.pk]))):
        pass
    row = Viewing.objects.get(what="export_clinic")
    assert (row.clinic_id, row.patient_id, row.user_id) == (clinic.pk, None, user.pk)


def test_log_ins_are_kept_and_failed_ones_of_accounts_there_are() -> None:
    user, client = a_user(Role.NURSE, a_clinic()), Client()
    for email, password in ((user.email, "wrong"), ("nobody@example.org", "wrong"), (user.email, PASSWORD)):
        client.post(reverse("account_login"), {"login": email, "password": password})
    client.post(reverse("account_logout"))
    kept = list(Viewing.objects.order_by("pk").values_list("user", "what"))
    assert kept == [(user.pk, "log_in_failed"), (user.pk, "log_in"), (user.pk, "log_out")]


def test_recent_patients_are_one_persons_and_still_theirs() -> None:
    clinic, other = a_clinic(), a_clinic()
    nurse, colleague = a_user(Role.NURSE, clinic), a_user(Role.NURSE, clinic)
    nurse.memberships.create(clinic=other, role=Role.NURSE.value)
    patients = [a_patient(clinic) for _ in range(10)]
    moved, now = a_patient(other), timezone.now()
    for minute, patient in enumerate([*patients, moved, patients[0]]):
        at = now + timedelta(minutes=2 * minute)
        viewings.keep(user=nurse, key=None, model=Patient, row_id=patient.pk, what="patient", at=at)
    assert viewings.recent_patients(nurse) == [patients[0], moved, *reversed(patients[4:])]
    assert viewings.recent_patients(colleague) == []
    nurse.memberships.filter(clinic=other).delete()
    assert viewings.recent_patients(User.objects.get(pk=nurse.pk)) == [patients[0], *reversed(patients[3:])]


def test_nobody_changes_or_deletes_a_viewing_but_what_forgets_old_ones() -> None:
    user, now = a_user(), timezone.now()
    kept = timedelta(days=settings.VIEWINGS_KEPT_DAYS)
    for age in (kept + timedelta(days=1), kept - timedelta(days=1)):
        viewings.keep_sign_in(user=user, what=viewings.LOG_IN, at=now - age)
    for action in (lambda: Viewing.objects.update(what="x"), Viewing.objects.all().delete):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            action()
    assert viewings.forget(now=now) == 1
    assert Viewing.objects.get().at == now - kept + timedelta(days=1)
    assert viewings.forget(now=now) == 0
