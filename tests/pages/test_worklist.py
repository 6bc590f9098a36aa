from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from clinics.models import Clinic
from clinics.roles import Role
from pumps import queries
from pumps.models import Event, Forecast, Pump
from pumps.pages import worklist
from pumps.services import ledger
from pumps.services.entries import DoseEntry
from tests.builders import a_clinic, a_dose, a_patient, a_pump, a_refill, a_running_pump, a_user, recorded
from tests.pages.conftest import logged_in


def shown(client: Client, **query: str | int) -> list[int]:
    return [line.pump.pk for line in client.get(reverse("worklist"), query).context["lines"]]


def test_the_most_urgent_pump_is_first_and_unknown_before_all(clinic: Clinic, nurse: Client) -> None:
    now = timezone.now()
    late = a_running_pump(clinic, filled_days_ago=90, now=now)
    fresh = a_running_pump(clinic, filled_days_ago=2, now=now)
    unknown = a_pump(clinic, now=now)
    assert shown(nurse) == [unknown.pk, late.pk, fresh.pk]


def test_each_line_says_how_urgent_in_a_word(clinic: Clinic, nurse: Client) -> None:
    now = timezone.now()
    for days in (2, 66, 80, 90, 101):
        a_running_pump(clinic, filled_days_ago=days, now=now)
    a_pump(clinic, now=now)
    stopped = a_running_pump(clinic, filled_days_ago=5, now=now)
    stop = DoseEntry(effective_at=now - timedelta(hours=1), mode="stopped", daily_dose_mcg=Decimal(0))
    ledger.record(pump_id=stopped.pk, entry=stop, user=a_user(), source=Event.Source.PAGE, now=now)
    words = [line.urgency.word for line in nurse.get(reverse("worklist")).context["lines"]]
    severe = ["Stopped", "Reservoir empty", "Unknown", "Reservoir low", "Past refill-by"]
    assert words == [*severe, "Not booked", "Later"]


def test_days_left_are_the_clinics_days(clinic: Clinic, nurse: Client) -> None:
    pump = a_running_pump(clinic, filled_days_ago=50, now=timezone.now())
    refill_by = Forecast.objects.get(pump=pump).refill_by
    assert refill_by is not None
    [line] = nurse.get(reverse("worklist")).context["lines"]
    today = timezone.now().astimezone(clinic.zone).date()
    days = (refill_by.astimezone(clinic.zone).date() - today).days
    assert line.left == f"in {days} days"


def test_search_by_name_mrn_phone_and_serial_number(clinic: Clinic, nurse: Client) -> None:
    patient = a_patient(clinic, given_name="Cora", family_name="Okafor", mrn="Z77", phone="+1 555 0199")
    pump = a_pump(clinic, patient=patient, serial_number="NGP42X")
    a_pump(clinic)
    for text in ("okaf", "cora okafor", "Z77", "0199", "ngp42"):
        assert shown(nurse, q=text) == [pump.pk], text
    assert shown(nurse, q="nobody") == []
    assert "Nothing matches" in nurse.get(reverse("worklist"), {"q": "nobody"}).text


@pytest.mark.parametrize("text", ["'; drop", "\x00", "a & | !", ":*", "%"])
def test_odd_searches_are_harmless(clinic: Clinic, nurse: Client, text: str) -> None:
    assert nurse.get(reverse("worklist"), {"q": text}).status_code == 200


@pytest.mark.parametrize("query", [{"after": "x"}, {"after": "9" * 17 + "-1"}, {"clinic": "x"}, {"within": "9" * 18}])
def test_odd_addresses_are_harmless(clinic: Clinic, nurse: Client, query: dict[str, str]) -> None:
    assert nurse.get(reverse("worklist"), query).status_code == 200


def test_a_serious_finding_is_on_the_line_of_those_who_may_know_it(clinic: Clinic, nurse: Client) -> None:
    now = timezone.now()
    pump = a_running_pump(clinic, now=now)
    a_refill(pump, now - timedelta(days=1), now=now, aspirated_ml=Decimal(0))
    assert "Serious finding" in nurse.get(reverse("worklist")).text
    scheduler = logged_in(a_user(Role.SCHEDULER, clinic))
    assert "Serious finding" not in scheduler.get(reverse("worklist")).text


def test_only_pumps_due_within_some_days(clinic: Clinic, nurse: Client) -> None:
    now = timezone.now()
    soon = a_running_pump(clinic, filled_days_ago=80, now=now)
    a_running_pump(clinic, filled_days_ago=2, now=now)
    assert shown(nurse, within=14) == [soon.pk]


def test_one_of_several_clinics(clinic: Clinic) -> None:
    other = a_clinic()
    here, there = a_pump(clinic), a_pump(other)
    client = logged_in(a_user(Role.NURSE))
    assert set(shown(client)) == {here.pk, there.pk}
    assert shown(client, clinic=other.pk) == [there.pk]
    assert other.name in client.get(reverse("worklist")).text


def fill_worklist(clinic: Clinic, count: int) -> list[int]:
    """Pumps without events sort at one moment, so that only their ids tell them apart."""
    return [a_pump(clinic).pk for _ in range(count)]


def test_pages_follow_one_another_without_gap_or_repeat(clinic: Clinic, nurse: Client) -> None:
    pumps = fill_worklist(clinic, 80)
    first = nurse.get(reverse("worklist"))
    second = nurse.get(reverse("worklist") + first.context["page"].next)
    seen = [line.pump.pk for page in (first, second) for line in page.context["lines"]]
    assert seen == pumps
    assert not second.context["page"].next
    assert second.context["page"].first


def count_queries(client: Client, path: str) -> int:
    client.get(path)  # a log-in notes that it is used once in a while
    with CaptureQueriesContext(connection) as queries:
        assert client.get(path).status_code == 200
    return len(queries)


def test_queries_do_not_grow_with_the_list(clinic: Clinic, nurse: Client) -> None:
    fill_worklist(clinic, 5)
    few = count_queries(nurse, reverse("worklist"))
    fill_worklist(clinic, 50)
    assert count_queries(nurse, reverse("worklist")) == few
    assert few <= 15


def test_queries_of_a_pump_do_not_grow_with_its_ledger(clinic: Clinic, nurse: Client) -> None:
    now = timezone.now()
    pump = a_running_pump(clinic, now=now)
    path = reverse("pump", args=[pump.pk])
    few = count_queries(nurse, path)
    for hours in range(1, 20):
        a_dose(pump, now - timedelta(hours=hours), now=now)
    assert count_queries(nurse, path) == few
    assert few <= 21


def test_nor_with_what_was_entered_in_error(clinic: Clinic, nurse: Client) -> None:
    now, user = timezone.now(), a_user()
    pump = a_running_pump(clinic, now=now)
    path = reverse("pump", args=[pump.pk])

    def in_error(hours: int) -> None:
        """A dose that never was, put right by another."""
        wrong, right = (a_dose(pump, now - timedelta(hours=hours, minutes=each), now=now) for each in (0, 9))
        ledger.void(
            pump_id=pump.pk, event_id=wrong.pk, reason="slip", replacement=right, user=user, source="page", now=now
        )

    in_error(1)
    few = count_queries(nurse, path)
    for hours in range(2, 8):
        in_error(hours)
    assert count_queries(nurse, path) == few


def test_an_empty_worklist_says_what_to_do(clinic: Clinic, nurse: Client) -> None:
    assert "import_clinic" in nurse.get(reverse("worklist")).text
    assert Pump.objects.count() == 0
    homeless = logged_in(a_user())
    assert "add_member" in homeless.get(reverse("worklist")).text


def test_a_search_that_very_many_match_says_that_not_all_are_looked_at(
    clinic: Clinic, nurse: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (queries, worklist):
        monkeypatch.setattr(module, "MOST_MATCHES", 2)
    for number in range(4):
        a_running_pump(clinic, serial_number=f"NGP{number}")
    assert "More than 2 pumps match “ngp”" in nurse.get(reverse("worklist"), {"q": "ngp"}).content.decode()
    assert "More than" not in nurse.get(reverse("worklist"), {"q": "ngp1"}).content.decode()


def test_what_is_stopped_empty_or_low_stands_before_what_is_due_earlier(clinic: Clinic, nurse: Client) -> None:
    now = timezone.now()
    pumps = [a_running_pump(clinic, filled_days_ago=days, now=now) for days in (9, 8, 7, 3, 1)]
    due, low, empty, stopped, later = pumps
    for pump, days in ((due, 9), (low, 3), (empty, 2)):
        at = now - timedelta(days=days)
        Forecast.objects.filter(pump=pump).update(refill_by=at, worklist_at=at)
    Forecast.objects.filter(pump__in=[low, empty]).update(earliest_low_at=now - timedelta(hours=2))
    Forecast.objects.filter(pump=empty).update(empty_at=now - timedelta(hours=1))
    stop = DoseEntry(effective_at=now - timedelta(hours=1), mode="stopped", daily_dose_mcg=Decimal(0))
    recorded(stopped, stop, now=now)
    assert shown(nurse) == [pump.pk for pump in (stopped, empty, low, due, later)]
    assert shown(nurse, visit="none") == [pump.pk for pump in (stopped, empty, low, due)]
    chosen = shown(nurse, urgency="past")
    assert chosen == [due.pk]
