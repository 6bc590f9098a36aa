"""A taper as it is drafted and looked at before it is signed."""

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.test import Client
from django.utils import timezone

from clinical.weaning import Down
from clinics.models import User
from clinics.roles import Role
from pumps.models import Pump
from tests.builders import a_clinic, a_running_pump, a_user
from therapy.models import WeaningPlan
from therapy.services import records, weaning

pytestmark = pytest.mark.django_db


@pytest.fixture
def pump() -> Pump:
    return a_running_pump(a_clinic(timezone="UTC"), now=timezone.now())


@pytest.fixture
def prescriber(pump: Pump) -> User:
    return a_user(Role.PRESCRIBER, pump.clinic)


@pytest.fixture
def client(prescriber: User) -> Client:
    made = Client()
    made.force_login(prescriber)
    return made


def drafted(pump: Pump, by: User, *doses: str) -> WeaningPlan:
    now = timezone.now()
    steps = [Down(now + timedelta(days=7 * place), D(dose)) for place, dose in enumerate(doses, 1)]
    return weaning.draft(pump_id=pump.pk, steps=steps, reason="infection", by=by, now=now)


def wean(client: Client, pump: Pump, *rows: tuple[float, str] | None) -> str:
    """The page after rows of (days ahead, dose) were sent; None is a row left blank."""
    values = {"reason": "infection", "steps-TOTAL_FORMS": "12", "steps-INITIAL_FORMS": "0"}
    for place, row in enumerate(rows):
        if row is not None:
            at = timezone.now() + timedelta(days=row[0])
            values |= {f"steps-{place}-at": f"{at:%Y-%m-%dT%H:%M}", f"steps-{place}-daily_dose_mcg": row[1]}
    return client.post(f"/pumps/{pump.pk}/wean/", values, follow=True).text


def test_what_is_wrong_with_a_step_is_said_at_its_field_and_linked(client: Client, pump: Pump) -> None:
    # The second step is in the third row.
    text = wean(client, pump, (7, "160"), None, (3, "130"))
    assert '<a href="#id_steps-2-at">Step 3: Not later than the step before it.</a>' in text
    assert '<div id="id_steps-2-at_error"><p>Not later than the step before it.</p></div>' in text
    assert 'aria-invalid="true"' in text
    assert text.count("Nothing was saved.") == 1
    text = wean(client, pump, (7, "160"), (14, "170"))
    assert '<a href="#id_steps-1-daily_dose_mcg">Step 2: A taper goes down: below 160 mcg/day.</a>' in text
    assert "Write at least one step." in wean(client, pump)
    assert not WeaningPlan.objects.exists()


def test_a_plan_says_whether_a_rescue_plan_is_written(client: Client, pump: Pump, prescriber: User) -> None:
    path = f"/weaning-plans/{drafted(pump, prescriber, '160').pk}/"
    told = client.get(path).text
    assert "No oral rescue plan is written." in told
    assert f'href="/patients/{pump.patient_id}/rescue-plan/"' in told
    records.write_rescue_plan(patient=pump.patient, text="Baclofen 20 mg", by=prescriber, now=timezone.now())
    told = client.get(path).text
    assert "No oral rescue plan is written." not in told
    assert "Baclofen 20 mg" in told


def test_a_plan_without_a_serious_finding_is_signed_by_one_press(client: Client, pump: Pump, prescriber: User) -> None:
    plan = drafted(pump, prescriber, "160", "130")
    path = f"/weaning-plans/{plan.pk}/"
    assert "sign-seen" not in client.get(path).text
    client.post(path)
    plan.refresh_from_db()
    assert plan.signed_by == prescriber


def test_a_draft_is_told_by_the_rules_of_today(client: Client, pump: Pump, prescriber: User) -> None:
    plan = drafted(pump, prescriber, "0")
    WeaningPlan.objects.filter(pk=plan.pk).update(findings=[])
    assert "a stop from 200 mcg/day, a drop of 100 %" in client.get(f"/weaning-plans/{plan.pk}/").text
    client.post(f"/weaning-plans/{plan.pk}/", {"sign-seen": "on"})
    plan.refresh_from_db()
    assert [finding["severity"] for finding in plan.findings] == ["high"]
