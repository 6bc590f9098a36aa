"""The demo loads once, tells its story, and exists nowhere else."""

from collections.abc import Iterable
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.core.management.base import SystemCheckError
from django.test import Client

from alerts.models import Alert
from clinics.errors import Conflict
from clinics.models import Clinic, Membership, User
from clinics.roles import Role
from interop import demo
from interop.checks import no_demo_accounts
from interop.management.commands import prepare
from pumps.models import Event, FleetFigure, Forecast, Pump
from pumps.services import fleet
from scheduling.models import Appointment
from tests.builders import a_clinic
from tests.interop.folders import run, stored
from tests.interop.samples import sample_clinic

pytestmark = pytest.mark.django_db
NOW = datetime(2027, 3, 3, 15, 0, tzinfo=UTC)


@pytest.fixture
def _demo(settings: Any) -> None:
    settings.DEMO = True


def codes(forecasts: Iterable[Forecast]) -> list[str]:
    return [finding["code"] for forecast in forecasts for finding in forecast.findings]


def within(days_from: float, days_to: float) -> int:
    window = (NOW + timedelta(days=days_from), NOW + timedelta(days=days_to))
    return Forecast.objects.filter(refill_by__range=window).count()


@pytest.mark.usefixtures("_demo")
def test_the_worklist_tells_a_story() -> None:
    demo.load(now=NOW)
    sizes = {clinic.name: clinic.pumps.count() for clinic in Clinic.objects.all()}
    assert sizes == {"Harbor Neurology Clinic": 20, "Mesa Rehabilitation": 15, "Northgate Clinic": 12}
    assert 2 <= within(-30, 0) <= 5
    assert Forecast.objects.filter(programmed_low_at__lte=NOW).count() == 1
    assert 2 <= within(0, 7) <= 8
    assert within(7, 100) >= 25
    assert Forecast.objects.filter(stopped_at__isnull=False).count() == 1
    assert list(Forecast.objects.exclude(unknown_reason="").order_by("unknown_reason").values_list("unknown_reason", flat=True)) == ["flow_changed", "no_dose", "stopped"]  # fmt: skip  # noqa: E501
    assert Forecast.objects.filter(limiting_factor="lot_expiry").exists()
    assert {"aspirated_zero", "concentration_not_programmed"} <= set(codes(Forecast.objects.all()))
    assert Pump.objects.filter(model__programmable=False).exists()
    assert set(Event.objects.exclude(mode="").values_list("mode", flat=True)) >= {"flex", "periodic_bolus"}


@pytest.mark.usefixtures("_demo")
def test_the_tick_finds_its_alerts() -> None:
    demo.load(now=NOW)
    # An unknown forecast has a short grace.
    fleet.tick(NOW + timedelta(hours=1))
    alerts = Forecast.objects.filter(pump__alerts__closed_at=None).values_list("pump__alerts__kind", flat=True)
    assert {"refill_due", "pump_stopped", "forecast_unknown", "concentration_not_programmed"} <= set(alerts)


@pytest.mark.usefixtures("_demo")
def test_there_is_an_account_for_each_role_and_a_nurse_of_one_clinic() -> None:
    demo.load(now=NOW)
    assert set(Membership.objects.values_list("role", flat=True)) == {role.value for role in Role}
    assert not User.objects.filter(is_demo=False).exists()
    nurse = User.objects.get(email="northgate.nurse@demo.example")
    assert {pump.clinic.name for pump in Pump.objects.visible_to(nurse)} == {"Northgate Clinic"}
    for log_in in demo.LOG_INS:
        assert Client().login(username=log_in.email, password=log_in.password)


@pytest.mark.usefixtures("_demo")
def test_one_clinic_is_live_for_patients() -> None:
    demo.load(now=NOW)
    live = Clinic.objects.filter(patient_messages_since__isnull=False)
    assert [clinic.name for clinic in live] == ["Harbor Neurology Clinic"]


@pytest.mark.usefixtures("_demo")
def test_the_fleet_page_has_figures_from_the_start() -> None:
    call_command("load_demo", stdout=StringIO())
    assert set(FleetFigure.objects.values_list("clinic__name", flat=True)) == {each.name for each in demo.CLINICS}


@pytest.mark.usefixtures("_demo")
def test_a_second_start_changes_nothing_and_shows_the_log_ins_again() -> None:
    first, second = StringIO(), StringIO()
    call_command("load_demo", stdout=first)
    before = stored()
    call_command("load_demo", stdout=second)
    assert stored() == before
    assert first.getvalue() == second.getvalue()
    assert "nurse@demo.example" in second.getvalue()
    assert demo.PASSWORD in second.getvalue()


@pytest.mark.usefixtures("_demo")
def test_a_database_with_clinics_is_left_alone() -> None:
    a_clinic("Ours")
    out = StringIO()
    call_command("load_demo", stdout=out)
    assert "no demo was loaded" in out.getvalue()
    assert list(Clinic.objects.values_list("name", flat=True)) == ["Ours"]


def test_it_is_refused_outside_the_demo(settings: Any) -> None:
    settings.DEMO = False
    with pytest.raises(Conflict):
        demo.load(now=NOW)
    with pytest.raises(CommandError, match="BRIM_DEMO"):
        call_command("load_demo")
    assert not Clinic.objects.exists()


def test_demo_accounts_outside_the_demo_are_reported(settings: Any) -> None:
    settings.LOCAL = False
    assert no_demo_accounts(databases=["default"]) == []
    User.objects.create(email="nurse@demo.example", is_demo=True)
    [error] = no_demo_accounts(databases=["default"])
    assert (error.id, error.is_serious()) == ("interop.E001", True)
    assert no_demo_accounts(databases=None) == []
    settings.LOCAL = True
    assert no_demo_accounts(databases=["default"]) == []


@pytest.mark.parametrize("on_one_machine", [True, False])
def test_prepare_fails_where_demo_accounts_do_not_belong(
    settings: Any, monkeypatch: pytest.MonkeyPatch, on_one_machine: bool
) -> None:
    monkeypatch.setattr(prepare, "call_command", lambda *args, **kwargs: None)
    settings.LOCAL = on_one_machine
    prepare.Command().handle()
    User.objects.create(email="nurse@demo.example", is_demo=True)
    with nullcontext() if on_one_machine else pytest.raises(SystemCheckError, match="1 demo accounts"):
        prepare.Command().handle()


@pytest.mark.usefixtures("_demo")
def test_the_sample_clinic_can_be_imported_beside_it() -> None:
    """They share clinic names, so the demo's clinics must say nothing else than the sample's."""
    now = datetime(2026, 11, 22, 12, tzinfo=UTC)
    demo.load(now=now)
    counts = run(sample_clinic(), now=now).counts
    assert (counts["clinics.csv"].new, counts["pumps.csv"].new) == (0, 240)


@pytest.mark.usefixtures("_demo")
def test_one_visit_is_in_time_one_too_late_and_one_was_missed() -> None:
    demo.load(now=NOW)
    late = Alert.objects.open().get(kind=Alert.Kind.APPOINTMENT_LATE)
    missed = Alert.objects.open().get(kind=Alert.Kind.NO_SHOW)
    states: dict[int | None, str] = dict(Appointment.objects.values_list("pump", "state"))
    assert (states.pop(late.pump_id), states.pop(missed.pump_id)) == ("booked", "no_show")
    [(pump_id, state)] = states.items()
    visit = Appointment.objects.get(pump=pump_id)
    bound = Forecast.objects.get(pump=pump_id).refill_by
    assert bound is not None
    assert state == "booked"
    assert NOW < visit.starts_at <= bound
