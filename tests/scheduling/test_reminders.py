"""Reminders of visits: who gets one, when, and once."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from alerts import short_messages
from alerts.models import Notification
from alerts.services import moot
from clinics.errors import Impossible
from clinics.models import Clinic
from patients.models import Contact, Patient
from pumps.models import Pump
from pumps.services import booking
from scheduling.models import Appointment
from scheduling.services import reminders
from scheduling.services.reminders import write_due
from scheduling.services.rules import Wanted, change
from tests.builders import NOW, a_clinic, a_patient, a_running_pump, a_user
from tests.scheduling.visits import DAY, a_visit, steps_of

pytestmark = pytest.mark.django_db
# 15:00 in New York on a Friday.
STARTS = datetime(2026, 12, 4, 20, 0, tzinfo=UTC)
USUAL = Wanted(
    opens_at=time(9),
    closes_at=time(16),
    minutes=30,
    places=1,
    reminder_days=[7, 2, 1],
    reminder_channels=["email"],
    remind_from=time(8),
    remind_until=time(20),
    missed_after_hours=None,
)


def a_reminded_pump(clinic: Clinic | None = None, **fields: object) -> Pump:
    clinic = clinic or a_clinic(patient_messages_since=NOW)
    patient = a_patient(clinic, email="ada@example.org", email_reminders=True, **fields)
    return a_running_pump(patient=patient)


def told() -> list[tuple[str, int, str]]:
    rows = Notification.objects.filter(appointment__isnull=False).order_by("pk")
    return list(rows.values_list("tier", "repeat_number", "recipient"))


def test_a_patient_and_their_contacts_are_reminded_7_2_and_1_days_before() -> None:
    pump = a_reminded_pump()
    contact = Contact.objects.create(
        patient=pump.patient, kind="caregiver", name="Bo", email="bo@example.org", email_reminders=True
    )
    Contact.objects.create(patient=pump.patient, kind="care_home", name="No consent", email="no@example.org")
    visit = a_visit(pump, STARTS)
    for days in (7, 2, 1):
        assert write_due(STARTS - days * DAY - timedelta(seconds=1)) == 0
        assert write_due(STARTS - days * DAY) == 1
        assert write_due(STARTS - days * DAY) == 0
    whom = [f"patient:{pump.patient_id}", f"contact:{contact.pk}"]
    assert told() == [(f"visit_{days}", 0, one) for days in (7, 2, 1) for one in whom]
    assert steps_of(visit) == ["booked", "reminder", "reminder", "reminder"]
    row = Notification.objects.earliest("pk")
    assert (row.alert, row.appointment, row.clinic, row.channel) == (None, visit, pump.clinic, "email")
    assert row.due_at == STARTS - 7 * DAY


def test_nobody_is_reminded_of_what_they_booked_after_it() -> None:
    a_visit(a_reminded_pump(), STARTS, now=STARTS - 3 * DAY)
    assert write_due(STARTS - 3 * DAY) == 0
    write_due(STARTS - 2 * DAY)
    assert [tier for tier, *_ in told()] == ["visit_2"]


def test_after_a_sleep_the_nearest_is_sent_and_the_others_are_skipped() -> None:
    a_visit(a_reminded_pump(), STARTS)
    write_due(STARTS - 1.5 * DAY)
    assert [tier for tier, *_ in told()] == ["visit_2"]
    write_due(STARTS - timedelta(hours=2))
    assert [tier for tier, *_ in told()] == ["visit_2", "visit_1"]


def test_what_could_not_be_sent_is_skipped_once_a_nearer_one_is_due() -> None:
    a_visit(a_reminded_pump(), STARTS)
    write_due(STARTS - 7 * DAY)
    write_due(STARTS - 2 * DAY)
    states = dict(Notification.objects.values_list("tier", "state"))
    assert states == {"visit_7": "cancelled", "visit_2": "queued"}


def test_a_reminder_that_is_late_at_night_waits_for_the_morning() -> None:
    a_visit(a_reminded_pump(), STARTS)
    write_due(datetime(2026, 11, 30, 4, 0, tzinfo=UTC))  # 23:00 in New York
    assert Notification.objects.get().due_at == datetime(2026, 11, 30, 13, 0, tzinfo=UTC)


def test_nobody_is_reminded_once_the_visit_has_begun() -> None:
    a_visit(a_reminded_pump(), STARTS)
    write_due(STARTS + timedelta(minutes=1))
    assert told() == []
    assert Appointment.objects.get().remind_at is None


def test_a_moved_visit_is_reminded_of_anew() -> None:
    visit = a_visit(a_reminded_pump(), STARTS)
    write_due(STARTS - 7 * DAY)
    booking.move(appointment_id=visit.pk, starts_at=STARTS + 3 * DAY, by=a_user(), now=STARTS - 6 * DAY)
    write_due(STARTS - 4 * DAY)
    assert [(tier, number) for tier, number, _ in told()] == [("visit_7", 0), ("visit_7", 1)]


@pytest.mark.parametrize("end", ["cancel", "arrive", "no_show"])
def test_an_ended_visit_is_not_reminded_of(end: str) -> None:
    visit = a_visit(a_reminded_pump(), STARTS)
    reasons = {"reason": "ill"} if end == "cancel" else {}
    at = NOW if end == "cancel" else STARTS
    getattr(booking, end)(appointment_id=visit.pk, by=a_user(), now=at, **reasons)
    assert Appointment.objects.get().remind_at is None
    assert write_due(STARTS - DAY) == 0


def test_before_go_live_and_without_consent_nobody_is_written_to() -> None:
    silent = a_clinic()
    a_visit(a_reminded_pump(silent), STARTS)
    live = a_clinic(patient_messages_since=NOW)
    visit = a_visit(a_running_pump(patient=a_patient(live)), STARTS)
    assert write_due(STARTS - 7 * DAY) == 2
    assert told() == []
    assert "somebody has to phone" in visit.steps.get(what="reminder").detail


def test_a_clinics_own_days_and_hours_hold_for_what_is_booked_already() -> None:
    clinic = a_clinic(patient_messages_since=NOW)
    a_visit(a_reminded_pump(clinic), STARTS)
    wanted = Wanted(**{**USUAL.__dict__, "reminder_days": [3], "remind_from": time(16), "missed_after_hours": 2})
    change(clinic=clinic, wanted=wanted, by=a_user(), now=NOW)
    visit = Appointment.objects.get()
    assert visit.remind_at == datetime(2026, 12, 1, 21, 0, tzinfo=UTC)  # 16:00 in New York
    assert visit.overdue_at == STARTS + timedelta(hours=2)
    write_due(visit.remind_at)
    assert [tier for tier, *_ in told()] == ["visit_3"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("closes_at", time(9)),
        ("remind_until", time(7)),
        ("minutes", 4),
        ("places", 0),
        ("missed_after_hours", 73),
        ("reminder_days", [0]),
        ("reminder_days", [1, 2, 3, 4, 5, 6]),
        ("reminder_channels", []),
        ("reminder_channels", ["webhook"]),
    ],
)
def test_rules_that_cannot_be_are_refused_at_their_field(field: str, value: object) -> None:
    with pytest.raises(Impossible) as refused:
        change(clinic=a_clinic(), wanted=Wanted(**{**USUAL.__dict__, field: value}), by=a_user(), now=NOW)
    assert set(refused.value.errors) == {field}


def test_each_is_reminded_by_every_channel_they_consent_to() -> None:
    clinic = a_clinic(patient_messages_since=NOW)
    wanted = Wanted(**{**USUAL.__dict__, "reminder_channels": ["voice", "sms", "email"]})
    assert change(clinic=clinic, wanted=wanted, by=a_user(), now=NOW).reminder_channels == ["email", "sms", "voice"]
    pump = a_reminded_pump(clinic, phone="+1 555 0100", phone_reminders=True)
    Contact.objects.create(patient=pump.patient, kind="caregiver", name="Bo", phone="+1 555 0101", phone_reminders=True)
    Contact.objects.create(patient=pump.patient, kind="care_home", name="Elm", phone="+1 555 0102")
    a_visit(pump, STARTS)
    write_due(STARTS - 7 * DAY)
    ways = Notification.objects.order_by("pk").values_list("recipient", "channel")
    contact = f"contact:{Contact.objects.get(name='Bo').pk}"
    patient = [(f"patient:{pump.patient_id}", way) for way in ("email", "sms", "voice")]
    assert list(ways) == [*patient, (contact, "sms"), (contact, "voice")]
    assert moot.why_not(moot.fetched([row.pk for row in Notification.objects.all()]), STARTS - 7 * DAY) == {}
    said = short_messages.text(Notification.objects.get(channel="sms", patient=pump.patient))
    assert "Your next visit is on Friday 4 December, 15:00." in said
    write_due(STARTS - 2 * DAY)
    assert set(Notification.objects.filter(tier="visit_7").values_list("state", flat=True)) == {"cancelled"}
    assert Notification.objects.filter(tier="visit_2", state="queued").count() == 5


def test_a_reminder_that_waits_survives_a_change_of_the_hours() -> None:
    clinic = a_clinic(patient_messages_since=NOW)
    a_visit(a_reminded_pump(clinic), STARTS)
    write_due(STARTS - 7 * DAY)
    later = Wanted(**{**USUAL.__dict__, "remind_from": time(17)})
    change(clinic=clinic, wanted=later, by=a_user(), now=STARTS - 7 * DAY)
    write_due(STARTS - 7 * DAY + timedelta(hours=3))
    assert list(Notification.objects.values_list("tier", "state")) == [("visit_7", "queued")]


def test_a_patient_who_died_is_not_written_to() -> None:
    pump = a_reminded_pump()
    a_visit(pump, STARTS)
    Patient.objects.filter(pk=pump.patient_id).update(status="deceased", status_on=NOW.date())
    write_due(STARTS - 7 * DAY)
    assert told() == []


def test_one_visit_that_breaks_does_not_hold_up_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = a_visit(a_reminded_pump(), STARTS), a_visit(a_reminded_pump(), STARTS)
    real = reminders._remind_all

    def breaking(visits: Sequence[Appointment], now: datetime) -> None:
        if first.pk in {visit.pk for visit in visits}:
            raise ValueError("this one")
        real(visits, now)

    monkeypatch.setattr(reminders, "_remind_all", breaking)
    write_due(STARTS - 7 * DAY)
    assert [row.appointment_id for row in Notification.objects.all()] == [second.pk]
    assert Appointment.objects.get(pk=first.pk).remind_at == STARTS - 7 * DAY


def test_queries_do_not_grow_with_the_visits() -> None:
    clinic = a_clinic(patient_messages_since=NOW)
    counts = []
    for number in (1, 4):
        Notification.objects.all().delete()
        for _ in range(number):
            a_visit(a_reminded_pump(clinic), STARTS + number * DAY)
        with CaptureQueriesContext(connection) as queries:
            assert write_due(STARTS + number * DAY - 7 * DAY) >= number
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_what_is_due_is_found_by_an_index() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    assert "appointment_remind" in Appointment.objects.to_remind(NOW).explain()
    assert "appointment_overdue" in Appointment.objects.overdue(NOW).explain()
