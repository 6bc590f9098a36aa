"""One patient from the first test dose to the taper, by the API alone."""

from datetime import timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from clinics.models import Clinic
from clinics.roles import Role
from pumps.models import Event, Forecast
from tests.api.clients import client_of
from tests.builders import a_clinic, a_patient, a_user
from tests.therapy.clock import Clock

pytestmark = pytest.mark.django_db
V1 = "/api/v1"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def clinic() -> Clinic:
    return a_clinic()


@pytest.fixture
def nurse(clinic: Clinic) -> APIClient:
    return client_of(a_user(Role.NURSE, clinic))


@pytest.fixture
def prescriber(clinic: Clinic) -> APIClient:
    return client_of(a_user(Role.PRESCRIBER, clinic))


def sent(client: APIClient, path: str, status: int = 201, **body: Any) -> Any:
    answer = client.post(f"{V1}/{path}", body, format="json")
    assert answer.status_code == status, (path, answer.status_code, answer.content)
    return answer.json()


def got(client: APIClient, path: str) -> Any:
    answer = client.get(f"{V1}/{path}")
    assert answer.status_code == 200, answer.content
    return answer.json()


def codes(findings: list[dict[str, str]]) -> list[str]:
    return [finding["code"] for finding in findings]


def test_a_whole_course(clock: Clock, clinic: Clinic, nurse: APIClient, prescriber: APIClient) -> None:
    patient = a_patient(clinic)
    of = f"patients/{patient.pk}"
    sent(nurse, f"{of}/phases/", phase="candidate", reason="referred for spasticity")

    # screening: 50 does nothing, too soon is refused, 75 works
    trial = sent(nurse, f"{of}/screenings/")
    assert trial["next"]["next_dose_mcg"] == "50"
    assert got(nurse, f"{of}/phases/")["results"][0]["phase"] == "screening"
    at = f"{of}/screenings/{trial['id']}"
    sent(nurse, f"{at}/boluses/", 409, dose_mcg="75")
    first = sent(nurse, f"{at}/boluses/", dose_mcg="50")
    sent(
        nurse,
        f"{of}/assessments/",
        bolus=int(first["id"]),
        spasm_frequency=3,
        spasm_severity=2,
        vitals={"pulse_per_min": 72},
        ashworth=[{"muscle": "hip_adductors", "side": "left", "grade": "1+"}],
    )
    clock.pass_time(hours=3)
    assert "at least 4 h" in sent(nurse, f"{at}/boluses/{first['id']}/judge/", 409, responded=False)["detail"]
    clock.pass_time(hours=3)
    sent(nurse, f"{at}/boluses/{first['id']}/judge/", 200, responded=False)
    refused = sent(nurse, f"{at}/boluses/", 409, dose_mcg="75")
    assert "at least 24 h" in refused["detail"]
    assert "prescriber" in str(sent(nurse, f"{at}/boluses/", 400, dose_mcg="75", override_reason="in a hurry"))
    clock.pass_time(hours=18)
    second = sent(nurse, f"{at}/boluses/", dose_mcg="75")
    sent(nurse, f"{at}/boluses/{second['id']}/judge/", 400, responded=True)
    clock.pass_time(hours=8)
    ended = sent(nurse, f"{at}/boluses/{second['id']}/judge/", 200, responded=True, effect_hours="8")
    assert (ended["outcome"], ended["first_dose"]["daily_dose_mcg"]) == ("responded", "150")
    sent(nurse, f"{at}/boluses/", 409, dose_mcg="100")

    # the pump, its first fill and first dose
    clock.pass_time(days=30)
    today = clock.now.date().isoformat()
    pump = sent(nurse, "pumps/", patient=str(patient.pk), model="synchromed-ii-40", serial_number="NGV1",
                implanted_on=today, catheter_volume_ml="0.15")  # fmt: skip
    sent(nurse, f"{of}/phases/", phase="implanted", reason="pump implanted")
    by = f"pumps/{pump['id']}"
    clock.pass_time(hours=1)
    stamp = clock.now.isoformat()
    sent(nurse, f"{by}/refills/", refilled_at=stamp, filled_ml="40", concentration_mcg_per_ml="500")
    high = {"mode": "simple_continuous", "daily_dose_mcg": "200", "reason": "first dose"}
    preview = sent(nurse, f"{by}/proposals/preview/", 200, **high)
    assert "first_dose_above" in codes(preview["findings"])
    program(nurse, prescriber, by, dose="150", concentration="500", reason="first dose")
    assert Forecast.objects.get(pump=pump["id"]).programmed_low_at is not None

    # too soon is blocked, and overridden by nobody but a prescriber with a reason
    soon = sent(nurse, f"{by}/proposals/", mode="simple_continuous", daily_dose_mcg="180", reason="still stiff")
    assert codes(soon["findings"])[0] == "too_soon"
    sent(nurse, f"proposals/{soon['id']}/sign/", 403)
    assert "24" in sent(prescriber, f"proposals/{soon['id']}/sign/", 409)["detail"]
    sent(nurse, f"proposals/{soon['id']}/withdraw/", 200, reason="tomorrow")
    clock.pass_time(days=2)
    sent(nurse, f"{of}/phases/", phase="titration", reason="dose is being found")
    program(nurse, prescriber, by, dose="180", concentration="500", reason="still stiff")
    clock.pass_time(days=30)
    sent(nurse, f"{of}/phases/", phase="maintenance", reason="goals met")

    # a change of concentration, with its bridge
    clock.pass_time(days=60)
    change = sent(nurse, f"{by}/proposals/", mode="simple_continuous", daily_dose_mcg="180",
                  concentration_mcg_per_ml="2000", reason="fewer refills")  # fmt: skip
    assert change["bridge"]["volume_ml"]
    assert "the concentration changes" in change["second_person"]
    sent(prescriber, f"proposals/{change['id']}/sign/", 200)
    read = {"mode": "simple_continuous", "daily_dose_mcg": "180", "concentration_mcg_per_ml": "2000",
            "bridge_volume_ml": change["bridge"]["volume_ml"], "bridge_hours": change["bridge"]["hours"]}  # fmt: skip
    told = sent(nurse, f"proposals/{change['id']}/confirm/", 409, **{**read, "bridge_volume_ml": None})
    assert "bridge_volume_ml" in told
    assert "log the refill" in sent(nurse, f"proposals/{change['id']}/confirm/", 409, **read)["detail"]
    sent(nurse, f"{by}/refills/", refilled_at=clock.now.isoformat(), aspirated_ml="8", filled_ml="40",
         concentration_mcg_per_ml="2000", programmed_concentration_mcg_per_ml="2000",
         confirm=["aspirated_unexpected"])  # fmt: skip
    clock.pass_time(minutes=10)
    sent(prescriber, f"proposals/{change['id']}/confirm/", 409, **read)
    sent(nurse, f"proposals/{change['id']}/confirm/", 200, **read)
    assert Event.objects.filter(pump=pump["id"], kind="bridge_bolus").exists()
    tip = got(nurse, f"{by}/forecast/")["drug_at_tip"]
    assert (tip["concentration_mcg_per_ml"], tip["is_bridged"]) == ("500", True)

    # outside the workflow: recorded, flagged, signed after the fact
    clock.pass_time(days=20)
    assert got(nurse, f"{by}/forecast/")["drug_at_tip"]["concentration_mcg_per_ml"] == "2000"
    made = sent(nurse, f"{by}/dose-changes/", effective_at=clock.now.isoformat(), mode="simple_continuous",
                daily_dose_mcg="170")  # fmt: skip
    waiting = got(prescriber, "to-sign/")["doses"]
    assert [row["event"] for row in waiting] == [made["id"]]
    sent(nurse, f"{by}/timeline/{made['id']}/sign/", 403)
    sent(prescriber, f"{by}/timeline/{made['id']}/sign/", 200, note="agreed by phone")
    sent(prescriber, f"{by}/timeline/{made['id']}/sign/", 409)
    assert got(prescriber, "to-sign/")["doses"] == []

    # medicines, adverse events, the rescue plan
    medicine = sent(nurse, f"{of}/medicines/", name="Clonazepam 0.5 mg", dose="twice a day")
    assert medicine["interactions"][0]["degree"] == "avoid"
    sent(nurse, f"{of}/adverse-events/", began_at=clock.now.isoformat(), kind="drug", severity="mild",
         relatedness="possible", outcome="recovered")  # fmt: skip
    rescue = nurse.put(f"{V1}/{of}/rescue-plan/", {"text": "Baclofen 20 mg by mouth, and call us."}, format="json")
    assert rescue.status_code == 200

    # the taper: a stop without a plan is blocked; with one it is planned, reminded and ends at 0
    stop = {"mode": "stopped", "daily_dose_mcg": "0", "reason": "explant"}
    assert "stop_without_plan" in codes(sent(nurse, f"{by}/proposals/preview/", 200, **stop)["findings"])
    sent(nurse, f"{of}/phases/", 409, phase="weaning", reason="explant")
    steps = [{"at": day(clock, 7), "daily_dose_mcg": "140"}, {"at": day(clock, 14), "daily_dose_mcg": "0"}]
    assert "goes down" in str(sent(nurse, f"{by}/weaning-plans/", 400, steps=steps[::-1], reason="infection"))
    plan = sent(nurse, f"{by}/weaning-plans/", steps=steps, reason="infection")
    assert "stop_from_high" in codes(plan["findings"])
    sent(nurse, f"weaning-plans/{plan['id']}/sign/", 403)
    assert "drop of 100 %" in str(sent(prescriber, f"weaning-plans/{plan['id']}/sign/", 400)["seen"])
    sent(prescriber, f"weaning-plans/{plan['id']}/sign/", 200, seen=True)
    assert got(nurse, f"{of}/phases/")["results"][0]["phase"] == "weaning"
    assert Event.objects.standing().filter(pump=pump["id"], is_planned=True).count() == 2
    assert "stop_without_plan" in codes(sent(nurse, f"{by}/proposals/preview/", 200, **stop)["findings"])
    clock.pass_time(days=8)
    first, last = got(nurse, f"weaning-plans/{plan['id']}/")["events"]
    at, shown = f"weaning-plans/{plan['id']}/steps", {"concentration_mcg_per_ml": "2000"}
    sent(nurse, f"{by}/timeline/{first}/confirm/", 409)
    slip = {**shown, "mode": "simple_continuous", "daily_dose_mcg": "560"}
    assert "about 4 times it" in str(sent(nurse, f"{at}/{first}/confirm/", 409, **slip))
    sent(nurse, f"{at}/{first}/confirm/", 200, **{**slip, "daily_dose_mcg": "140"})
    clock.pass_time(days=7)
    sent(nurse, f"{at}/{last}/confirm/", 200, **shown, mode="stopped", daily_dose_mcg="0")
    sent(nurse, f"{of}/phases/", phase="stopped", reason="therapy has ended")
    assert [row["phase"] for row in got(nurse, f"{of}/phases/")["results"]] == [
        "stopped", "weaning", "maintenance", "titration", "implanted", "screening", "candidate",
    ]  # fmt: skip


def day(clock: Clock, days: int) -> str:
    return (clock.now + timedelta(days=days)).isoformat()


def program(nurse: APIClient, prescriber: APIClient, by: str, *, dose: str, concentration: str, reason: str) -> None:
    """Propose, sign, read back."""
    made = sent(nurse, f"{by}/proposals/", mode="simple_continuous", daily_dose_mcg=dose, reason=reason)
    assert "block" not in {finding["severity"] for finding in made["findings"]}, made["findings"]
    sent(prescriber, f"proposals/{made['id']}/sign/", 200)
    read = {"mode": "simple_continuous", "daily_dose_mcg": dose, "concentration_mcg_per_ml": concentration}
    done = sent(nurse, f"proposals/{made['id']}/confirm/", 200, **read)
    assert done["state"] == "programmed"
