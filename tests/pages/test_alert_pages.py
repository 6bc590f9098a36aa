"""The list by priority, one alert's page, acknowledging, closing and reporting on it; the same over the API."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from alerts.models import Alert, EscalationPolicy, Notification, Report
from alerts.priorities import BY_KIND, BY_TIER, WORDS, priority_of
from alerts.services import reports
from alerts.services.lifecycle import ladders, policies
from clinical.escalation import REFILL_LADDER, SERVICE_LADDER, Priority
from clinics.models import Clinic, User
from clinics.roles import Role
from pumps.models import Pump
from pumps.services import fleet
from tests.api.clients import client_of, results
from tests.builders import a_running_pump, a_user
from tests.pages.conftest import logged_in

HOUR = timedelta(hours=1)


@pytest.fixture
def scheduler(clinic: Clinic) -> User:
    return a_user(Role.SCHEDULER, clinic)


@pytest.fixture
def pump(clinic: Clinic) -> Pump:
    """Past its refill-by date, and told."""
    found = a_running_pump(clinic, filled_days_ago=80, now=timezone.now())
    fleet.tick(timezone.now())
    return found


def unwell(pump: Pump, by: User) -> Alert:
    now = timezone.now()
    return reports.report(
        pump_id=pump.pk, patient=pump.patient, kind=Report.Kind.WITHDRAWAL, symptoms=["fever"], note="shivers",
        began_at=now, now=now, by=by,
    ).alert  # fmt: skip


def test_every_kind_and_tier_has_a_priority() -> None:
    assert {*BY_KIND, *BY_TIER} == set(Alert.Kind.values)
    for kind, ladder in (("refill_due", REFILL_LADDER), ("service_ending", SERVICE_LADDER)):
        for tier in ladder:
            assert priority_of(kind, tier.code) in WORDS
    assert priority_of("refill_due", "past") is Priority.HIGH
    assert priority_of("refill_due", "urgent") is Priority.MEDIUM


def test_the_list_is_high_first_in_words(clinic: Clinic, nurse: Client, scheduler: User, pump: Pump) -> None:
    a_running_pump(clinic, filled_days_ago=60, now=timezone.now())
    fleet.tick(timezone.now())
    unwell(pump, scheduler)
    lines = nurse.get(reverse("alerts")).context["lines"]
    assert [line["priority"] for line in lines] == ["high", "high", "information"]
    assert [line["alert"].kind for line in lines[:2]] == ["withdrawal", "refill_due"]
    assert ">High</span>" in nurse.get(reverse("alerts")).text


def test_one_thumb_acknowledges(nurse: Client, pump: Pump) -> None:
    alert = Alert.objects.get(pump=pump)
    path = reverse("alert", args=[alert.pk])
    page = nurse.get(path)
    assert [value for value, _ in page.context["form"].fields["hours"].choices] == ["1", "longest"]
    refused = nurse.post(path, {"hours": "1", "note": ""})
    assert "note" in refused.context["form"].errors
    told = nurse.post(path, {"hours": "1", "note": "drives over"}, follow=True).text
    alert.refresh_from_db()
    assert alert.acknowledged_until is not None
    assert abs(alert.acknowledged_until - timezone.now() - HOUR) < timedelta(minutes=1)
    assert "drives over" in told
    assert "acknowledged (by" in told


def test_the_page_says_who_was_told_and_why_somebody_was_not(nurse: Client, pump: Pump) -> None:
    row = Notification.objects.get(alert__pump=pump, channel="email")
    Notification.objects.filter(pk=row.pk).update(state="cancelled", error="no longer on the staff of the clinic")
    text = nurse.get(reverse("alert", args=[row.alert_id])).text
    assert str(row.user) in text
    assert "not sent, no longer on the staff of the clinic" in text
    assert "opened" in text


def test_another_clinics_alert_is_not_there(stranger: Client, pump: Pump) -> None:
    alert = Alert.objects.get(pump=pump)
    for name in ("alert", "resolve_alert"):
        assert stranger.get(reverse(name, args=[alert.pk])).status_code == 404
        assert stranger.post(reverse(name, args=[alert.pk])).status_code == 404


def test_who_only_reads_acknowledges_nothing(clinic: Clinic, pump: Pump) -> None:
    alert, auditor = Alert.objects.get(pump=pump), a_user(Role.AUDITOR, clinic)
    path = reverse("alert", args=[alert.pk])
    assert logged_in(auditor).get(path).context["form"] is None
    assert logged_in(auditor).post(path, {"hours": "1", "note": "x"}).status_code == 403
    answer = client_of(auditor).post(f"/api/v1/alerts/{alert.pk}/acknowledge/", {"note": "x"}, format="json")
    assert answer.status_code == 403


def test_staff_report_by_phone_and_settle_it(clinic: Clinic, nurse: Client, scheduler: User, pump: Pump) -> None:
    desk = logged_in(scheduler)
    assert reverse("report", args=[pump.pk]) in desk.get(reverse("pump", args=[pump.pk])).text
    path = reverse("report", args=[pump.pk])
    local = timezone.now().astimezone(clinic.zone)
    values: dict[str, Any] = {"began_at": f"{local:%Y-%m-%dT%H:%M}", "tones": "unclear", "withdrawal": ["fever"]}
    assert desk.post(path, {**values, "tones": "", "withdrawal": []}).context["form"].errors
    page = desk.post(path, values, follow=True)
    assert "call the emergency number now" in page.text
    kinds = set(Alert.objects.open().values_list("kind", flat=True))
    assert kinds == {"refill_due", "withdrawal", "pump_alarm_two_tones"}
    alert = Alert.objects.get(kind="withdrawal")
    # The desk sees that somebody has to act, not the symptoms; the nurse sees both, and settles it.
    assert "fever" not in desk.get(reverse("alert", args=[alert.pk])).text
    assert "fever" in nurse.get(reverse("alert", args=[alert.pk])).text
    assert desk.get(reverse("resolve_alert", args=[alert.pk])).status_code == 403
    nurse.post(reverse("resolve_alert", args=[alert.pk]), {"note": "a cold, seen"}, follow=True)
    alert.refresh_from_db()
    assert alert.closed_at is not None


# --- the API ----------------------------------------------------------------------------------------------------------


def test_alerts_acknowledge_steps_and_reports_over_the_api(clinic: Clinic, scheduler: User, pump: Pump) -> None:
    desk, care = client_of(scheduler), client_of(a_user(Role.NURSE, clinic))
    now = timezone.now()
    body = {"pump": str(pump.pk), "kind": "withdrawal", "symptoms": ["fever"], "note": "shivers"}
    assert desk.post("/api/v1/reports/", {**body, "symptoms": []}, format="json").json().keys() == {"symptoms"}
    created = desk.post("/api/v1/reports/", body, format="json")
    assert created.status_code == 201
    found = results(desk.get("/api/v1/alerts/?ordering=priority&open=true"))
    assert [row["priority"] for row in found] == ["high", "high"]
    [row] = [row for row in found if row["kind"] == "withdrawal"]
    assert (row["reports"], row["detail"]) == (1, "")
    assert results(desk.get("/api/v1/reports/")) == []
    [said] = results(care.get("/api/v1/reports/"))
    assert (said["symptoms"], said["alert"]) == (["fever"], row["id"])
    address = f"/api/v1/alerts/{row['id']}/"
    assert care.get(address).json()["detail"] == "fever"
    assert desk.post(f"{address}acknowledge/", {}, format="json").json().keys() == {"note"}
    wish = {"until": (now + 9 * HOUR).isoformat(), "note": "calling"}
    answer = desk.post(f"{address}acknowledge/", wish, format="json")
    assert answer.status_code == 200
    until = Alert.objects.get(pk=row["id"]).acknowledged_until
    assert until is not None
    assert abs(until - now - 4 * HOUR) < timedelta(minutes=1)
    assert desk.post(f"{address}resolve/", {"note": "x"}, format="json").status_code == 403
    assert (
        care.post(f"{address}resolve/", {"note": "seen"}, format="json").json()["closed_reason"].startswith("resolved")
    )
    assert care.post(f"{address}acknowledge/", {"note": "x"}, format="json").status_code == 409
    assert [step["what"] for step in results(care.get(f"{address}steps/"))] == [
        "opened",
        "acknowledged",
        "resolved",
        "closed",
    ]
    due = Alert.objects.get(kind="refill_due")
    assert care.post(f"/api/v1/alerts/{due.pk}/resolve/", {"note": "x"}, format="json").status_code == 409


# --- the ladder -------------------------------------------------------------------------------------------------------


def values_of(page: Any) -> dict[str, Any]:
    """What a browser sends back of the tiers as they were shown."""
    forms = [row for _, row in page.context["rows"]] + [page.context["risk"]]
    return {bound.html_name: bound.value() for form in forms for bound in form if bound.value() not in (None, False)}


def test_the_ladder_is_edited_on_its_page_and_kept_as_a_version(clinic: Clinic, administrator: Client) -> None:
    nurse = a_user(Role.NURSE, clinic)
    path = reverse("tiers", args=[clinic.pk])
    values = {
        **values_of(administrator.get(path)),
        "urgent-on_call": "on",
        "urgent-people": [str(nurse.pk)],
        "urgent-channels": ["email", "sms"],
        "urgent-quiet_from": "21:30",
        "urgent-acknowledging": ["note", "spoken_with"],
        "urgent-to_care_home": "",
        "past-repeat_hours": "6",
        "risk_days": "14",
    }
    assert "You change: Urgent, Past refill-by, Higher risk" in administrator.post(path, values).text
    administrator.post(path, {**values, "step": "save"})
    policy = policies([clinic.pk])[clinic.pk]
    assert (policy.version, policy.risk_days) == (1, 14)
    urgent = next(tier for tier in policy.ladder if tier.code == "urgent")
    assert (urgent.on_call, urgent.people, urgent.channels) == (True, (nurse.pk,), ("email", "sms"))
    assert (f"{urgent.quiet_from:%H:%M}", urgent.to_care_home, urgent.to_caregivers) == ("21:30", False, True)
    assert urgent.acknowledging == ("note", "spoken_with")
    assert [tier for tier in policy.ladder if tier.code == "book"] == [REFILL_LADDER[0]]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("urgent-channels", []),
        ("past-roles", []),
        ("urgent-quiet_from", "25:00"),
        ("risk_days", "29"),
        ("urgent-people", ["0"]),
    ],
)
def test_a_ladder_that_would_leave_somebody_untold_is_refused(
    clinic: Clinic, administrator: Client, name: str, value: Any
) -> None:
    path = reverse("tiers", args=[clinic.pk])
    page = administrator.post(path, {**values_of(administrator.get(path)), name: value, "step": "save"})
    assert page.status_code == 200
    assert not EscalationPolicy.objects.exists()


def test_the_ladder_over_the_api(clinic: Clinic) -> None:
    nurse = a_user(Role.NURSE, clinic)
    client = client_of(a_user(Role.ADMINISTRATOR, clinic))
    path = f"/api/v1/clinics/{clinic.pk}/ladder/"
    found = client.get(path).json()
    assert (found["version"], found["risk_days"], len(found["tiers"])) == (0, 7, 7)
    found["tiers"][3] |= {"people": [str(nurse.pk)], "quiet_from": "19:00", "channels": ["sms"]}
    answer = client.put(path, {"tiers": found["tiers"], "risk_days": 0}, format="json").json()
    assert (answer["version"], answer["risk_days"], answer["tiers"]) == (1, 0, found["tiers"])
    # What an older program leaves out stays as it is.
    older = [{name: tier[name] for name in OLDER} for tier in found["tiers"]]
    assert client.put(f"/api/v1/clinics/{clinic.pk}/tiers/", {"tiers": older}, format="json").status_code == 200
    assert (ladders([clinic.pk])[clinic.pk][3].people, policies([clinic.pk])[clinic.pk].risk_days) == ((nurse.pk,), 0)
    found["tiers"][3]["people"] = ["999999"]
    assert client.put(path, {"tiers": found["tiers"]}, format="json").json().keys() == {"urgent"}


OLDER = ("code", "lead_days", "roles", "to_patient", "repeat_hours", "quiet_hours")
