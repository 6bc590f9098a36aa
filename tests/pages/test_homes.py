"""Each role begins where its work is; what is there, and whose."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinics.homes import HOMES, homes_of
from clinics.models import Clinic, User
from clinics.roles import Role
from pumps.models import Event, FleetCheck, Forecast, Pump, StandingOut
from pumps.pages import homes, today
from pumps.services import booking, fleet
from pumps.services.entries import EventEntry
from tests.builders import PASSWORD, a_clinic, a_dose, a_refill, a_running_pump, a_user, recorded
from tests.pages.conftest import logged_in
from therapy.services import proposals
from therapy.wanted import Wanted

BY_ROLE = [(Role.PRESCRIBER, "prescribing"), (Role.ADMINISTRATOR, "administration"), (Role.PHARMACIST, "preparing"),
           (Role.AUDITOR, "audit"), (Role.SCHEDULER, "worklist")]  # fmt: skip


@pytest.mark.parametrize(("role", "name"), BY_ROLE)
def test_each_role_begins_at_its_own_page(clinic: Clinic, role: Role, name: str) -> None:
    client = logged_in(a_user(role, clinic))
    answer = client.get(reverse("home"))
    assert answer["Location"] == reverse(name)
    assert client.get(answer["Location"]).status_code == 200


@pytest.mark.parametrize(("role", "name"), BY_ROLE)
def test_the_bare_address_leads_there_by_the_log_in(clinic: Clinic, role: Role, name: str) -> None:
    user, client = a_user(role, clinic), Client()
    form = client.get("/", follow=True)
    assert 'name="next"' not in form.text
    assert f'action="{reverse("account_login")}"' in form.text
    answer = client.post(reverse("account_login"), {"login": user.email, "password": PASSWORD}, follow=True)
    assert answer.redirect_chain[-1][0] == reverse(name)


def test_a_deep_link_is_kept_through_the_log_in(clinic: Clinic) -> None:
    user, client = a_user(Role.AUDITOR, clinic), Client()
    form = client.get(reverse("patient_list"), follow=True)
    address = form.redirect_chain[-1][0]
    answer = client.post(address, {"login": user.email, "password": PASSWORD}, follow=True)
    assert answer.redirect_chain[-1][0] == reverse("patient_list")


def test_of_several_roles_the_first_leads_and_the_others_are_offered(clinic: Clinic) -> None:
    user = a_user(Role.AUDITOR, clinic)
    user.memberships.create(clinic=a_clinic(), role=Role.PRESCRIBER.value)
    assert [home.name for home in homes_of(User.objects.get(pk=user.pk))] == ["prescribing", "audit"]
    page = logged_in(user).get(reverse("prescribing")).text
    assert "Your roles" in page
    assert reverse("audit") in page


@pytest.mark.parametrize("role", list(Role))
def test_before_there_is_a_clinic_a_home_is_empty_and_no_refusal(db: None, role: Role) -> None:
    client = logged_in(a_user(role))
    assert client.get(reverse("home"), follow=True).status_code == 200


def test_somebody_without_a_role_begins_at_the_worklist(db: None) -> None:
    assert [home.name for home in homes_of(a_user())] == ["worklist"]
    assert set(HOMES) == set(Role)


@pytest.mark.parametrize(
    ("name", "may"),
    [
        ("prescribing", {Role.PRESCRIBER}),
        ("administration", {Role.ADMINISTRATOR}),
        ("preparing", {Role.PHARMACIST, Role.NURSE, Role.PRESCRIBER, Role.ADMINISTRATOR}),
        ("audit", {Role.AUDITOR, Role.ADMINISTRATOR}),
        ("audit_download", {Role.AUDITOR, Role.ADMINISTRATOR}),
    ],
)
def test_a_home_is_for_those_who_may_do_what_is_there(clinic: Clinic, name: str, may: set[Role]) -> None:
    for role in Role:
        expected = 200 if role in may else 403
        assert logged_in(a_user(role, clinic)).get(reverse(name)).status_code == expected, role


def proposed(pump: Pump, by: User) -> None:
    wanted = Wanted(mode="simple_continuous", daily_dose_mcg=Decimal(210), reason="stiff")
    proposals.propose(pump_id=pump.pk, wanted=wanted, by=by, now=timezone.now())


def test_a_prescriber_sees_what_waits_what_stopped_and_what_is_serious(clinic: Clinic) -> None:
    now = timezone.now()
    names = ("Waiting", "Stopped", "Stalled", "Serious", "Calm")
    pumps = {}
    for name in names:
        pumps[name] = a_running_pump(clinic, now=now)
        type(pumps[name].patient).objects.filter(pk=pumps[name].patient_id).update(family_name=name)
    proposed(pumps["Waiting"], a_user(Role.NURSE, clinic))
    recorded(pumps["Stopped"], EventEntry(kind=Event.Kind.STOP, occurred_at=now - timedelta(hours=1)), now=now)
    recorded(pumps["Stalled"], EventEntry(kind=Event.Kind.STALL, occurred_at=now - timedelta(hours=1)), now=now)
    assert Forecast.objects.get(pump=pumps["Stalled"]).refill_by is not None
    row = pumps["Serious"].forecast
    row.findings = [
        {"code": "a", "severity": "info", "message": "Only a note", "source": "s"},
        {"code": "b", "severity": "warn", "message": "A warning", "source": "s"},
        {"code": "c", "severity": "high", "message": "Judge this", "source": "s"},
    ]
    row.save()
    context = logged_in(a_user(Role.PRESCRIBER, clinic)).get(reverse("prescribing")).context
    waiting = [(line.patient.family_name, line.what) for line in context["waiting"]]
    assert ("Waiting", "210 mcg/day") in waiting
    assert ("Calm", "200 mcg/day, made without a signature") in waiting
    assert [row.pump.patient.family_name for row, _ in context["stopped"]] == ["Stopped", "Stalled"]
    [(serious, findings)] = context["serious"]
    assert serious.pump.patient.family_name == "Serious"
    assert [finding["message"] for finding in findings] == ["Judge this", "A warning"]
    page = logged_in(a_user(Role.PRESCRIBER, a_clinic("Elsewhere"))).get(reverse("prescribing")).text
    for words in ("Nothing waits for your signature", "No pump has stopped", "No pump has a serious finding"):
        assert words in page
    assert not [name for name in names if f"{name}</strong>" in page]


def test_what_stood_out_last_night_of_the_clinics_one_signs_in(clinic: Clinic) -> None:
    now = timezone.now()
    client = logged_in(a_user(Role.PRESCRIBER, clinic))
    assert "Not gone through yet" in client.get(reverse("prescribing")).text
    FleetCheck.objects.create(started_at=now, finished_at=now)
    assert "No pump stood out last night" in client.get(reverse("prescribing")).text
    dry, other, moved = (a_running_pump(each, now=now) for each in (clinic, a_clinic(), clinic))
    for pump in (dry, other, moved):
        StandingOut.objects.create(pump=pump, clinic=pump.clinic, reasons=["ran_dry"], gravity=0, distance=3.1)
    Pump.objects.filter(pk=moved.pk).update(clinic=other.clinic)
    page = client.get(reverse("prescribing"))
    assert [(row.pump, words) for row, words in page.context["standing_out"]] == [
        (dry, "nothing aspirated at its last refill")
    ]
    assert "nothing aspirated at its last refill" in page.text


def test_a_pharmacist_sees_what_to_prepare_and_what_expires(clinic: Clinic) -> None:
    now = timezone.now()
    booked = a_running_pump(clinic, filled_days_ago=60, now=now)
    due = a_running_pump(clinic, filled_days_ago=88, now=now)
    a_running_pump(clinic, filled_days_ago=3, now=now)
    a_running_pump(a_clinic(), filled_days_ago=88, now=now)
    expiring = a_running_pump(clinic, filled_days_ago=20, now=now)
    a_refill(expiring, now - timedelta(days=1), now=now, drug_expires_on=(now + timedelta(days=20)).date())
    a_dose(expiring, now - timedelta(days=1), now=now)
    booking.book(pump_id=booked.pk, starts_at=now + timedelta(days=2), late_reason="", by=a_user(), now=now)
    context = logged_in(a_user(Role.PHARMACIST, clinic)).get(reverse("preparing")).context
    assert [(line.pump, line.is_booked) for line in context["lines"]] == [(due, False), (booked, True)]
    assert context["needed"] == [("", Decimal(500), 2, Decimal(80))]
    assert [row.pump for row in context["expiring"]] == [expiring]


def test_booked_visits_take_no_place_among_those_nobody_has_booked(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pumps.pages.homes.MOST_ADDED", 1)
    now = timezone.now()
    booked = a_running_pump(clinic, filled_days_ago=75, now=now)
    due = a_running_pump(clinic, filled_days_ago=74, now=now)
    booking.book(pump_id=booked.pk, starts_at=now + timedelta(days=1), late_reason="", by=a_user(), now=now)
    context = logged_in(a_user(Role.PHARMACIST, clinic)).get(reverse("preparing")).context
    assert {(line.pump, line.is_booked) for line in context["lines"]} == {(due, False), (booked, True)}


def test_an_administrator_sees_what_is_missing_until_it_is_put_right(clinic: Clinic) -> None:
    user = a_user(Role.ADMINISTRATOR, clinic)
    page = logged_in(user).get(reverse("administration"))
    missing = {one.address for each in page.context["watched"] for one in each.missing}
    assert missing == {
        reverse("people", args=[clinic.pk]), reverse("clinic_on_call", args=[clinic.pk]), reverse("mfa_index"),
        reverse("clinic_go_live", args=[clinic.pk]), reverse("clinic_settings", args=[clinic.pk]),
    }  # fmt: skip
    assert "Not as it should be" in page.text
    a_user(Role.PRESCRIBER)
    a_user(Role.NURSE, clinic)
    Clinic.objects.filter(pk=clinic.pk).update(phone="+1 555 0100", patient_messages_since=timezone.now())
    page = logged_in(user).get(reverse("administration"))
    missing = {one.address for each in page.context["watched"] for one in each.missing}
    assert missing == {reverse("clinic_on_call", args=[clinic.pk]), reverse("mfa_index")}


def test_an_administrator_sees_only_the_clinics_they_run(clinic: Clinic) -> None:
    other = a_clinic("Elsewhere")
    user = a_user(Role.ADMINISTRATOR, clinic)
    user.memberships.create(clinic=other, role=Role.NURSE.value)
    context = logged_in(user).get(reverse("administration")).context
    assert [each.clinic for each in context["watched"]] == [clinic]


def test_the_engine_at_work_is_said(clinic: Clinic) -> None:
    fleet.tick(timezone.now())
    page = logged_in(a_user(Role.ADMINISTRATOR, clinic)).get(reverse("administration")).text
    assert "Last round" in page
    assert "UTC" in page


@pytest.mark.parametrize("name", ["prescribing", "administration", "preparing", "audit"])
def test_homes_have_an_empty_state(clinic: Clinic, name: str) -> None:
    user = a_user(Role.ADMINISTRATOR, clinic)
    user.memberships.create(clinic=clinic, role=Role.PRESCRIBER.value)
    page = logged_in(user).get(reverse(name))
    assert page.status_code == 200
    assert page.text.count("<h1") == 1


def test_what_is_cut_is_said_and_the_sum_is_of_all(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    now = timezone.now()
    for _ in range(3):
        a_running_pump(clinic, filled_days_ago=88, now=now)
    client = logged_in(a_user(Role.PHARMACIST, clinic))
    monkeypatch.setattr(homes, "MOST", 2)
    page = client.get(reverse("preparing"))
    assert [count for _, _, count, _ in page.context["needed"]] == [3]
    assert "1 more later in the week; it is added up above." in page.text
    assert "than are added up here" not in page.text
    monkeypatch.setattr(homes, "MOST_ADDED", 2)
    assert "than are added up here" in client.get(reverse("preparing")).text
    monkeypatch.setattr(today, "MOST_OTHERS", 2)
    for pump in Pump.objects.all():
        Forecast.objects.filter(pump=pump).update(refill_by=now - timedelta(days=1))
    page = logged_in(a_user(Role.NURSE, clinic)).get(reverse("today"))
    assert len(page.context["overdue"]) == 2
    assert "the worklist, without a visit" in page.text
