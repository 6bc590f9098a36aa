"""What if, on the page: now beside what is tried. No script runs here."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinics.models import Clinic
from clinics.roles import Role
from pumps.models import Event, Pump
from tests.builders import a_dose, a_pump, a_running_pump, a_user
from tests.pages.conftest import logged_in
from tests.pages.test_markup import check
from tests.pages.test_record import rows


@pytest.fixture
def pump(clinic: Clinic) -> Pump:
    """40 mL of 500 mcg/mL, 30 days ago, at 200 mcg/day."""
    return a_running_pump(clinic, now=timezone.now(), catheter_volume_ml=Decimal("0.201"))


def address(pump: Pump) -> str:
    return reverse("what_if", args=[pump.pk])


def sent(client: Client, pump: Pump, **changes: Any) -> Any:
    """The form as shown, with what is tried."""
    page = client.get(address(pump))
    form, parts = page.context["form"], (page.context["steps"], page.context["boluses"])
    values = {bound.html_name: bound.value() for bound in form if bound.value() is not None}
    for part in parts:
        values |= rows(part.prefix, *((row["clock"], str(row["number"])) for row in part.initial or ()))
        values[f"{part.prefix}-INITIAL_FORMS"] = str(len(part.initial or ()))
    return client.post(address(pump), {**values, **changes})


def lines(page: Any) -> dict[str, Any]:
    return {line.name: line for group in page.context["groups"] for line in group.lines}


def test_it_is_linked_from_the_pump_and_starts_from_what_it_has(pump: Pump, nurse: Client) -> None:
    assert address(pump) in nurse.get(reverse("pump", args=[pump.pk])).text
    page = nurse.get(address(pump))
    form = page.context["form"]
    shown = [str(form[name].value()) for name in ("daily_dose_mcg", "concentration_mcg_per_ml", "volume_ml")]
    assert shown == ["200", "500", "40"]
    assert not any(line.is_changed for line in lines(page).values())
    assert "not a prescription" in page.text
    check(page.text)


def test_another_dose_stands_beside_the_present_one(pump: Pump, nurse: Client) -> None:
    page = sent(nurse, pump, daily_dose_mcg="400")
    found = lines(page)
    assert (found["Flow"].now, found["Flow"].tried) == ("0.4 mL/day", "0.8 mL/day")
    assert found["Hourly"].tried == "16.67 mcg/h on average"
    assert found["Refill by"].note.endswith("earlier")
    assert found["Fill"].is_changed is False
    assert "with what is in the reservoir" in page.text
    assert page.context["form"]["daily_dose_mcg"].value() == "400"
    check(page.text)


def test_every_figure_says_how_it_comes_about(pump: Pump, nurse: Client) -> None:
    page = sent(nurse, pump, daily_dose_mcg="400")
    for line in lines(page).values():
        assert line.why
        assert line.why in page.text.replace("&#x27;", "'")


def test_another_concentration_shows_its_bridge(pump: Pump, nurse: Client) -> None:
    page = sent(nurse, pump, concentration_mcg_per_ml="2000")
    assert page.context["found"].with_refill
    assert "<strong>200 mcg</strong>" in page.text
    assert "an under-dose" in page.text
    found = lines(page)
    assert (found["Days between refills"].tried, found["What limits it"].tried) == ("173 days", "longest interval")
    assert found["Refills"].tried == "2.111 fills"
    assert found["Drug filled"].tried == "84.45 mL"
    assert found["That is"].tried == "168.9 mg"
    assert found["The patient gets"].tried == found["The patient gets"].now == "73.05 mg"


def test_a_link_does_the_same_as_the_form(pump: Pump, nurse: Client) -> None:
    page = nurse.get(address(pump), {"daily_dose_mcg": "400"})
    assert lines(page)["Flow"].tried == "0.8 mL/day"
    assert nurse.get(address(pump), {"q": "x"}).context["form"].is_bound is False


def test_another_pump_and_margin(pump: Pump, nurse: Client) -> None:
    page = sent(nurse, pump, model=str(a_pump(model="prometra-20").model_id), margin_days="10", volume_ml="20")
    assert page.context["more_is_open"]
    found = lines(page)
    assert (found["Pump"].tried, found["Low level"].tried) == ("Flowonix Prometra 20", "3 mL")
    assert (found["Margin"].now, found["Margin"].tried) == ("7 days", "10 days")
    assert "A new pump is primed" in page.text


def test_steps_follow_the_dose_unless_they_are_typed(pump: Pump, nurse: Client) -> None:
    steps = [{"start": "00:00", "rate_mcg_per_h": "4"}, {"start": "12:00", "rate_mcg_per_h": "12"}]
    now = timezone.now()
    a_dose(pump, now - timedelta(days=1), mode="flex", daily_dose_mcg=Decimal(192), steps=steps, now=now)
    assert lines(sent(nurse, pump, daily_dose_mcg="240"))["Flow"].tried == "0.48 mL/day"
    typed = rows("steps", ("00:00", "5"), ("12:00", "15"))
    assert lines(sent(nurse, pump, daily_dose_mcg="240", **typed))["Program"].tried == "flex, 2 steps"
    page = sent(nurse, pump, daily_dose_mcg="240", **rows("steps", ("00:00", "5"), ("12:00", "5")))
    assert "add up to" in page.text
    assert "found" not in page.context


def test_more_rows_keep_what_was_typed(pump: Pump, nurse: Client) -> None:
    page = sent(nurse, pump, daily_dose_mcg="333", mode="flex", more="steps", **rows("steps", ("06:00", "8")))
    assert len(page.context["steps"].forms) == 6
    assert page.context["form"]["daily_dose_mcg"].value() == "333"


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("daily_dose_mcg", "x", "Write a number"),
        ("daily_dose_mcg", "8 mcg/h", "without mcg/h"),
        ("daily_dose_mcg", "0", "above 0"),
        ("volume_ml", "41", "The reservoir holds 40 mL"),
        ("concentration_mcg_per_ml", "0", "above 0"),
        ("margin_days", "15", "14 or less"),
        ("low_reservoir_alarm_ml", "40", "lies below"),
        ("factory_flow_ml_per_day", "1", "programmable"),
        ("filled_at", "soon", "Write a day and time"),
        ("filled_at", "2026-01-01T10:00", "after the last one"),
    ],
)
def test_what_cannot_be_is_said_at_its_field(pump: Pump, nurse: Client, field: str, value: str, said: str) -> None:
    page = sent(nurse, pump, **{field: value})
    assert said in " ".join(page.context["form"].errors[field])
    assert page.context["form"][field].value() == value
    assert "found" not in page.context
    check(page.text)


def test_a_pump_without_a_ledger_asks_for_values(clinic: Clinic, nurse: Client) -> None:
    pump = a_pump(clinic)
    assert "found" not in nurse.get(address(pump)).context
    page = sent(nurse, pump, concentration_mcg_per_ml="500", daily_dose_mcg="200")
    found = lines(page)
    assert (found["Flow"].now, found["Flow"].tried) == ("not known", "0.4 mL/day")
    assert "What the pump has now is not known" in page.text


def test_nothing_is_stored_and_only_clinical_roles_see_it(pump: Pump, nurse: Client, stranger: Client) -> None:
    before = Event.objects.count()
    sent(nurse, pump, daily_dose_mcg="400", concentration_mcg_per_ml="2000")
    assert Event.objects.count() == before
    assert stranger.get(address(pump)).status_code == 404
    scheduler = logged_in(a_user(Role.SCHEDULER, pump.clinic))
    assert scheduler.get(address(pump)).status_code == 403
    assert address(pump) not in scheduler.get(reverse("pump", args=[pump.pk])).text
    pharmacist = logged_in(a_user(Role.PHARMACIST, pump.clinic))
    assert pharmacist.get(address(pump)).status_code == 200
