"""The bridge of a change of concentration, asked about in the review of a refill and stored with it."""

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinics.models import Clinic
from pumps.models import Event, Pump
from tests.builders import a_running_pump
from tests.pages.test_markup import check
from tests.pages.test_record import refill, review

CHANGED = {"concentration": "2000", "programmed_concentration_mcg_per_ml": "2000", "aspirated_ml": "15.8"}


@pytest.fixture
def pump(clinic: Clinic) -> Pump:
    """At 200 mcg/day of 500 mcg/mL for 60 days; 0.199 mL of tubing and 0.201 mL of catheter."""
    fields = {"catheter_volume_ml": Decimal("0.201")}
    return a_running_pump(clinic, filled_days_ago=60, now=timezone.now(), **fields)


def save(client: Client, pump: Pump, values: dict[str, Any]) -> Any:
    page = review(client, "log_refill", pump, values)
    return review(client, "log_refill", pump, {**values, "step": "save", "seen": page.context["seen"]})


def bridges(pump: Pump) -> list[Event]:
    return list(pump.events.filter(kind="bridge_bolus"))


def test_the_review_shows_the_bridge_and_what_happens_without(pump: Pump, nurse: Client) -> None:
    page = review(nurse, "log_refill", pump, refill(pump, **CHANGED))
    text = " ".join(page.text.split())
    for said in ("<strong>0.4 mL</strong>", "<strong>200 mcg</strong>", "<strong>24 hours</strong>",
                 "about 50 mcg/day instead of 200 mcg/day for about 96 hours, an under-dose",
                 "not read in a manual"):  # fmt: skip
        assert said in text
    check(page.text)
    assert pump.events.count() == 2


def test_nothing_is_saved_before_the_question_is_answered(pump: Pump, nurse: Client) -> None:
    page = save(nurse, pump, refill(pump, **CHANGED))
    assert page.context["bridge"].errors["choice"] == ["Say whether a bridge bolus was programmed."]
    assert pump.events.count() == 2
    check(page.text)


def test_as_computed(pump: Pump, nurse: Client) -> None:
    page = save(nurse, pump, refill(pump, **CHANGED, **{"bridge-choice": "computed"}))
    [bridge] = bridges(pump)
    assert (bridge.volume_ml, bridge.duration_hours, bridge.dose_mcg) == (Decimal("0.4"), Decimal(24), Decimal(200))
    assert bridge.occurred_at == pump.events.filter(kind="refill").latest("pk").occurred_at
    assert "With its bridge bolus." in page.text
    assert "Bridge bolus: 0.4 mL over 24 h" in page.text


def test_with_other_figures(pump: Pump, nurse: Client) -> None:
    figures = {"bridge-choice": "figures", "bridge-volume_ml": "0,38", "bridge-duration_hours": "22.8"}
    save(nurse, pump, refill(pump, **CHANGED, **figures))
    [bridge] = bridges(pump)
    assert (bridge.volume_ml, bridge.duration_hours, bridge.dose_mcg) == (Decimal("0.38"), Decimal("22.8"), None)


def test_no_bridge_because(pump: Pump, nurse: Client) -> None:
    values = refill(pump, **CHANGED, reason="no complaints")
    answer = {"bridge-choice": "none", "bridge-because": "catheter aspirated and primed"}
    save(nurse, pump, {**values, **answer})
    assert bridges(pump) == []
    assert pump.events.latest("pk").reason == "no complaints. No bridge bolus: catheter aspirated and primed"


@pytest.mark.parametrize(
    ("answer", "field"),
    [
        ({"bridge-choice": "figures"}, "volume_ml"),
        ({"bridge-choice": "figures", "bridge-volume_ml": "-1", "bridge-duration_hours": "1"}, "volume_ml"),
        ({"bridge-choice": "figures", "bridge-volume_ml": "0.4", "bridge-duration_hours": "x"}, "duration_hours"),
        ({"bridge-choice": "figures", "bridge-volume_ml": "0.4", "bridge-duration_hours": "0"}, "__all__"),
        ({"bridge-choice": "figures", "bridge-volume_ml": "0", "bridge-duration_hours": "1"}, "__all__"),
        ({"bridge-choice": "none"}, "because"),
        ({"bridge-choice": "none", "bridge-because": "x" * 300, "reason": "y" * 300}, "because"),
        ({"bridge-choice": "perhaps"}, "choice"),
    ],
)
def test_an_answer_that_cannot_be_keeps_both_out(pump: Pump, nurse: Client, answer: dict[str, str], field: str) -> None:
    page = save(nurse, pump, {**refill(pump, **CHANGED), **answer})
    assert field in page.context["bridge"].errors
    assert pump.events.count() == 2


def test_what_is_not_known_is_named_with_where_to_enter_it(pump: Pump, nurse: Client) -> None:
    Pump.objects.filter(pk=pump.pk).update(catheter_volume_ml=None)
    page = review(nurse, "log_refill", pump, refill(pump, **CHANGED))
    assert "It cannot be computed." in page.text
    assert "The catheter volume of this pump is not known; enter it with the pump" in page.text
    assert [value for value, _ in page.context["bridge"].fields["choice"].choices] == ["figures", "none"]
    answer = {"bridge-choice": "computed"}
    assert "choice" in save(nurse, pump, {**refill(pump, **CHANGED), **answer}).context["bridge"].errors


def test_a_revised_catheter_counts(pump: Pump, nurse: Client) -> None:
    at = timezone.now()
    values = {"occurred_at": refill(pump)["refilled_at"], "catheter_volume_ml": "0.101"}
    path = reverse("log_event", args=[pump.pk, "catheter_revision"])
    page = nurse.post(path, values)
    nurse.post(path, {**values, "step": "save", "seen": page.context["seen"]})
    found = review(nurse, "log_refill", pump, refill(pump, **CHANGED)).context["need"]
    assert (found.catheter_volume_ml, found.computed.volume_ml) == (Decimal("0.101"), Decimal("0.3"))
    assert at <= timezone.now()


def test_the_same_concentration_asks_nothing(pump: Pump, nurse: Client) -> None:
    page = review(nurse, "log_refill", pump, refill(pump, aspirated_ml="15.8"))
    assert page.context["bridge"] is None
    assert "Bridge bolus" not in page.text
    save(nurse, pump, refill(pump, aspirated_ml="15.8"))
    assert pump.events.count() == 3


def test_a_correction_says_that_the_bridge_is_missing(pump: Pump, nurse: Client) -> None:
    answer = {"bridge-choice": "none", "bridge-because": "primed"}
    save(nurse, pump, {**refill(pump, **CHANGED), **answer})
    path = reverse("correct_event", args=[pump.pk, pump.events.latest("pk").pk])
    page = nurse.post(path, {**refill(pump, **CHANGED, filled_ml="39"), "void-reason": "misread"})
    assert page.context["bridge"] is None
    assert "no bridge bolus is recorded" in page.text
