"""A visit that was moved goes back to where it was, with one press of who moved it; else it says why not."""

from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinics.models import Clinic, User
from clinics.roles import Role
from pumps.models import Forecast, Pump
from pumps.services import booking, free
from scheduling.models import Appointment, AppointmentStep
from scheduling.services import reminders
from tests.builders import a_running_pump, a_user
from tests.pages.conftest import logged_in
from tests.scheduling.visits import a_visit, steps_of

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PART = {"HX-Request": "true"}


@pytest.fixture
def pump(clinic: Clinic) -> Pump:
    return a_running_pump(clinic, filled_days_ago=70, now=timezone.now())


@pytest.fixture
def user(clinic: Clinic) -> User:
    return a_user(Role.SCHEDULER, clinic)


@pytest.fixture
def scheduler(user: User) -> Client:
    return logged_in(user)


@pytest.fixture
def times(pump: Pump) -> list[str]:
    row = Forecast.objects.select_related("clinic").get(pump=pump)
    return [at.isoformat() for at in free.offer(pump=pump, row=row, now=timezone.now()).in_time]


@pytest.fixture
def visit(pump: Pump, times: list[str]) -> Appointment:
    return a_visit(pump, datetime.fromisoformat(times[0]), now=timezone.now())


def path_of(visit: Appointment) -> str:
    return reverse("undo_visit", args=[visit.pk])


def moved_in_place(client: Client, pump: Pump, to: str) -> str:
    seen = Appointment.objects.standing().get(pump=pump).as_seen
    answer = client.post(reverse("book_in_place", args=[pump.pk]), {"slot": to, "seen": seen}, headers=PART)
    assert "Moved to" in answer.text
    return answer.text


def test_in_the_row_one_press_puts_it_back(
    scheduler: Client, user: User, pump: Pump, visit: Appointment, times: list[str]
) -> None:
    booking.confirm(appointment_id=visit.pk, by=a_user(), now=timezone.now())
    text = moved_in_place(scheduler, pump, times[3])
    assert path_of(visit) in text
    assert "back where it was" in text
    answer = scheduler.post(path_of(visit), headers=PART)
    assert "The visit is again on" in answer.text
    assert answer["HX-Trigger"] == "visits-changed"
    visit.refresh_from_db()
    assert (visit.starts_at.isoformat(), visit.state, visit.sequence) == (times[0], "confirmed", 2)
    assert steps_of(visit)[-2:] == ["moved", "moved"]
    step = AppointmentStep.objects.latest("pk")
    assert (step.by, step.detail.endswith("undone at once by who moved it")) == (user, True)
    assert "not as you left it" in scheduler.post(path_of(visit), headers=PART).text, "an undo is not undone"


def test_on_its_own_page_the_message_has_the_button(
    scheduler: Client, pump: Pump, visit: Appointment, times: list[str]
) -> None:
    sent = {"slot": times[2], "minutes": 45, "reason": "bus", "seen": visit.as_seen}
    page = scheduler.post(reverse("visit", args=[pump.pk]), sent, follow=True)
    undo = f"{path_of(visit)}?back=pump"
    assert f'action="{undo}"' in page.text
    back = scheduler.post(undo, follow=True)
    assert back.redirect_chain[0][0] == reverse("pump", args=[pump.pk])
    assert "The visit is again on" in back.text
    visit.refresh_from_db()
    assert (visit.starts_at.isoformat(), visit.minutes) == (times[0], 30)


def test_the_calendar_offers_it_after_a_move(
    scheduler: Client, pump: Pump, visit: Appointment, times: list[str], nurse: Client
) -> None:
    query = {"for": pump.pk, "at": times[3]}
    seen = {"seen": visit.as_seen}
    page = scheduler.post(f"{reverse('calendar_book')}?{reverse_query(query)}", seen, follow=True)
    assert page.context["made"] == visit
    assert "back where it was" in page.text
    week = reverse("calendar_week")
    assert nurse.get(week, {"made": visit.pk}).context["made"] is None, "it is for who moved it"
    scheduler.post(path_of(visit))
    assert scheduler.get(week, {"made": visit.pk}).context["made"] is None


def reverse_query(query: dict[str, object]) -> str:
    return "&".join(f"{name}={str(value).replace('+', '%2B')}" for name, value in query.items())


def test_a_time_that_somebody_took_is_named_and_nothing_moves(
    clinic: Clinic, scheduler: Client, pump: Pump, visit: Appointment, times: list[str]
) -> None:
    moved_in_place(scheduler, pump, times[3])
    other = a_running_pump(clinic, filled_days_ago=70, now=timezone.now())
    a_visit(other, visit.starts_at, now=timezone.now())
    assert "no place is free: the visit stays" in scheduler.post(path_of(visit), headers=PART).text
    visit.refresh_from_db()
    assert (visit.starts_at.isoformat(), visit.sequence) == (times[3], 1)


def test_a_time_that_was_overbooked_before_is_given_back(
    clinic: Clinic, scheduler: Client, pump: Pump, visit: Appointment, times: list[str]
) -> None:
    former, now = visit.starts_at, timezone.now()
    a_visit(a_running_pump(clinic, filled_days_ago=70, now=now), former, now=now)
    moved_in_place(scheduler, pump, times[3])
    scheduler.post(path_of(visit), headers=PART)
    visit.refresh_from_db()
    assert (visit.starts_at, visit.sequence) == (former, 2)


def test_a_time_that_has_passed_is_named(scheduler: Client, pump: Pump, visit: Appointment, times: list[str]) -> None:
    moved_in_place(scheduler, pump, times[3])
    AppointmentStep.objects.filter(what="moved").update(was_at=timezone.now() - HOUR)
    assert "has passed: the visit stays" in scheduler.post(path_of(visit), headers=PART).text


def test_a_time_that_is_too_late_by_now_is_named(
    scheduler: Client, pump: Pump, visit: Appointment, times: list[str]
) -> None:
    moved_in_place(scheduler, pump, times[3])
    Forecast.objects.filter(pump=pump).update(refill_by=visit.starts_at - HOUR)
    assert "is after refill-by by now" in scheduler.post(path_of(visit), headers=PART).text


def test_a_late_visit_is_late_for_its_reason_again(scheduler: Client, user: User, pump: Pump) -> None:
    now = timezone.now()
    row = Forecast.objects.select_related("clinic").get(pump=pump)
    offer = free.offer(pump=pump, row=row, now=now)
    visit = a_visit(pump, offer.late[0], now=now, late_reason="abroad")
    booking.move(appointment_id=visit.pk, starts_at=offer.in_time[0], by=user, now=now)
    again = booking.undo(appointment_id=visit.pk, by=user, now=now)
    assert (again.starts_at, again.late_reason) == (offer.late[0], "abroad")


def test_only_who_moved_it_at_once_and_nobody_since(
    clinic: Clinic, scheduler: Client, nurse: Client, user: User, pump: Pump, visit: Appointment, times: list[str]
) -> None:
    moved_in_place(scheduler, pump, times[3])
    assert "not as you left it" in nurse.post(path_of(visit), headers=PART).text
    later = timezone.now() + 2 * HOUR
    visit.refresh_from_db()
    assert booking.can_undo(visit, user, timezone.now())
    assert not booking.can_undo(visit, user, later)
    booking.confirm(appointment_id=visit.pk, by=user, now=timezone.now())
    assert "not as you left it" in scheduler.post(path_of(visit), headers=PART).text
    auditor = logged_in(a_user(Role.AUDITOR, clinic))
    assert auditor.post(path_of(visit)).status_code == 403


def test_a_reminder_that_the_move_ended_is_due_again(user: User, pump: Pump, clinic: Clinic) -> None:
    """Nobody can be written to before go-live, so the reminder was a step that says somebody has to phone."""
    now = timezone.now()
    visit = a_visit(pump, now + DAY - HOUR, now=now - 5 * DAY)
    reminders.write_due(now)
    assert steps_of(visit)[-1] == "reminder"
    moved = booking.move(appointment_id=visit.pk, starts_at=now + 3 * DAY, by=user, now=now + HOUR / 2, late_reason="x")
    booking.undo(appointment_id=moved.pk, by=user, now=now + HOUR / 2 + timedelta(minutes=1))
    reminders.write_due(now + HOUR)
    assert steps_of(visit)[-3:] == ["moved", "moved", "reminder"]
