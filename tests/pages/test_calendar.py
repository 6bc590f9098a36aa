"""The calendar: a week by hours, a month and six weeks in numbers, and booking from a free time."""

from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pypdf import PdfReader

from clinics.models import Clinic
from clinics.roles import Role
from pumps import agenda
from pumps.models import Forecast, Pump
from pumps.services import free
from scheduling.models import Appointment, VisitRules
from tests.builders import a_clinic, a_running_pump, a_user
from tests.pages.conftest import logged_in
from tests.scheduling.visits import DAY, a_visit

PAGES = ("calendar_week", "calendar_month", "calendar_load")


@pytest.fixture
def scheduler(clinic: Clinic) -> Client:
    return logged_in(a_user(Role.SCHEDULER, clinic))


@pytest.fixture
def pump(clinic: Clinic) -> Pump:
    return a_running_pump(clinic, filled_days_ago=70, now=timezone.now())


def free_of(pump: Pump, number: int = 0) -> datetime:
    row = Forecast.objects.select_related("clinic").get(pump=pump)
    return free.offer(pump=pump, row=row, now=timezone.now()).in_time[number]


def at_of(pump: Pump, at: datetime, **more: object) -> str:
    day = at.astimezone(pump.clinic.zone).date()
    return "&".join([f"?day={day}", *(f"{name}={value}" for name, value in more.items())])


def test_a_day_is_counted_on_its_clinics_wall_against_its_places(db: None) -> None:
    clinic = a_clinic(timezone="Pacific/Auckland")
    pump = a_running_pump(clinic)
    a_visit(pump, datetime(2026, 11, 24, 20, 0, tzinfo=UTC))
    VisitRules.objects.create(clinic=clinic, places=2)
    clinic.closed_days.create(day=date(2026, 11, 27), name="Fair")
    days = {each.day: each for each in agenda.loads([clinic], date(2026, 11, 23), date(2026, 11, 29))}
    assert days[date(2026, 11, 25)].load == agenda.Load(booked=1, places=28)
    assert days[date(2026, 11, 24)].load.booked == 0
    fair = days[date(2026, 11, 27)]
    assert (fair.is_closed, fair.closed_name, fair.load.places) == (True, "Fair", 0)
    assert days[date(2026, 11, 28)].is_closed


def test_what_is_due_is_counted_and_so_is_what_has_no_visit(db: None) -> None:
    clinic = a_clinic()
    one, other = (a_running_pump(clinic, filled_days_ago=70) for _ in range(2))
    a_visit(one)
    bound = Forecast.objects.get(pump=other).refill_by
    assert bound is not None
    day = bound.astimezone(clinic.zone).date()
    [found] = agenda.loads([clinic], day, day)
    assert (found.load.due, found.load.unbooked) == (2, 1)
    assert [row.pump_id for row in agenda.due_by_day([clinic], day, day)[day]] == [other.pk]


def test_a_month_on_a_phone_leads_down_to_today_where_it_has_it(scheduler: Client) -> None:
    today = timezone.now().date()
    here, later = (
        scheduler.get(reverse("calendar_month"), {"day": str(day)}).text for day in (today, today + timedelta(days=40))
    )
    assert (here.count('href="#today"'), here.count('id="today"')) == (1, 1)
    assert (later.count('href="#today"'), later.count('id="today"')) == (0, 0)


def test_the_week_shows_visits_what_is_due_and_free_times(clinic: Clinic, scheduler: Client, pump: Pump) -> None:
    now = timezone.now()
    visit = a_visit(a_running_pump(clinic, filled_days_ago=60, now=now), free_of(pump, 1), now=now)
    text = scheduler.get(reverse("calendar_week") + at_of(pump, visit.starts_at)).text
    assert f"{visit.patient.family_name}, {visit.patient.given_name}" in text
    assert "of 14 places" in text
    bound = Forecast.objects.get(pump=pump).refill_by
    assert bound is not None
    week = scheduler.get(reverse("calendar_week") + at_of(pump, bound))
    [due] = [row for column in week.context["columns"] for row in column.due]
    assert due.pump_id == pump.pk
    slots = [slot for column in week.context["columns"] for cell in column.cells for slot in cell.free]
    assert slots
    assert all(slot.at > now for slot in slots)


def test_times_are_late_for_whom_one_is_chosen(scheduler: Client, pump: Pump) -> None:
    bound = Forecast.objects.get(pump=pump).refill_by
    assert bound is not None
    answer = scheduler.get(reverse("calendar_week") + at_of(pump, bound + 7 * DAY, **{"for": pump.pk}))
    slots = [slot for column in answer.context["columns"] for cell in column.cells for slot in cell.free]
    assert slots
    assert all(slot.is_late for slot in slots)
    assert "Choose a time for" in answer.text


def test_a_free_time_is_booked_for_whom_it_was_chosen_and_undone(scheduler: Client, pump: Pump) -> None:
    at = free_of(pump)
    path = f"{reverse('calendar_book')}?at={at.isoformat().replace('+', '%2B')}&for={pump.pk}"
    assert "Book a visit" in scheduler.get(path).text
    answer = scheduler.post(path, {})
    assert Appointment.objects.get().starts_at == at
    week = scheduler.get(answer["Location"])
    assert "booked" in week.text
    assert "Undo" in week.text
    made = parse_qs(urlsplit(answer["Location"]).query)["made"]
    scheduler.post(reverse("undo_visit", args=made))
    assert Appointment.objects.get().state == "cancelled"


def test_a_visit_is_moved_to_a_free_time_and_one_seen_before_is_not(scheduler: Client, pump: Pump) -> None:
    visit = a_visit(pump, free_of(pump), now=timezone.now())
    at = free_of(pump, 4)
    path = f"{reverse('calendar_book')}?at={at.isoformat().replace('+', '%2B')}&for={pump.pk}"
    assert "The visit is now on" in scheduler.get(path).text
    assert "is booked for this pump already" in scheduler.post(path, {}).text
    assert "moved" in scheduler.post(path, {"seen": f"{visit.pk}-0"}, follow=True).text
    visit.refresh_from_db()
    assert visit.starts_at == at


def test_a_late_time_asks_why_and_one_taken_is_refused(clinic: Clinic, scheduler: Client, pump: Pump) -> None:
    row, now = Forecast.objects.select_related("clinic").get(pump=pump), timezone.now()
    late = free.offer(pump=pump, row=row, now=now).late[0]
    path = f"{reverse('calendar_book')}?at={late.isoformat().replace('+', '%2B')}&for={pump.pk}"
    assert "Choose an earlier time, or say why" in scheduler.post(path, {}).text
    a_visit(a_running_pump(clinic, filled_days_ago=60, now=now), late, now=now)
    assert "not free any more" in scheduler.get(path).text
    assert "not free any more" in scheduler.post(path, {"late_reason": "abroad"}).text
    assert not Appointment.objects.filter(pump=pump).exists()


def test_without_a_patient_those_without_a_visit_are_offered(clinic: Clinic, scheduler: Client, pump: Pump) -> None:
    now = timezone.now()
    booked = a_running_pump(clinic, filled_days_ago=60, now=now)
    a_visit(booked, free_of(booked), now=now)
    path = f"{reverse('calendar_book')}?clinic={clinic.pk}&at={free_of(pump).isoformat().replace('+', '%2B')}"
    shown = scheduler.get(path)
    assert [each["row"].pump_id for each in shown.context["rows"]] == [pump.pk]
    found = scheduler.get(f"{path}&q={booked.patient.family_name}")
    assert [each["row"].pump_id for each in found.context["rows"]] == [booked.pk]
    assert "Move here" in found.text
    assert "Nobody of this clinic matches" in scheduler.get(f"{path}&q=nobody").text


@pytest.mark.parametrize("view", PAGES)
@pytest.mark.parametrize(
    "query", [{"day": "soon"}, {"day": "0001-01-01"}, {"day": "9999-12-31"}, {"clinic": "x"}, {"clinic": "9" * 30}]
)
def test_odd_addresses_are_harmless(scheduler: Client, view: str, query: dict[str, str]) -> None:
    assert scheduler.get(reverse(view), query).status_code == 200
    assert scheduler.get(reverse("calendar_load_pdf"), query).status_code == 200


@pytest.mark.parametrize("at", ["", "soon", "2026-12-01", "9999-12-31T00:00:00+00:00", "0001-01-01T00:00:00+00:00"])
def test_a_time_that_is_none_leads_back(scheduler: Client, pump: Pump, at: str) -> None:
    for more in ({}, {"for": str(pump.pk)}):
        answer = scheduler.get(reverse("calendar_book"), {"at": at, **more}, follow=True)
        assert "Choose a free time of one clinic." in answer.text


@pytest.mark.parametrize("view", [*PAGES, "calendar_book"])
def test_strangers_and_those_who_do_not_book(clinic: Clinic, pump: Pump, stranger: Client, view: str) -> None:
    auditor = logged_in(a_user(Role.AUDITOR, clinic))
    query = {"for": str(pump.pk), "at": free_of(pump).isoformat()}
    assert stranger.get(reverse(view), query).status_code == 404
    assert auditor.get(reverse(view), query).status_code == 403
    if view != "calendar_book":
        assert pump.patient.family_name not in stranger.get(reverse(view), {"clinic": clinic.pk}).text
        answer = auditor.get(reverse(view))
        assert answer.status_code == 200
        assert reverse("calendar_book") not in answer.text
    else:
        assert auditor.get(reverse(view), {"clinic": str(clinic.pk), "at": query["at"]}).status_code == 403


def test_all_clinics_together_show_no_free_times(pump: Pump) -> None:
    other = a_clinic("Bay")
    a_visit(a_running_pump(other, now=timezone.now()), timezone.now() + 2 * DAY, now=timezone.now())
    client = logged_in(a_user(Role.SCHEDULER))
    answer = client.get(reverse("calendar_week") + at_of(pump, timezone.now() + 2 * DAY))
    assert "Choose a clinic to see its free times" in answer.text
    assert not [slot for column in answer.context["columns"] for cell in column.cells for slot in cell.free]


def test_the_load_is_a_picture_with_a_table_and_a_paper(scheduler: Client, pump: Pump) -> None:
    a_visit(pump, free_of(pump), now=timezone.now())
    answer = scheduler.get(reverse("calendar_load"))
    picture = answer.context["picture"]
    assert len(picture.table.rows) == len(picture.moments) == 42
    assert sum(int(row[1]) for row in picture.table.rows) == 1
    assert sum(int(row[3]) for row in picture.table.rows) == 1
    paper = scheduler.get(reverse("calendar_load_pdf"), {"paper": "letter"})
    text = "".join(page.extract_text() for page in PdfReader(BytesIO(paper.content)).pages)
    assert "Load by day" in text
    assert "Harbor" in text
    assert "Page 1 of" in text


def test_queries_do_not_grow_with_the_visits(clinic: Clinic, scheduler: Client) -> None:
    now = timezone.now()
    counts = []
    for number in (2, 4):
        for place in range(number):
            a_visit(a_running_pump(clinic, now=now), now + timedelta(hours=place + 1), now=now)
            a_running_pump(clinic, filled_days_ago=85, now=now)
        for view in PAGES:
            scheduler.get(reverse(view))
            with CaptureQueriesContext(connection) as queries:
                assert scheduler.get(reverse(view)).status_code == 200
            counts.append(len(queries))
    assert counts[:3] == counts[3:]
    assert max(counts) <= 20
