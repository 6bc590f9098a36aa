"""What people report: told at once, told again, and ended by what somebody did about it."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError

from alerts.models import Alert, Notification, Report
from alerts.services import reports
from alerts.services.acknowledging import acknowledge, resolve
from clinics.errors import Conflict, Impossible
from clinics.models import User
from clinics.roles import Role
from pumps import alerting
from pumps.models import Event, Forecast, Pump
from pumps.services import care, fleet, ledger
from pumps.services.entries import EventEntry
from tests.builders import NOW, a_clinic, a_dose, a_refill, a_running_pump, a_user, recorded

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
Kind = Report.Kind


@pytest.fixture
def nurse() -> User:
    return a_user(Role.NURSE, a_clinic())


@pytest.fixture
def pump(nurse: User) -> Pump:
    return a_running_pump(nurse.memberships.get().clinic)


SYMPTOMS = {Kind.WITHDRAWAL: ["fever", "rigid"], Kind.OVERDOSE: ["drowsy"]}


def reported(pump: Pump, by: User, kind: Report.Kind, *, now: Any = NOW, **fields: Any) -> Alert:
    values = {"symptoms": SYMPTOMS.get(kind, []), "began_at": now, **fields}
    return reports.report(pump_id=pump.pk, patient=pump.patient, kind=kind, now=now, by=by, **values).alert


def tellings(alert: Alert) -> int:
    return Notification.objects.filter(alert=alert, channel="email").values("repeat_number").distinct().count()


@pytest.mark.parametrize(
    ("kind", "opens", "tier"),
    [
        (Kind.WITHDRAWAL, "withdrawal", "emergency"),
        (Kind.OVERDOSE, "overdose", "emergency"),
        (Kind.TWO_TONES, "pump_alarm_two_tones", "emergency"),
        (Kind.ONE_TONE, "pump_alarm", "urgent"),
        (Kind.CALL_BACK, "call_back", "call"),
    ],
)
def test_a_report_opens_its_alert_and_tells_at_once(
    pump: Pump, nurse: User, kind: Report.Kind, opens: str, tier: str
) -> None:
    alert = reported(pump, nurse, kind)
    fleet.tick(NOW)
    alert.refresh_from_db()
    assert (alert.kind, alert.tier, alert.reports) == (opens, tier, 1)
    assert Notification.objects.filter(alert=alert, user=nurse).count() == 1


@pytest.mark.parametrize("kind", list(Kind))
def test_said_once_more_it_tells_again_and_takes_the_acknowledgement_off(
    pump: Pump, nurse: User, kind: Report.Kind
) -> None:
    alert = reported(pump, nurse, kind)
    fleet.tick(NOW)
    acknowledge(alert_id=alert.pk, until=None, note="calling", spoken_with="Ada", by=nurse, now=NOW)
    later = NOW + timedelta(minutes=20)
    fleet.tick(later)
    assert tellings(alert) == 1
    again = reported(pump, nurse, kind, now=later)
    assert (again.pk, again.reports, again.acknowledged_until) == (alert.pk, 2, None)
    fleet.tick(later)
    assert tellings(alert) == 2
    assert Report.objects.filter(alert=alert).count() == 2
    whats = [step.what for step in alert.steps.all()]
    assert whats == ["opened", "told", "acknowledged", "acknowledgement ended", "reported again", "told"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"symptoms": []}, "symptoms"),
        ({"symptoms": ["drowsy"]}, "symptoms"),
        ({"symptoms": ["boredom"]}, "symptoms"),
        ({"symptoms": ["fever", "fever"]}, "symptoms"),
        ({"began_at": NOW + timedelta(minutes=6)}, "began_at"),
        ({"began_at": NOW - timedelta(days=366)}, "began_at"),
        ({"note": "x" * 501}, "note"),
    ],
)
def test_what_cannot_be_is_refused_at_its_field(pump: Pump, nurse: User, fields: dict[str, Any], field: str) -> None:
    with pytest.raises(Impossible) as refused:
        reported(pump, nurse, Kind.WITHDRAWAL, **fields)
    assert set(refused.value.errors) == {field}
    assert not Report.objects.exists()
    assert not Alert.objects.exists()


def test_for_a_patient_who_is_not_in_care_here_nobody_would_be_told(pump: Pump, nurse: User) -> None:
    care.change_status(patient=pump.patient, status="deceased", on=NOW.date(), reason="died", now=NOW)
    with pytest.raises(Conflict, match="not in care"):
        reported(pump, nurse, Kind.CALL_BACK)


def test_a_report_is_said_by_somebody(pump: Pump) -> None:
    with pytest.raises(IntegrityError):
        reports.report(pump_id=pump.pk, patient=pump.patient, kind=Kind.CALL_BACK, began_at=NOW, now=NOW)


def test_all_that_was_said_on_the_phone_is_a_report_each(pump: Pump, nurse: User) -> None:
    stored = reports.said(
        pump_id=pump.pk, patient=pump.patient, symptoms=["fever", "seizure", "drowsy"], tones=2, call_back=True,
        note="sounds tired", began_at=NOW - HOUR, now=NOW, by=nurse,
    )  # fmt: skip
    assert {report.kind: report.symptoms for report in stored} == {
        "withdrawal": ["fever", "seizure"],
        "overdose": ["seizure", "drowsy"],
        "two_tones": [],
        "call_back": [],
    }
    assert Alert.objects.open().count() == 4
    with pytest.raises(Impossible):
        reports.said(
            pump_id=pump.pk, patient=pump.patient, symptoms=[], tones=None, call_back=False, note="", began_at=NOW,
            now=NOW, by=nurse,
        )  # fmt: skip


# --- how it ends ------------------------------------------------------------------------------------------------------


def looked_again(pump: Pump) -> None:
    """The alerts brought into line, as any entry or tick does."""
    alerting.reconcile(list(Forecast.objects.filter(pump=pump).select_related("pump")), now=NOW + HOUR)


@pytest.mark.parametrize("kind", list(Kind))
def test_a_forecast_that_is_quiet_about_it_ends_nothing(pump: Pump, nurse: User, kind: Report.Kind) -> None:
    alert = reported(pump, nurse, kind)
    looked_again(pump)
    a_dose(pump, NOW + timedelta(minutes=5), now=NOW + timedelta(minutes=5))
    alert.refresh_from_db()
    assert alert.closed_at is None


def interrogated(pump: Pump, minutes: int) -> Event:
    at = NOW + timedelta(minutes=minutes)
    return recorded(pump, EventEntry(kind="interrogation", occurred_at=at), now=NOW + HOUR)


@pytest.mark.parametrize(("minutes", "is_settled"), [(-10, False), (0, False), (1, True)])
@pytest.mark.parametrize("kind", [Kind.ONE_TONE, Kind.TWO_TONES])
def test_a_reported_alarm_ends_when_the_pump_was_looked_at_since(
    pump: Pump, nurse: User, kind: Report.Kind, minutes: int, is_settled: bool
) -> None:
    alert = reported(pump, nurse, kind)
    entry = interrogated(pump, minutes)
    alert.refresh_from_db()
    assert (alert.closed_at is not None) is is_settled
    if is_settled:
        assert alert.closed_by_event_id == entry.pk
        ledger.void(pump_id=pump.pk, event_id=entry.pk, reason="slip", user=nurse, source="page", now=NOW + 2 * HOUR)
        alert.refresh_from_db()
        assert (alert.closed_at, alert.next_due_at) == (None, NOW + 2 * HOUR)


def test_symptoms_end_by_hand_with_a_note(pump: Pump, nurse: User) -> None:
    alert = reported(pump, nurse, Kind.WITHDRAWAL)
    interrogated(pump, 30)
    a_refill(pump, NOW + timedelta(minutes=40), now=NOW + HOUR)
    alert.refresh_from_db()
    assert alert.closed_at is None
    with pytest.raises(Impossible, match="what was found"):
        resolve(alert_id=alert.pk, note=" ", by=nurse, now=NOW + HOUR)
    closed = resolve(alert_id=alert.pk, note="catheter was kinked", by=nurse, now=NOW + HOUR)
    assert closed.closed_at == NOW + HOUR
    assert "catheter was kinked" in closed.steps.get(what="resolved").detail
    again = reported(pump, nurse, Kind.WITHDRAWAL, now=NOW + 2 * HOUR)
    assert again.pk != alert.pk


def heard(pump: Pump, tones: int | None, minutes: int) -> Event:
    at = NOW + timedelta(minutes=minutes)
    return recorded(pump, EventEntry(kind="alarm_reported", occurred_at=at, tones=tones), now=at)


@pytest.mark.parametrize(
    ("tones", "opens"), [(1, "pump_alarm"), (2, "pump_alarm_two_tones"), (None, "pump_alarm_two_tones")]
)
def test_an_alarm_in_the_ledger_opens_the_alert_of_its_tones(pump: Pump, tones: int | None, opens: str) -> None:
    heard(pump, tones, 0)
    assert Alert.objects.get().kind == opens


@pytest.mark.parametrize("tones", [1, 2])
def test_heard_a_second_time_it_tells_again(pump: Pump, nurse: User, tones: int) -> None:
    heard(pump, tones, 0)
    fleet.tick(NOW)
    alert = Alert.objects.get(pump=pump)
    acknowledge(alert_id=alert.pk, until=None, note="on the way", spoken_with="", by=nurse, now=NOW)
    heard(pump, tones, 10)
    alert.refresh_from_db()
    assert (alert.acknowledged_until, alert.next_due_at) == (None, NOW + timedelta(minutes=10))
    fleet.tick(NOW + timedelta(minutes=10))
    assert tellings(alert) == 2


def test_one_tone_heard_later_does_not_settle_two(pump: Pump) -> None:
    heard(pump, 2, 0)
    heard(pump, 1, 10)
    assert set(Alert.objects.open().values_list("kind", flat=True)) == {"pump_alarm", "pump_alarm_two_tones"}
    interrogated(pump, 20)
    assert not Alert.objects.open().exists()


def test_an_alarm_that_only_the_ledger_knows_of_ends_by_the_ledger(pump: Pump, nurse: User) -> None:
    heard(pump, 2, 0)
    alert = Alert.objects.get()
    with pytest.raises(Conflict, match="interrogation or the refill"):
        resolve(alert_id=alert.pk, note="fine", by=nurse, now=NOW)
    reported(pump, nurse, Kind.TWO_TONES, now=NOW + HOUR)
    interrogated(pump, 59)
    alert.refresh_from_db()
    assert alert.closed_at is None  # it was reported again after that
    resolve(alert_id=alert.pk, note="was a ring tone", by=nurse, now=NOW + 2 * HOUR)


# --- a volume that differs --------------------------------------------------------------------------------------------


def test_an_empty_reservoir_at_a_refill_is_a_discrepancy_until_somebody_decides(nurse: User) -> None:
    pump = a_running_pump(nurse.memberships.get().clinic, filled_days_ago=60)
    a_refill(pump, NOW, aspirated_ml=0)
    row = Forecast.objects.get(pump=pump)
    kinds = set(Alert.objects.open().values_list("kind", flat=True))
    assert "aspirated_zero" in {finding["code"] for finding in row.findings}
    assert ("flow_changed" in kinds) is not ("discrepancy" in kinds)


def test_a_decided_discrepancy_does_not_come_back_before_the_next_fill(nurse: User) -> None:
    pump = a_running_pump(nurse.memberships.get().clinic, filled_days_ago=95)
    a_refill(pump, NOW, aspirated_ml=0)
    Forecast.objects.filter(pump=pump).update(unknown_reason="")
    looked_again(pump)
    alert = Alert.objects.open().get(kind="discrepancy")
    resolve(alert_id=alert.pk, note="drug was spilled", by=nurse, now=NOW + HOUR)
    looked_again(pump)
    assert not Alert.objects.open().filter(kind="discrepancy").exists()
    Forecast.objects.filter(pump=pump).update(filled_at=NOW + timedelta(minutes=1))
    looked_again(pump)
    assert Alert.objects.open().filter(kind="discrepancy").exists()
