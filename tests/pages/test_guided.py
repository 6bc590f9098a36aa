"""The guided refill visit without a script: what is asked, what is stored, and that it is stored once."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinics.models import Clinic
from clinics.roles import Role
from clinics.words import calendar_day
from pumps.models import Event, Pump, VisitDraft
from pumps.services import booking
from scheduling.models import Appointment
from tests.builders import a_dose, a_pump, a_refill, a_running_pump, a_user
from tests.pages.conftest import logged_in
from tests.pages.test_record import rows, wall


@pytest.fixture
def pump(clinic: Clinic) -> Pump:
    return a_running_pump(clinic, filled_days_ago=80, now=timezone.now())


def visit(pump: Pump, **values: Any) -> dict[str, Any]:
    """A whole visit as the page sends it: 8 mL are programmed to be left after 80 days."""
    return {
        **rows("steps"),
        **rows("boluses"),
        "visit": str(uuid4()),
        "identity": "on",
        "drug_checked": "on",
        "needle": "felt",
        "emptying": "emptied",
        "refilled_at": wall(pump),
        "aspirated_ml": "8",
        "filled_ml": "40",
        "concentration": "500",
        "fill": "easy",
        "program": "unchanged",
        "dose-mode": "simple_continuous",
        **values,
    }


def address(pump: Pump, name: str = "guided_visit") -> str:
    return reverse(name, args=[pump.pk])


def look(client: Client, pump: Pump, values: dict[str, Any]) -> Any:
    return client.post(address(pump), values)


def store(client: Client, pump: Pump, values: dict[str, Any], **more: Any) -> Any:
    """Looked at, then stored as it was looked at."""
    page = look(client, pump, values)
    review = page.context["review"]
    assert review is not None, page.context["problems"]
    sent = {**values, **more, "step": "save", "seen": review["seen"], "reviewed": review["reviewed"]}
    return client.post(address(pump), sent, follow=True)


def test_a_visit_is_looked_at_then_stored_and_ends_with_dates_and_a_booked_time(pump: Pump, nurse: Client) -> None:
    page = look(nurse, pump, visit(pump))
    assert pump.events.count() == 2
    assert page.context["problems"] == []
    assert "What follows" in page.text
    assert "Refill: 40 mL of 500 mcg/mL" in page.text
    page = store(nurse, pump, visit(pump))
    refill = pump.events.latest("pk")
    assert (refill.kind, refill.aspirated_ml, refill.filled_ml) == ("refill", Decimal(8), Decimal(40))
    assert page.redirect_chain[-1][0] == reverse("guided_end", args=[pump.pk, refill.pk])
    assert "Stored. Refill: 40 mL of 500 mcg/mL." in page.text
    assert "Undo (entered in error)" in page.text
    assert "less this clinic&#x27;s margin" in page.text
    slot = page.context["slots"][0][0]
    page = nurse.post(page.redirect_chain[-1][0], {"slot": slot, "minutes": "30"}, follow=True)
    assert "Booked for" in page.text
    assert Appointment.objects.get(pump=pump).starts_at.isoformat() == slot


def test_what_was_looked_at_is_kept_with_the_visit(pump: Pump, nurse: Client) -> None:
    store(nurse, pump, visit(pump, needle="seen"))
    kept = VisitDraft.objects.get()
    assert kept.refill == pump.events.latest("pk")
    assert (kept.checks, kept.values) == ({"needle": "seen", "fill": "easy"}, {})


def test_sent_twice_it_is_stored_once(pump: Pump, nurse: Client) -> None:
    values = visit(pump)
    first = store(nurse, pump, values)
    again = nurse.post(address(pump), {**values, "step": "save"}, follow=True)
    assert again.redirect_chain[-1] == first.redirect_chain[-1]
    assert pump.events.filter(kind="refill").count() == 2
    assert look(nurse, pump, values).status_code == 302


def test_a_page_of_another_visit_stores_nothing(pump: Pump, clinic: Clinic, nurse: Client) -> None:
    values = visit(pump)
    store(nurse, pump, values)
    other = a_running_pump(clinic, filled_days_ago=80, now=timezone.now())
    page = store(nurse, other, values)
    assert "This page is of another visit" in page.text
    assert other.events.count() == 2


def test_a_part_of_the_page_is_told_where_to_go(pump: Pump, nurse: Client) -> None:
    values = visit(pump)
    review = look(nurse, pump, values).context["review"]
    sent = {**values, "step": "save", "seen": review["seen"], "reviewed": review["reviewed"]}
    answer = nurse.post(address(pump), sent, headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (
        204,
        reverse("guided_end", args=[pump.pk, pump.events.latest("pk").pk]),
    )


def test_what_was_changed_since_it_was_looked_at_is_shown_again(pump: Pump, nurse: Client) -> None:
    values = visit(pump)
    review = look(nurse, pump, values).context["review"]
    sent = {**values, "filled_ml": "38", "step": "save", "seen": review["seen"], "reviewed": review["reviewed"]}
    page = nurse.post(address(pump), sent)
    assert "Something was changed since" in page.text
    assert pump.events.count() == 2


def test_somebody_else_recorded_something_meanwhile(pump: Pump, nurse: Client) -> None:
    values = visit(pump)
    review = look(nurse, pump, values).context["review"]
    nurse.post(reverse("log_event", args=[pump.pk, "stall"]), {"occurred_at": wall(pump), "step": "save", "seen": "0"})
    other = visit(pump, refilled_at=wall(pump, timezone.now() - timedelta(hours=3)))
    store(nurse, pump, other)
    sent = {**values, "step": "save", "seen": review["seen"], "reviewed": review["reviewed"], "confirm": ["x"]}
    page = nurse.post(address(pump), sent)
    assert "meanwhile" in page.text
    assert pump.events.filter(kind="refill").count() == 2


@pytest.mark.parametrize(
    ("values", "field", "said"),
    [
        ({"identity": ""}, "identity", "aloud"),
        ({"drug_checked": ""}, "drug_checked", "Read the vial"),
        ({"needle": ""}, "needle", "where the needle is"),
        ({"needle": "unsure"}, "needle", "Do not aspirate or fill until it is certain"),
        ({"fill": ""}, "fill", "how the filling went"),
        ({"aspirated_ml": ""}, "aspirated_ml", "0 if nothing did"),
        ({"aspirated_ml": "41"}, "aspirated_ml", "The reservoir holds 40 mL"),
        ({"filled_ml": "41"}, "filled_ml", "The reservoir holds 40 mL"),
        ({"concentration": "2000"}, "programmed_concentration_mcg_per_ml", "say which concentration is programmed"),
        ({"dose-daily_dose_mcg": "220"}, "program", "A dose is written below"),
        ({"refilled_at": "soon"}, "refilled_at", "Write a day and time"),
    ],
)
def test_what_is_missing_or_cannot_be_is_said(
    pump: Pump, nurse: Client, values: dict[str, str], field: str, said: str
) -> None:
    page = look(nurse, pump, visit(pump, **values))
    assert said in " ".join(page.context["form"].errors[field])
    assert any(said in problem for _, _, problem in page.context["problems"])
    assert page.context["review"] is None
    assert pump.events.count() == 2


def codes(page: Any) -> list[str]:
    return [doubt.code for doubt in page.context["review"]["doubts"]]


@pytest.mark.parametrize(
    ("values", "asked"),
    [
        ({"aspirated_ml": "0"}, "aspirated_nothing"),
        ({"aspirated_ml": "12"}, "aspirated_unexpected"),
        ({"fill": "odd"}, "fill_odd"),
    ],
)
def test_what_is_grave_is_asked_about_and_stored_once_confirmed(
    pump: Pump, nurse: Client, values: dict[str, str], asked: str
) -> None:
    sent = visit(pump, **values)
    page = look(nurse, pump, sent)
    assert asked in codes(page)
    page = store(nurse, pump, sent)
    assert asked in page.context["review"]["missing"]
    assert pump.events.count() == 2
    store(nurse, pump, sent, confirm=codes(page))
    assert pump.events.count() == 3


def test_a_question_whether_something_was_done_is_answered_in_its_words(pump: Pump, nurse: Client) -> None:
    page = look(nurse, pump, visit(pump, fill="odd", aspirated_ml="0")).text
    assert "pocket fill notice 2011. Was this done?" in page
    assert "The filling was stopped, the prescriber was called, and the patient is watched</label>" in page
    assert "I have checked: it is right as entered</label>" in page


def test_more_than_can_have_been_in_it_is_asked_about(clinic: Clinic, nurse: Client) -> None:
    pump = a_running_pump(clinic, filled_days_ago=1, now=timezone.now())
    nurse.post(
        reverse("log_event", args=[pump.pk, "reservoir_access"]),
        {"occurred_at": wall(pump), "aspirated_ml": "20", "injected_ml": "0", "step": "save"},
    )
    held = a_pump(clinic, now=timezone.now())
    assert held.pk
    answer = nurse.post(address(pump, "guided_emptied"), visit(pump, aspirated_ml="39.9"))
    assert "expected" in answer.text


@pytest.mark.parametrize(
    ("aspirated", "word"),
    [("8", "As expected"), ("0", "Nothing came out"), ("4", "Less than expected"), ("14", "More than expected")],
)
def test_a_residue_is_told_apart_at_once(pump: Pump, nurse: Client, aspirated: str, word: str) -> None:
    answer = nurse.post(address(pump, "guided_emptied"), {"emptying": "emptied", **visit(pump, aspirated_ml=aspirated)})
    assert word in answer.text
    assert pump.events.count() == 2


def test_without_a_volume_there_is_nothing_to_tell(pump: Pump, nurse: Client) -> None:
    for values in ({"aspirated_ml": ""}, {"aspirated_ml": "x"}, {"aspirated_ml": "400"}, {"emptying": "top_up"}):
        assert nurse.post(address(pump, "guided_emptied"), visit(pump, **values)).text.strip() == ""


def test_a_dose_changed_at_the_visit_is_stored_with_it_or_not_at_all(pump: Pump, nurse: Client) -> None:
    sent = visit(pump, program="changed", **{"dose-daily_dose_mcg": "5000", "dose-reason": "spasms"})
    page = store(nurse, pump, sent)
    assert page.context["review"]["missing"]
    assert pump.events.count() == 2
    page = store(nurse, pump, visit(pump, program="changed", **{"dose-daily_dose_mcg": "220", "dose-reason": "spasms"}))
    refill, dose = pump.events.order_by("-pk")[:2][::-1]
    assert (refill.kind, dose.kind, dose.daily_dose_mcg) == ("refill", "dose_change", Decimal(220))
    assert dose.occurred_at == refill.occurred_at
    assert dose.signature.signed_at is None
    assert "Dose: 220 mcg/day" in page.text


def test_the_dose_is_part_of_what_follows(pump: Pump, nurse: Client) -> None:
    plain = look(nurse, pump, visit(pump)).context["review"]["after"].refill_by
    more = {"dose-daily_dose_mcg": "240"}
    changed = look(nurse, pump, visit(pump, program="changed", **more)).context["review"]["after"].refill_by
    assert changed < plain


def test_a_changed_concentration_asks_for_its_bridge_and_stores_it_too(clinic: Clinic, nurse: Client) -> None:
    pump = a_running_pump(clinic, filled_days_ago=80, now=timezone.now(), catheter_volume_ml=Decimal("0.15"))
    sent = visit(pump, concentration="1000", programmed_concentration_mcg_per_ml="1000")
    page = look(nurse, pump, sent)
    assert page.context["review"]["bridge"] is not None
    page = store(nurse, pump, sent)
    assert "bridge" in page.text.lower()
    assert pump.events.count() == 2
    store(nurse, pump, sent, **{"bridge-choice": "computed"})
    assert sorted(pump.events.order_by("-pk").values_list("kind", flat=True)[:2]) == ["bridge_bolus", "refill"]


def test_a_first_fill_goes_into_an_empty_pump(clinic: Clinic, nurse: Client) -> None:
    pump = a_pump(clinic, now=timezone.now())
    page = nurse.get(address(pump))
    assert "No refill is recorded: as prescribed." in page.text
    values = visit(pump, aspirated_ml="", program="changed", **{"dose-daily_dose_mcg": "100"})
    del values["emptying"]
    page = store(nurse, pump, values)
    assert pump.events.filter(kind="refill").count() == 1


def test_a_first_fill_is_stored_without_a_dose_where_none_is_recorded(clinic: Clinic, nurse: Client) -> None:
    pump = a_pump(clinic, now=timezone.now())
    values = visit(pump, aspirated_ml="")
    del values["emptying"]
    page = look(nurse, pump, values)
    assert page.context["problems"] == []
    store(nurse, pump, values)
    assert [event.kind for event in pump.events.all()] == ["refill"]
    page = look(nurse, pump, visit(pump, **{"dose-mode": "flex"}))
    assert [target for target, _name, _said in page.context["problems"]] == ["id_program_0", "id_dose-daily_dose_mcg"]


def test_the_row_of_a_program_that_is_wrong_is_named_and_led_to(pump: Pump, nurse: Client) -> None:
    steps = {"steps-0-clock": "06:00", "steps-0-number": "10", "steps-1-clock": "08:00", "steps-2-number": "x"}
    sent = visit(pump, program="changed", **steps, **{"dose-mode": "flex", "dose-daily_dose_mcg": "240"})
    page = look(nurse, pump, sent | {"boluses-1-number": "5"})
    found = [(target, name) for target, name, _said in page.context["problems"]]
    assert found == [
        ("id_steps-1-number", "Step 2"),
        ("id_steps-2-number", "Step 3"),
        ("id_boluses-1-clock", "Bolus 2"),
    ]
    assert page.context["problems"][0][2] == "Fill in both the time and the number, or neither."
    page = look(nurse, pump, {**sent, "steps-TOTAL_FORMS": "x"})
    assert [target for target, _name, _said in page.context["problems"]] == [""]


def test_a_pump_that_cannot_be_programmed_is_asked_for_no_dose(clinic: Clinic, nurse: Client) -> None:
    now = timezone.now()
    pump = a_pump(clinic, model="codman-3000-16", now=now, factory_flow_ml_per_day=Decimal("0.5"))
    page = nurse.get(address(pump))
    assert page.context["dose"] is None
    values = {
        k: v
        for k, v in visit(pump, aspirated_ml="", filled_ml="16").items()
        if k not in ("program", "emptying", "dose-mode")
    }
    store(nurse, pump, values)
    assert pump.events.count() == 1


def test_a_time_that_cannot_be_booked_leaves_the_refill_and_says_so(pump: Pump, nurse: Client) -> None:
    end = store(nurse, pump, visit(pump)).redirect_chain[-1][0]
    page = nurse.post(end, {"starts_at": "2020-01-01T09:00", "minutes": "30"})
    assert "The refill is stored. No time is booked yet." in page.text
    assert "This time has passed" in page.text
    assert pump.events.count() == 3
    assert not Appointment.objects.exists()


@pytest.mark.parametrize("name", ["guided_end", "visit"])
def test_a_time_that_was_offered_and_is_taken_meanwhile_is_not_booked(
    pump: Pump, clinic: Clinic, nurse: Client, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    end = store(nurse, pump, visit(pump)).redirect_chain[-1][0]
    now = timezone.now()
    offered = booking.free_times(pump=pump, now=now)
    other = a_running_pump(clinic, filled_days_ago=80, now=now)
    booking.book(pump_id=other.pk, starts_at=offered[0], late_reason="away", by=a_user(), now=now)
    monkeypatch.setattr(booking, "free_times", lambda **_asked: offered)
    where = end if name == "guided_end" else address(pump, name)
    page = nurse.post(where, {"slot": offered[0].isoformat(), "minutes": "30"}, follow=True)
    assert str(booking.NOT_FREE) in page.text
    assert not Appointment.objects.filter(pump=pump).exists()


def test_an_end_that_is_no_end_any_more_leads_to_the_pump(pump: Pump, nurse: Client) -> None:
    first = pump.events.filter(kind="refill").earliest("pk")
    store(nurse, pump, visit(pump))
    answer = nurse.get(reverse("guided_end", args=[pump.pk, first.pk]))
    assert answer.headers["Location"] == reverse("pump", args=[pump.pk])


def test_who_may_begin_a_visit(pump: Pump, clinic: Clinic, stranger: Client) -> None:
    assert stranger.get(address(pump)).status_code == 404
    for role in (Role.AUDITOR, Role.SCHEDULER, Role.PHARMACIST):
        client = logged_in(a_user(role, clinic))
        assert client.get(address(pump)).status_code == 403, role
        assert client.post(address(pump, "guided_draft"), {"counter": "1"}).status_code == 403, role
        assert client.post(address(pump, "guided_emptied"), visit(pump)).status_code == 403, role
    for role in (Role.NURSE, Role.PRESCRIBER, Role.ADMINISTRATOR):
        assert logged_in(a_user(role, clinic)).get(address(pump)).status_code == 200, role


def test_undo_leads_to_the_page_that_marks_an_error(pump: Pump, nurse: Client) -> None:
    page = store(nurse, pump, visit(pump))
    refill = pump.events.latest("pk")
    assert reverse("void_event", args=[pump.pk, refill.pk]) in page.text
    nurse.post(reverse("void_event", args=[pump.pk, refill.pk]), {"reason": "another pump", "seen": refill.pk})
    assert Event.objects.get(kind="void").voids == refill


def test_an_error_is_marked_with_one_of_the_usual_reasons(pump: Pump, nurse: Client) -> None:
    refill = pump.events.filter(kind="refill").latest("pk")
    url = reverse("void_event", args=[pump.pk, refill.pk])
    page = nurse.post(url, {"seen": pump.events.latest("pk").pk})
    assert "Choose a reason above" in page.text
    nurse.post(url, {"choice": "entered twice", "reason": "by me", "seen": pump.events.latest("pk").pk})
    assert Event.objects.get(kind="void").reason == "entered twice: by me"


def test_the_page_asks_few_queries(pump: Pump, nurse: Client, django_assert_max_num_queries: Any) -> None:
    nurse.get(address(pump))
    with django_assert_max_num_queries(30):
        nurse.get(address(pump))


def test_every_message_of_something_logged_carries_undo(pump: Pump, nurse: Client) -> None:
    values = {"occurred_at": wall(pump), "reason": "x"}
    url = reverse("log_event", args=[pump.pk, "stall"])
    seen = nurse.post(url, values).context["seen"]
    page = nurse.post(url, {**values, "step": "save", "seen": seen}, follow=True)
    event = pump.events.latest("pk")
    assert f'href="{reverse("void_event", args=[pump.pk, event.pk])}">Undo (entered in error)</a>' in page.text


def test_why_of_what_follows_is_what_the_pump_says_once_it_is_stored(pump: Pump, nurse: Client) -> None:
    """The visit is in no ledger yet, and its explanation is the one that the ledger gives afterwards."""
    values = visit(pump, program="changed", **{"dose-daily_dose_mcg": "250", "dose-reason": "stiff"})
    then = look(nurse, pump, values).context["review"]["why"]
    store(nurse, pump, values)
    stored = nurse.get(reverse("why", args=[pump.pk, "refill_by"])).context["why"]
    assert (then.says, then.numbers, then.inputs) == (stored.says, stored.numbers, stored.inputs)
    assert then.others == stored.others


def test_the_stop_and_the_most_are_in_the_page(pump: Pump, nurse: Client) -> None:
    page = nurse.get(address(pump)).text
    assert "If it is not certain: stop." in page
    assert "If something was odd: stop filling." in page
    assert page.count('data-most="40"') == 2
    assert 'data-needed="Write how much came out; 0 if nothing did."' in page
    assert page.count('data-missing="Say how the filling went."') == 2
    assert 'data-unit="mcg/h on average"' in page
    assert reverse("change_patient", args=[pump.patient_id]) in page


def test_an_expiry_left_blank_where_the_last_fill_had_one_is_said(clinic: Clinic, nurse: Client) -> None:
    now = timezone.now()
    pump = a_pump(clinic, now=now)
    a_refill(pump, now - timedelta(days=80), now=now, drug_expires_on=date(now.year + 1, 12, 23))
    a_dose(pump, now - timedelta(days=80), now=now)
    last = calendar_day(date(now.year + 1, 12, 23))
    for name in ("guided_visit", "log_refill"):
        assert f"Expiry of the last fill&#x27;s drug: {last}." in nurse.get(address(pump, name)).text
    page = look(nurse, pump, visit(pump))
    assert last in page.context["review"]["expiry_blank"]
    assert "No expiry of the lot is entered" in page.text
    page = look(nurse, pump, visit(pump, drug_expires_on=f"{now.year + 2}-01-01"))
    assert page.context["review"]["expiry_blank"] == ""
    plain = {key: value for key, value in visit(pump).items() if not key.startswith("dose")}
    assert "No expiry of the lot is entered" in nurse.post(address(pump, "log_refill"), plain).text


def test_where_no_fill_had_an_expiry_nothing_is_said_of_it(pump: Pump, nurse: Client) -> None:
    assert "Expiry of the last fill" not in nurse.get(address(pump)).text
    assert look(nurse, pump, visit(pump)).context["review"]["expiry_blank"] == ""


@pytest.mark.parametrize(
    ("days", "aspirated", "said"),
    [
        (8, "36.0", "0.8 mL less in it, outside ± 14.5 %"),
        (80, "5.8", "2.2 mL less in it, above 2 mL, within ± 14.5 %"),
    ],
)
def test_what_the_program_does_not_explain_is_not_said_to_be_as_expected(
    clinic: Clinic, nurse: Client, days: int, aspirated: str, said: str
) -> None:
    now = timezone.now()
    pump = a_running_pump(clinic, filled_days_ago=240 + days, now=now)
    for ago in (160, 80, 0):
        a_refill(pump, now - timedelta(days=ago + days), aspirated_ml=Decimal("6.2"), now=now)
    values = visit(pump, aspirated_ml=aspirated)
    told = nurse.post(address(pump, "guided_emptied"), values).text
    assert "As expected" not in told
    assert "Off its program" in told
    assert said in told
    assert "data-look" not in told
    assert said.split(", ", 1)[1] in look(nurse, pump, values).text


def test_a_finding_of_the_review_is_looked_at_before_the_filling(clinic: Clinic, nurse: Client) -> None:
    """Twice in a row less came out than this pump has shown; neither time by more than 2 mL."""
    now = timezone.now()
    pump = a_running_pump(clinic, filled_days_ago=330, now=now)
    for number in range(30, 1, -1):
        volume = "34.2" if number == 2 else "36"
        a_refill(pump, now - timedelta(days=10 * number), aspirated_ml=Decimal(volume), now=now)
    values = visit(pump, refilled_at=wall(pump, now - timedelta(days=10)), aspirated_ml="34.2")
    assert "Less than expected" in nurse.post(address(pump, "guided_emptied"), values).text
    assert "Not explained by what this pump has shown before" in look(nurse, pump, values).text
