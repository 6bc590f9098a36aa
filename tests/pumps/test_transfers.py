"""A patient moves to another clinic: the ledger goes along, the old record stays readable, no reminder is lost."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.urls import reverse

from alerts.models import Alert
from clinics.errors import Conflict, DomainError, Impossible
from clinics.models import User
from clinics.roles import Role
from patients.models import Patient
from pumps.models import Event, Forecast, Pump
from pumps.services import care, devices, fleet, transfers
from tests.builders import NOW, a_clinic, a_dose, a_running_pump, a_user
from tests.interop.folders import a_folder, problems_of, run
from tests.pages.conftest import logged_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def pump() -> Pump:
    return a_running_pump(a_clinic("Old"), filled_days_ago=85)


@pytest.fixture
def nurse() -> User:
    return a_user(Role.NURSE, a_clinic("New"))


def moved(pump: Pump, nurse: User) -> Pump:
    offer = transfers.offer(patient=pump.patient, message="", by=a_user(Role.NURSE, pump.clinic), now=NOW)
    clinic = nurse.memberships.get().clinic
    assert clinic is not None
    return transfers.accept(transfer=offer, clinic=clinic, mrn="N1", by=nurse, now=NOW).pumps.get()


def test_the_ledger_and_its_dates_go_along(pump: Pump, nurse: User) -> None:
    slip = a_dose(pump, NOW - timedelta(days=20), daily_dose_mcg=Decimal(210))
    before, count = Forecast.objects.get(pump=pump), pump.events.count()
    new = moved(pump, nurse)
    after = Forecast.objects.get(pump=new)
    for field in ("refill_by", "programmed_low_at", "earliest_low_at", "empty_at", "flow_ratio_mean"):
        assert getattr(after, field) == getattr(before, field), field
    assert new.events.count() == count
    assert new.events.filter(occurred_at=slip.occurred_at, daily_dose_mcg=210).exists()


def test_there_is_no_gap_in_the_reminders(pump: Pump, nurse: User) -> None:
    fleet.tick(NOW)
    assert Alert.objects.open().filter(pump=pump).exists()
    new = moved(pump, nurse)
    fleet.tick(NOW)
    assert Alert.objects.open().filter(pump=new, kind="refill_due").exists()
    assert not Alert.objects.open().filter(pump=pump).exists()


def test_the_old_clinic_reads_and_no_longer_writes(pump: Pump, nurse: User) -> None:
    new = moved(pump, nurse)
    old = logged_in(a_user(Role.NURSE, pump.clinic))
    assert old.get(reverse("pump", args=[pump.pk])).status_code == 200
    assert old.get(reverse("pump", args=[new.pk])).status_code == 404
    assert logged_in(nurse).get(reverse("pump", args=[pump.pk])).status_code == 404
    events = pump.events.count()
    with pytest.raises(DomainError):
        a_dose(pump, NOW, daily_dose_mcg=Decimal(210))
    assert pump.events.count() == events


def test_an_offer_is_taken_once_or_withdrawn(pump: Pump, nurse: User) -> None:
    by = a_user(Role.NURSE, pump.clinic)
    offer = transfers.offer(patient=pump.patient, message="", by=by, now=NOW)
    token = transfers.token_of(offer)
    transfers.withdraw(transfer=offer, by=by, now=NOW)
    assert transfers.behind(token, now=NOW) is None
    clinic = nurse.memberships.get().clinic
    assert clinic is not None
    with pytest.raises((Conflict, Impossible)):
        transfers.accept(transfer=offer, clinic=clinic, mrn="N1", by=nurse, now=NOW)
    assert Patient.objects.count() == 1
    assert transfers.behind(token[:-1] + "x", now=NOW) is None


def test_a_pump_is_replaced_and_the_old_one_needs_no_refill(pump: Pump) -> None:
    fleet.tick(NOW)
    new = devices.replace(
        pump=pump,
        on=NOW.date(),
        reason="end of service",
        model=pump.model,
        now=NOW,
        by=a_user(),
        serial_number="NEW1",
    )
    assert new.patient_id == pump.patient_id
    assert not Alert.objects.open().filter(pump=pump).exists()
    assert Forecast.objects.filter(pump=new).exists()
    assert new.refill_owner
    assert Event.objects.filter(pump=pump).exists()


def test_the_owner_of_the_next_refill_is_handed_over_and_never_blank(pump: Pump) -> None:
    by = a_user(Role.NURSE, pump.clinic)
    devices.hand_over(
        pump=pump, owner="home_infusion", name="Home Co", phone="+1 555 0199", reason="moved", now=NOW, by=by
    )
    pump.refresh_from_db()
    assert pump.refill_owner == "home_infusion"
    for owner in ("", "nobody"):
        with pytest.raises((Impossible, Conflict)):
            devices.hand_over(pump=pump, owner=owner, name="", phone="", reason="", now=NOW, by=by)
    pump.refresh_from_db()
    assert pump.refill_owner == "home_infusion"


def test_a_patient_whose_care_has_ended_is_not_taken_over(pump: Pump, nurse: User) -> None:
    by = a_user(Role.NURSE, pump.clinic)
    offer = transfers.offer(patient=pump.patient, message="", by=by, now=NOW)
    care.change_status(patient=pump.patient, status="deceased", on=NOW.date(), reason="died", now=NOW, by=by)
    clinic = nurse.memberships.get().clinic
    assert clinic is not None
    with pytest.raises(Conflict):
        transfers.accept(transfer=offer, clinic=clinic, mrn="N1", by=nurse, now=NOW)
    assert Patient.objects.get().status == "deceased"


def test_an_import_writes_nothing_into_a_record_that_is_only_read(tmp_path: Path) -> None:
    run(a_folder(tmp_path / "first"))
    old = Pump.objects.select_related("patient", "clinic").get()
    nurse = a_user(Role.NURSE, a_clinic("New"))
    moved(old, nurse)
    run(a_folder(tmp_path / "again"))
    more = {
        "refills": "S1,2026-11-02T15:00:00Z,6.1,40.0,500,Lioresal,L3,2027-12-31,180\n",
        "dose_changes": "S1,2026-11-02T15:00:00Z,simple_continuous,210,,,\n",
    }
    for name, line in more.items():
        [problem] = problems_of(a_folder(tmp_path / name, **{name: line}))
        assert f"{name}.csv:" in problem
        assert "only be read" in problem
