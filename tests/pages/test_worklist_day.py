"""What stands above the worklist and narrows it: today, whom to call, counts, filters, and the list on paper."""

from datetime import timedelta
from io import BytesIO

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pypdf import PdfReader

from clinics.models import Change, Clinic
from clinics.roles import Role
from pumps.models import Forecast, Pump
from pumps.pages import worklist
from pumps.services import fleet, to_call
from tests.builders import a_clinic, a_patient, a_running_pump, a_user
from tests.pages.conftest import logged_in
from tests.pages.test_worklist import shown
from tests.scheduling.visits import a_visit

PART = {"HX-Request": "true"}


@pytest.fixture
def scheduler(clinic: Clinic) -> Client:
    return logged_in(a_user(Role.SCHEDULER, clinic))


@pytest.fixture
def pumps(clinic: Clinic) -> dict[str, Pump]:
    """One past its date, one due soon and booked, one far off."""
    now = timezone.now()
    found = {
        name: a_running_pump(
            clinic, filled_days_ago=days, now=now, patient=a_patient(clinic, family_name=name, phone="+1 555 0100")
        )
        for name, days in (("Past", 80), ("Soon", 66), ("Later", 2))
    }
    a_visit(found["Soon"], now + timedelta(days=2), now=now)
    return found


def test_the_list_is_narrowed_by_urgency_and_to_those_without_a_visit(
    scheduler: Client, pumps: dict[str, Pump]
) -> None:
    assert shown(scheduler, urgency="past") == [pumps["Past"].pk]
    assert shown(scheduler, urgency="later") == [pumps["Later"].pk]
    assert shown(scheduler, visit="none") == [pumps["Past"].pk]
    assert shown(scheduler, visit="none", urgency="unbooked") == []
    assert shown(scheduler, urgency="nonsense\x00") == []
    assert "Nothing matches" in scheduler.get(reverse("worklist"), {"urgency": "empty"}).text


def test_counts_are_links_that_keep_the_rest_of_the_address(scheduler: Client, pumps: dict[str, Pump]) -> None:
    path = reverse("worklist_now")
    chips = scheduler.get(path, {"within": "60", "after": "1-1"}, headers=PART).context["chips"]
    assert {chip.code: chip.count for chip in chips} == {"past": 1, "unbooked": 1, "no-visit": 1}
    past = next(chip for chip in chips if chip.code == "past")
    assert past.address == "?within=60&urgency=past"
    chosen = scheduler.get(path + past.address, headers=PART).context["chips"]
    assert next(chip for chip in chosen if chip.code == "past").address == "?within=60"
    assert "<html" in scheduler.get(path).text
    assert "<html" not in scheduler.get(path, headers=PART).text


def test_today_is_told_in_a_line(clinic: Clinic, scheduler: Client, pumps: dict[str, Pump]) -> None:
    now = timezone.now()
    local = now.astimezone(clinic.zone)
    at = local.replace(hour=23, minute=50) if local.hour < 23 else local
    for _ in range(6):
        a_visit(a_running_pump(clinic, now=now), at, now=now)
    today = scheduler.get(reverse("worklist")).context["today"]
    assert (len(today.named), today.count, today.others) == (4, 6, 2)
    assert "and 2 more" in scheduler.get(reverse("worklist")).text


def test_whom_to_call_is_the_call_lists_top(clinic: Clinic, scheduler: Client, pumps: dict[str, Pump]) -> None:
    fleet.tick(timezone.now())
    found = scheduler.get(reverse("worklist_now"), headers=PART).context["to_call"]
    assert [line.patient.family_name for line in found.lines] == ["Past"]
    on_list = scheduler.get(reverse("clinic_call_list", args=[clinic.pk])).context["to_phone"]
    assert [line.pump.pk for line, _called in on_list] == [line.pump.pk for line in found.lines]


def test_of_several_clinics_whom_to_call_is_of_all_of_them(clinic: Clinic, pumps: dict[str, Pump]) -> None:
    bay, now = a_clinic("Bay"), timezone.now()
    a_running_pump(bay, filled_days_ago=85, now=now, patient=a_patient(bay, family_name="Bayer"))
    elsewhere = a_clinic("Elsewhere")
    a_running_pump(elsewhere, filled_days_ago=85, now=now)
    fleet.tick(now)
    user = a_user(Role.SCHEDULER, clinic)
    user.memberships.create(clinic=bay, role=Role.SCHEDULER.value)
    client, path = logged_in(user), reverse("worklist_now")

    def named(**query: int) -> list[str]:
        found = client.get(path, query, headers=PART).context["to_call"]
        return [line.patient.family_name for line in found.lines] if found is not None else []

    assert named() == ["Bayer", "Past"]
    assert "Bay ·" in client.get(path, headers=PART).text
    assert named(clinic=clinic.pk) == ["Past"]
    assert named(clinic=10**9) == named(clinic=elsewhere.pk) == []


def test_whom_to_call_is_bounded(clinic: Clinic, scheduler: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    now = timezone.now()
    for _ in range(4):
        a_running_pump(clinic, filled_days_ago=82, now=now)
    fleet.tick(now)
    monkeypatch.setattr(worklist, "MOST_TO_CALL", 2)
    monkeypatch.setattr(to_call, "LOOKED_AT", 3)
    answer = scheduler.get(reverse("worklist_now"), headers=PART)
    found = answer.context["to_call"]
    assert (len(found.lines), found.count, found.is_more) == (2, 3, True)
    assert "The 2 most urgent" in answer.text


def text_of(answer: bytes) -> str:
    return " ".join("\n".join(page.extract_text() for page in PdfReader(BytesIO(answer)).pages).split())


def test_the_paper_holds_what_the_screen_showed(clinic: Clinic, scheduler: Client, pumps: dict[str, Pump]) -> None:
    answer = scheduler.get(reverse("worklist_pdf"), {"visit": "none", "paper": "letter"})
    assert answer["Content-Type"] == "application/pdf"
    text = text_of(answer.content)
    assert "Past, Ada" in text
    assert "Soon, Ada" not in text
    assert "Shown: Harbor; due, without a visit." in text
    assert "Page 1 of 1" in text
    assert "for user" in text
    assert Change.objects.get(clinic=clinic, summary__startswith="Worklist downloaded").summary.endswith("(Letter)")


@pytest.mark.parametrize("query", [{"paper": "x"}, {"urgency": "\x00"}, {"clinic": "9" * 17}, {"q": "nobody"}])
def test_an_odd_paper_is_one_all_the_same(scheduler: Client, query: dict[str, str]) -> None:
    assert scheduler.get(reverse("worklist_pdf"), query).content.startswith(b"%PDF")


def test_a_stranger_prints_nothing_of_it(pumps: dict[str, Pump], stranger: Client, clinic: Clinic) -> None:
    text = text_of(stranger.get(reverse("worklist_pdf"), {"clinic": clinic.pk}).content)
    assert "Past, Ada" not in text
    assert not Change.objects.filter(clinic=clinic, summary__startswith="Worklist").exists()


def test_queries_of_counts_do_not_grow(clinic: Clinic, scheduler: Client, pumps: dict[str, Pump]) -> None:
    counts: list[int] = []
    scheduler.get(reverse("worklist_now"), headers=PART)  # a log-in notes that it is used once in a while
    for _ in range(2):
        fleet.tick(timezone.now())
        with CaptureQueriesContext(connection) as queries:
            scheduler.get(reverse("worklist_now"), headers=PART)
        counts.append(len(queries))
        for _ in range(3):
            a_running_pump(clinic, filled_days_ago=82, now=timezone.now())
    assert counts[0] == counts[1] <= 20
    assert Forecast.objects.count() == 9


def test_serious_findings_are_counted_and_shown_alone_to_who_sees_them(
    clinic: Clinic, scheduler: Client, pumps: dict[str, Pump]
) -> None:
    """Whatever their date; a scheduler is not told."""
    finding = {"severity": "high", "code": "x", "message": "m", "source": "s"}
    Forecast.objects.filter(pump=pumps["Later"]).update(findings=[finding])
    nurse = logged_in(a_user(Role.NURSE, clinic))
    for client, count, listed in ((nurse, [1], [pumps["Later"].pk]), (scheduler, [], [])):
        chips = client.get(reverse("worklist_now"), headers=PART).context["chips"]
        assert [chip.count for chip in chips if chip.code == "high"] == count
        assert shown(client, urgency="high") == listed
