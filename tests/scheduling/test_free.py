"""Which times are free, and that two who want the same one do not both get it."""

import threading
from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.db import connection

from alerts.models import Alert
from clinics.errors import Conflict, Impossible
from clinics.models import Clinic
from pumps.models import Forecast, Pump
from pumps.services import booking, free
from pumps.services.free import remarks
from scheduling.models import Appointment, VisitRules
from tests.builders import NOW, a_clinic, a_running_pump, a_user
from tests.scheduling.visits import DAY, a_visit


def free_days(pump: Pump, most: int = 200) -> set[date]:
    return {each.astimezone(pump.clinic.zone).date() for each in booking.free_times(pump=pump, now=NOW, most=most)}


@pytest.mark.django_db
def test_times_lie_on_open_days_within_hours_and_never_after_the_date() -> None:
    clinic = a_clinic(opening_days=[0, 2])
    pump = a_running_pump(clinic, filled_days_ago=60)
    clinic.closed_days.create(day=date(2026, 12, 7))
    bound = Forecast.objects.get(pump=pump).refill_by
    assert bound is not None
    found = booking.free_times(pump=pump, now=NOW, most=200)
    walls = [each.astimezone(clinic.zone) for each in found]
    assert {wall.weekday() for wall in walls} == {0, 2}
    assert date(2026, 12, 7) not in {wall.date() for wall in walls}
    assert all(time(9) <= wall.time() <= time(15, 30) for wall in walls)
    assert NOW < found[0]
    assert found[-1] <= bound
    assert len(booking.free_times(pump=pump, now=NOW)) == 6


@pytest.mark.django_db
def test_nothing_is_offered_where_the_date_is_not_known() -> None:
    stopped = a_running_pump()
    Forecast.objects.filter(pump=stopped).update(refill_by=None)
    assert booking.free_times(pump=stopped, now=NOW) == []


@pytest.mark.django_db
def test_days_before_the_date_come_first_unless_it_is_near() -> None:
    clinic = a_clinic()
    pump, near = a_running_pump(clinic, filled_days_ago=30), a_running_pump(clinic, filled_days_ago=73)
    bound = Forecast.objects.get(pump=pump).refill_by
    assert bound is not None
    found = booking.free_times(pump=pump, now=NOW)
    walls = [each.astimezone(clinic.zone) for each in found]
    assert found == sorted(found)
    assert bound - 6 * DAY < found[0] < found[-1] <= bound
    assert {wall.weekday() for wall in walls} <= {0, 1, 2, 3, 4}
    assert len({wall.date() for wall in walls}) in (3, 4), "a morning and an afternoon each"
    assert booking.free_times(pump=near, now=NOW)[0].astimezone(clinic.zone).date() == date(2026, 11, 23)


@pytest.mark.django_db
@pytest.mark.parametrize("days_left", [-9, 0.5])
def test_where_no_visit_can_be_in_time_the_earliest_are_offered_and_need_no_reason(days_left: float) -> None:
    """NOW is a Sunday: half a day later the clinic has not opened."""
    clinic = a_clinic()
    pump, other = (a_running_pump(clinic, filled_days_ago=78) for _ in range(2))
    Forecast.objects.filter(pump=pump).update(refill_by=NOW + days_left * DAY)
    row = Forecast.objects.select_related("clinic").get(pump=pump)
    found = free.offer(pump=pump, row=row, now=NOW)
    assert (found.in_time, found.late, found.is_late) == ([], [], True)
    assert {each.astimezone(clinic.zone).day for each in found.earliest} == {23, 24, 25}
    assert ("past" in free.earliest_words(row, NOW)) == (days_left < 0)
    a_visit(other, found.earliest[0])
    with pytest.raises(Conflict, match="not free"):
        booking.book(pump_id=pump.pk, starts_at=found.earliest[0], by=None, who="the patient", now=NOW)
    with pytest.raises(Impossible):
        booking.book(pump_id=pump.pk, starts_at=found.earliest[-1] + 2 * DAY, by=a_user(), now=NOW)
    visit = booking.book(pump_id=pump.pk, starts_at=found.earliest[1], by=None, who="the patient", now=NOW)
    assert visit.late_reason == free.NONE_LEFT
    assert Alert.objects.open().filter(pump=pump, kind="appointment_late").exists()
    user = a_user()
    with pytest.raises(Impossible):
        booking.move(appointment_id=visit.pk, starts_at=found.earliest[-1] + 2 * DAY, by=user, now=NOW)
    booking.move(appointment_id=visit.pk, starts_at=found.earliest[2], by=user, now=NOW)
    longer = booking.move(appointment_id=visit.pk, starts_at=found.earliest[2], minutes=60, by=user, now=NOW)
    assert longer.late_reason == free.NONE_LEFT


@pytest.mark.django_db
def test_a_full_day_before_the_date_asks_staff_why_and_gives_a_patient_none() -> None:
    clinic = a_clinic()
    VisitRules.objects.create(clinic=clinic, minutes=420)
    pump, other = (a_running_pump(clinic, filled_days_ago=77) for _ in range(2))
    a_visit(other, datetime(2026, 11, 23, 14, 0, tzinfo=UTC), minutes=420)
    row = Forecast.objects.select_related("clinic").get(pump=pump)
    found = free.offer(pump=pump, row=row, now=NOW)
    assert (found.at_once, len(found.late)) == ([], 3)
    assert not free.is_free(pump, row, found.late[0], now=NOW)


@pytest.mark.django_db
def test_a_place_is_given_once_and_ones_own_is_free_to_keep() -> None:
    clinic = a_clinic()
    pump, other = (a_running_pump(clinic, filled_days_ago=75) for _ in range(2))
    first = booking.free_times(pump=pump, now=NOW)[0]
    visit = a_visit(pump, first)
    assert first not in booking.free_times(pump=other, now=NOW, most=200)
    assert first not in booking.free_times(pump=pump, now=NOW, most=200), "it has this one already"
    assert free.has_place(pump, first)
    with pytest.raises(Conflict, match="not free"):
        booking.book(pump_id=other.pk, starts_at=first, by=None, who="the patient", now=NOW)
    assert remarks(a_visit(other, first)) == ["1 other visit is booked at this time."]
    VisitRules.objects.create(clinic=clinic, places=2)
    assert remarks(visit) == []


@pytest.mark.django_db
def test_a_patient_gets_no_time_after_the_date() -> None:
    pump = a_running_pump(filled_days_ago=75)
    bound = Forecast.objects.get(pump=pump).refill_by
    assert bound is not None
    late = datetime(bound.year, bound.month, bound.day, 15, 0, tzinfo=UTC) + DAY
    with pytest.raises(Conflict):
        booking.book(pump_id=pump.pk, starts_at=late, late_reason="please", by=None, who="the patient", now=NOW)
    visit = a_visit(pump, booking.free_times(pump=pump, now=NOW)[0])
    with pytest.raises(Conflict):
        booking.move(appointment_id=visit.pk, starts_at=late, late_reason="x", by=None, who="the patient", now=NOW)


@pytest.mark.django_db
def test_staff_book_at_any_time_and_are_told_what_is_odd() -> None:
    clinic = a_clinic()
    clinic.closed_days.create(day=date(2026, 11, 26), name="Thanksgiving")
    sunday = a_visit(a_running_pump(clinic), datetime(2026, 11, 29, 15, 0, tzinfo=UTC))
    holiday = a_visit(a_running_pump(clinic), datetime(2026, 11, 26, 15, 0, tzinfo=UTC))
    night = a_visit(a_running_pump(clinic), datetime(2026, 11, 24, 4, 45, tzinfo=UTC))
    assert remarks(sunday) == ["The clinic does not refill on Sundays."]
    assert remarks(holiday) == ["The clinic is closed on Thu 26 Nov 2026 Thanksgiving."]
    assert remarks(night) == ["The clinic refills from 09:00 to 16:00."]


def _at_once(*actions: object) -> list[object]:
    """What each answered or raised, all begun together, each over a connection of its own."""
    barrier, answers = threading.Barrier(len(actions)), list[object]()

    def run(action: object) -> None:
        barrier.wait()
        try:
            answers.append(action())  # type: ignore[operator]  # a lambda of the test
        except Conflict as error:
            answers.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[action]) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


@pytest.mark.usefixtures("committed")
def test_of_two_who_book_one_pump_at_once_one_gets_it() -> None:
    pump, user = a_running_pump(), a_user()
    answers = _at_once(
        *(
            lambda days=days: booking.book(pump_id=pump.pk, starts_at=NOW + days * DAY, by=user, now=NOW)
            for days in (3, 4)
        )
    )
    assert sorted(type(answer).__name__ for answer in answers) == ["Appointment", "Conflict"]
    assert Appointment.objects.count() == 1


@pytest.mark.usefixtures("committed")
def test_of_two_patients_who_take_one_place_at_once_one_gets_it() -> None:
    clinic = Clinic.objects.create(name="Race", timezone="America/New_York")
    one, two = (a_running_pump(clinic, filled_days_ago=75) for _ in range(2))
    at = booking.free_times(pump=one, now=NOW)[0]
    answers = _at_once(
        *(
            lambda pump=pump: booking.book(pump_id=pump.pk, starts_at=at, by=None, who="the patient", now=NOW)
            for pump in (one, two)
        )
    )
    assert sorted(type(answer).__name__ for answer in answers) == ["Appointment", "Conflict"]


@pytest.mark.usefixtures("committed")
def test_a_move_and_a_cancel_at_once_leave_one_of_them() -> None:
    visit, user = a_visit(a_running_pump()), a_user()
    _at_once(
        lambda: booking.move(appointment_id=visit.pk, starts_at=NOW + 5 * DAY, by=user, now=NOW, seen=0),
        lambda: booking.cancel(appointment_id=visit.pk, reason="ill", by=user, now=NOW, seen=0),
    )
    visit.refresh_from_db()
    assert visit.sequence == 1
    assert visit.steps.count() == 2
    assert NOW + timedelta(days=1) < visit.starts_at
