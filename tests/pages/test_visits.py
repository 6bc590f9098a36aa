from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from clinics.models import Clinic
from clinics.roles import Role
from pumps.models import Forecast, Pump
from pumps.services import booking
from scheduling.models import Appointment, VisitRules
from tests.builders import a_clinic, a_running_pump, a_user
from tests.pages.conftest import logged_in
from tests.scheduling.visits import a_visit

DAY = timedelta(days=1)


@pytest.fixture
def pump(clinic: Clinic) -> Pump:
    return a_running_pump(clinic, filled_days_ago=70, now=timezone.now())


def page_of(pump: Pump) -> str:
    return reverse("visit", args=[pump.pk])


def test_a_free_time_is_one_tap_away(nurse: Client, pump: Pump) -> None:
    free = booking.free_times(pump=pump, now=timezone.now())
    shown = nurse.get(page_of(pump)).context["form"]["slot"].field.choices
    assert [value for value, _ in shown] == [*(each.isoformat() for each in free), "other"]
    answer = nurse.post(page_of(pump), {"slot": free[1].isoformat(), "minutes": 30}, follow=True)
    assert "Booked for" in answer.text
    assert Appointment.objects.get().starts_at == free[1]


def test_another_time_is_written_on_the_clinics_wall_and_moved_the_same_way(nurse: Client, pump: Pump) -> None:
    day = (timezone.now() + 2 * DAY).date()
    nurse.post(page_of(pump), {"slot": "other", "starts_at": f"{day}T10:30", "minutes": 45})
    visit = Appointment.objects.get()
    local = visit.starts_at.astimezone(pump.clinic.zone)
    assert (f"{local:%Y-%m-%d %H:%M}", visit.minutes) == (f"{day} 10:30", 45)
    sent = {"slot": "other", "starts_at": f"{day}T11:30", "minutes": 45, "reason": "bus", "seen": f"{visit.pk}-0"}
    assert "Moved to" in nurse.post(page_of(pump), sent, follow=True).text
    again = nurse.post(page_of(pump), {**sent, "starts_at": f"{day}T12:30"})
    assert "changed this visit meanwhile" in again.text
    visit.refresh_from_db()
    assert visit.sequence == 1


def test_a_form_that_showed_no_visit_moves_none_and_one_that_showed_one_books_none(nurse: Client, pump: Pump) -> None:
    visit = a_visit(pump, timezone.now() + 3 * DAY, now=timezone.now(), late_reason="away")
    free = booking.free_times(pump=pump, now=timezone.now())[0].isoformat()
    assert "is booked for this pump already" in nurse.post(page_of(pump), {"slot": free, "minutes": 30}).text
    booking.cancel(appointment_id=visit.pk, reason="ill", by=a_user(), now=timezone.now())
    sent = {"slot": free, "minutes": 30, "reason": "bus", "seen": f"{visit.pk}-0"}
    assert "changed this visit meanwhile" in nurse.post(page_of(pump), sent).text
    other = a_visit(pump, timezone.now() + 3 * DAY, now=timezone.now(), late_reason="away")
    assert "changed this visit meanwhile" in nurse.post(page_of(pump), sent).text
    assert list(Appointment.objects.standing().values_list("pk", "sequence")) == [(other.pk, 0)]


@pytest.mark.parametrize(("wall", "said"), [("2027-03-14T02:30", "did not exist"), ("2027-11-07T01:30", "twice")])
def test_an_hour_the_clocks_skip_or_show_twice_is_refused_at_its_field(
    nurse: Client, pump: Pump, wall: str, said: str
) -> None:
    answer = nurse.post(page_of(pump), {"slot": "other", "starts_at": wall, "minutes": 30, "late_reason": "x"})
    assert said in str(answer.context["form"].errors["starts_at"])
    assert not Appointment.objects.exists()


def test_a_late_time_needs_a_reason_and_is_flagged_everywhere(nurse: Client, pump: Pump) -> None:
    bound = Forecast.objects.get(pump=pump).refill_by
    assert bound is not None
    wall = f"{(bound + 2 * DAY).date()}T10:30"
    sent = {"slot": "other", "starts_at": wall, "minutes": 30}
    assert "say why" in str(nurse.post(page_of(pump), sent).context["form"].errors["late_reason"])
    nurse.post(page_of(pump), {**sent, "late_reason": "abroad"})
    day = Appointment.objects.get().starts_at.astimezone(pump.clinic.zone).date()
    for path in (reverse("worklist"), reverse("pump", args=[pump.pk]), f"{reverse('visits')}?day={day}"):
        assert "After refill-by" in nurse.get(path).text, path


def test_neither_or_two_times_are_asked_about(nurse: Client, pump: Pump) -> None:
    free = booking.free_times(pump=pump, now=timezone.now())
    for sent in ({}, {"slot": free[0].isoformat(), "starts_at": "2030-01-01T10:00"}):
        answer = nurse.post(page_of(pump), {"minutes": 30, **sent})
        assert "starts_at" in answer.context["form"].errors
    assert not Appointment.objects.exists()


def test_the_desk_works_through_the_days_list(clinic: Clinic, nurse: Client, pump: Pump) -> None:
    now = timezone.now()
    visit = a_visit(pump, now, now=now)
    Appointment.objects.update(starts_at=now - timedelta(seconds=1))
    day = visit.starts_at.astimezone(clinic.zone).date()
    path = f"{reverse('visits')}?day={day}"
    assert pump.patient.family_name in nurse.get(path).text
    for name, state in (("confirm_visit", "confirmed"), ("miss_visit", "no_show"), ("arrive_visit", "arrived")):
        answer = nurse.post(reverse(name, args=[visit.pk]), {"back": "day"})
        assert answer["Location"].startswith(reverse("visits"))
        visit.refresh_from_db()
        assert visit.state == state
    refused = nurse.post(reverse("confirm_visit", args=[visit.pk]), follow=True)
    assert "cannot become confirmed" in refused.text


def test_a_visit_is_cancelled_with_a_reason(nurse: Client, pump: Pump) -> None:
    visit = a_visit(pump, timezone.now() + DAY, now=timezone.now())
    path = reverse("cancel_visit", args=[visit.pk])
    assert "reason" in nurse.post(path, {"reason": ""}).context["form"].errors
    nurse.post(path, {"reason": "ill", "seen": "0"})
    visit.refresh_from_db()
    assert (visit.state, visit.ended_reason) == ("cancelled", "ill")


def test_those_who_do_not_book_see_visits_and_no_buttons(clinic: Clinic, pump: Pump, stranger: Client) -> None:
    visit = a_visit(pump, timezone.now() + DAY, now=timezone.now())
    auditor = logged_in(a_user(Role.AUDITOR, clinic))
    assert page_of(pump) not in auditor.get(reverse("pump", args=[pump.pk])).text
    assert auditor.get(page_of(pump)).status_code == 403
    assert auditor.post(reverse("confirm_visit", args=[visit.pk])).status_code == 403
    assert stranger.get(page_of(pump)).status_code == 404
    assert stranger.post(reverse("confirm_visit", args=[visit.pk])).status_code == 404


def test_a_clinic_sets_its_hours_and_reminders(clinic: Clinic, administrator: Client) -> None:
    path = reverse("visit_rules", args=[clinic.pk])
    sent = {
        "opens_at": "08:00", "closes_at": "12:00", "minutes": "20", "places": "2", "reminder_days": "3, 10, 3",
        "remind_from": "09:00", "remind_until": "17:00", "missed_after_hours": "",
        "reminder_channels": ["email", "sms"],
    }  # fmt: skip
    without = administrator.post(path, {**sent, "reminder_channels": []}).context["form"].errors
    assert without["reminder_channels"] == ["Choose at least one, or leave the days before blank to remind nobody."]
    assert administrator.post(path, {**sent, "closes_at": "07:00"}).context["form"].errors["closes_at"]
    assert administrator.post(path, {**sent, "reminder_days": "3 10"}).context["form"].errors["reminder_days"]
    assert not VisitRules.objects.exists()
    administrator.post(path, sent)
    rules = VisitRules.objects.get()
    assert (rules.minutes, rules.places, rules.reminder_days, rules.missed_after_hours) == (20, 2, [10, 3], None)
    assert rules.reminder_channels == ["email", "sms"]


def test_the_days_list_asks_no_more_for_more_visits(clinic: Clinic, nurse: Client) -> None:
    now = timezone.now()
    counts = []
    for number in (2, 4):
        for _ in range(number):
            a_visit(a_running_pump(clinic, now=now), now, now=now)
        for path in (reverse("visits"), reverse("worklist")):
            nurse.get(path)
            with CaptureQueriesContext(connection) as queries:
                assert nurse.get(path).status_code == 200
            counts.append(len(queries))
    assert counts[:2] == counts[2:]


@pytest.mark.parametrize("query", [{"day": "soon"}, {"day": "0001-01-01"}, {"day": "9999-12-31"}, {"clinic": "x"}])
def test_odd_days_are_today(nurse: Client, query: dict[str, str]) -> None:
    answer = nurse.get(reverse("visits"), query)
    assert answer.status_code == 200
    assert answer.context["is_today"]


@pytest.mark.django_db
def test_a_day_shows_each_clinic_on_its_own_wall() -> None:
    now = timezone.now()
    client = logged_in(a_user(Role.NURSE))
    auckland, hawaii = a_clinic(timezone="Pacific/Auckland"), a_clinic(timezone="Pacific/Honolulu")
    for clinic in (auckland, hawaii):
        a_visit(a_running_pump(clinic, now=now), now + 2 * DAY, now=now)
        day = (now + 2 * DAY).astimezone(clinic.zone).date()
        lines = client.get(f"{reverse('visits')}?day={day}&clinic={clinic.pk}").context["lines"]
        assert [line.visit.clinic for line, _ in lines] == [clinic]
