"""Booking on the worklist: a row opens, one press books, undo takes it back; errors stay in the row in words."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinics.models import Clinic
from clinics.roles import Role
from pumps.models import Forecast, Pump
from pumps.services import booking, free
from scheduling.models import Appointment
from tests.builders import a_running_pump, a_user
from tests.pages.conftest import logged_in
from tests.scheduling.visits import a_visit

DAY = timedelta(days=1)
PART = {"HX-Request": "true"}


@pytest.fixture
def pump(clinic: Clinic) -> Pump:
    return a_running_pump(clinic, filled_days_ago=70, now=timezone.now())


@pytest.fixture
def late_pump(clinic: Clinic) -> Pump:
    return a_running_pump(clinic, filled_days_ago=92, now=timezone.now())


@pytest.fixture
def scheduler(clinic: Clinic) -> Client:
    return logged_in(a_user(Role.SCHEDULER, clinic))


def path_of(pump: Pump) -> str:
    return reverse("book_in_place", args=[pump.pk])


def offered(pump: Pump) -> free.Offer:
    row = Forecast.objects.select_related("clinic").get(pump=pump)
    return free.offer(pump=pump, row=row, now=timezone.now())


def send(client: Client, pump: Pump, **sent: Any) -> str:
    answer = client.post(path_of(pump), sent, headers=PART)
    assert answer.status_code == 200
    return answer.text


def test_a_row_opens_with_times_before_the_date_first(scheduler: Client, pump: Pump) -> None:
    text = scheduler.get(path_of(pump), headers=PART).text
    found = offered(pump)
    assert len(found.in_time) == 6
    assert 1 <= len(found.late) <= free.MOST_AFTER
    bound = Forecast.objects.get(pump=pump).refill_by
    assert bound is not None
    assert found.in_time[-1] <= bound < found.late[0]
    places = [text.index(each.isoformat()) for each in (*found.in_time, *found.late)]
    assert places == sorted(places)
    assert text.count("data-focus") == 1
    assert "Why it cannot be earlier" in text
    assert "data-focus" in scheduler.get(path_of(pump), {"step": "close"}, headers=PART).text


def test_one_press_books_and_the_row_says_so(scheduler: Client, pump: Pump) -> None:
    at = offered(pump).in_time[1]
    answer = scheduler.post(path_of(pump), {"slot": at.isoformat()}, headers=PART)
    visit = Appointment.objects.get()
    assert (visit.starts_at, visit.state) == (at, "booked")
    local = at.astimezone(pump.clinic.zone)
    assert f'data-said="Booked {local:%a} {local.day} {local:%b %Y, %H:%M}"' in answer.text
    assert answer["HX-Trigger"] == "visits-changed"
    assert "Undo" in answer.text


def test_undo_takes_the_visit_back_and_shows_the_times_again(scheduler: Client, pump: Pump) -> None:
    send(scheduler, pump, slot=offered(pump).in_time[0].isoformat())
    visit = Appointment.objects.get()
    path = reverse("undo_visit", args=[visit.pk])
    assert "is cancelled" in scheduler.post(path, headers=PART).text
    visit.refresh_from_db()
    assert visit.state == "cancelled"
    again = scheduler.post(path, headers=PART).text
    assert "not as you left it any more" in again


def test_only_who_booked_it_undoes_it_and_not_after_it_was_moved(
    clinic: Clinic, scheduler: Client, nurse: Client, pump: Pump
) -> None:
    send(scheduler, pump, slot=offered(pump).in_time[0].isoformat())
    visit = Appointment.objects.get()
    path = reverse("undo_visit", args=[visit.pk])
    assert "not as you left it" in nurse.post(path, headers=PART).text
    by = a_user(Role.NURSE, clinic)
    booking.move(appointment_id=visit.pk, starts_at=offered(pump).in_time[2], by=by, now=timezone.now())
    assert "not as you left it" in scheduler.post(path, headers=PART).text
    visit.refresh_from_db()
    assert visit.state == "booked"


def test_a_time_taken_meanwhile_is_refused_in_the_row(clinic: Clinic, scheduler: Client, pump: Pump) -> None:
    now = timezone.now()
    at = offered(pump).in_time[0]
    other = a_running_pump(clinic, filled_days_ago=70, now=now)
    a_visit(other, at, now=now)
    text = send(scheduler, pump, slot=at.isoformat())
    assert "not free any more" in text
    assert at.isoformat() not in text
    assert not Appointment.objects.filter(pump=pump).exists()


def test_where_the_date_has_passed_one_press_books_one_of_the_earliest(scheduler: Client, late_pump: Pump) -> None:
    text, found = scheduler.get(path_of(late_pump), headers=PART).text, offered(late_pump)
    assert "Refill-by is past: the earliest times" in text
    assert text.count('name="slot"') == len(found.earliest) == 6
    page = scheduler.get(reverse("visit", args=[late_pump.pk])).text
    assert "Refill-by is past: the earliest times" in page
    calendar = scheduler.get(
        reverse("calendar_book"), {"at": found.earliest[1].isoformat(), "for": str(late_pump.pk)}
    ).text
    assert "one of the earliest free times" in calendar
    assert 'name="late_reason"' not in calendar
    assert "Booked" in send(scheduler, late_pump, slot=found.earliest[0].isoformat())
    assert Appointment.objects.get().late_reason == free.NONE_LEFT
    moving = scheduler.get(path_of(late_pump), headers=PART).text
    assert found.earliest[0].isoformat() not in moving, "the time it has is not offered"


def test_a_late_time_needs_its_reason(scheduler: Client, pump: Pump) -> None:
    at = offered(pump).late[0].isoformat()
    text = send(scheduler, pump, slot=at, late_reason=" ")
    assert "This is after refill-by" in text
    assert 'aria-invalid="true"' in text
    assert not Appointment.objects.exists()
    assert "Booked" in send(scheduler, pump, slot=at, late_reason="abroad")
    assert Appointment.objects.get().late_reason == "abroad"


def test_a_visit_that_stands_is_moved_in_place(scheduler: Client, pump: Pump) -> None:
    visit = a_visit(pump, offered(pump).in_time[0], now=timezone.now())
    assert "Move the visit of" in scheduler.get(path_of(pump), headers=PART).text
    at = offered(pump).in_time[3]
    assert "Moved to" in send(scheduler, pump, slot=at.isoformat(), seen=f"{visit.pk}-0")
    visit.refresh_from_db()
    assert (visit.starts_at, visit.sequence) == (at, 1)
    assert "changed this visit meanwhile" in send(
        scheduler, pump, slot=offered(pump).in_time[1].isoformat(), seen=f"{visit.pk}-0"
    )


def test_the_panel_of_who_has_come_says_so_and_takes_the_focus(scheduler: Client, pump: Pump) -> None:
    a_visit(pump, offered(pump).in_time[0], now=timezone.now())
    Appointment.objects.update(starts_at=timezone.now(), state="arrived")
    text = scheduler.get(path_of(pump), headers=PART).text
    assert f"{pump.patient} has come</h2>" in text
    assert text.count(f'id="panel-{pump.pk}-title"') == text.count("data-focus") == text.count("data-said") == 1
    assert 'name="slot"' not in text


def test_a_form_that_saw_no_visit_does_not_move_one(scheduler: Client, pump: Pump) -> None:
    at = offered(pump).in_time[2]
    visit = a_visit(pump, offered(pump).in_time[0], now=timezone.now())
    assert "is booked for this pump already" in send(scheduler, pump, slot=at.isoformat())
    visit.refresh_from_db()
    assert visit.sequence == 0


@pytest.mark.parametrize("slot", ["", "soon", "2026-12-01T09:00", "9999-12-31T23:59:59+00:00", "\x00", "9" * 10_000])
def test_rubbish_books_nothing(scheduler: Client, pump: Pump, slot: str) -> None:
    assert "said-error" in send(scheduler, pump, slot=slot, late_reason="\x00", seen="x")
    assert not Appointment.objects.exists()


def test_without_script_the_visits_own_page_is_the_way(scheduler: Client, pump: Pump) -> None:
    visit_page = reverse("visit", args=[pump.pk])
    assert scheduler.get(path_of(pump))["Location"] == visit_page
    assert scheduler.post(path_of(pump), {"slot": "x"})["Location"] == visit_page
    answer = scheduler.post(path_of(pump), {"slot": offered(pump).in_time[0].isoformat()}, follow=True)
    assert "Booked" in answer.text
    undone = scheduler.post(reverse("undo_visit", args=[Appointment.objects.get().pk]), follow=True)
    assert "is cancelled" in undone.text


def test_those_who_do_not_book_and_strangers(clinic: Clinic, pump: Pump, stranger: Client, scheduler: Client) -> None:
    send(scheduler, pump, slot=offered(pump).in_time[0].isoformat())
    undo = reverse("undo_visit", args=[Appointment.objects.get().pk])
    auditor = logged_in(a_user(Role.AUDITOR, clinic))
    assert "Book<" not in auditor.get(reverse("worklist")).text
    for client, status in ((auditor, 403), (stranger, 404)):
        assert client.get(path_of(pump), headers=PART).status_code == status
        assert client.post(path_of(pump), {"slot": "x"}, headers=PART).status_code == status
        assert client.post(undo).status_code == status
    assert Appointment.objects.get().state == "booked"
