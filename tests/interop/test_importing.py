"""What an import stores, and that running it again changes nothing."""

from datetime import UTC, date, datetime
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from clinics.models import Clinic
from clinics.roles import Role
from patients.models import Patient
from pumps.models import Event, Forecast, Pump
from pumps.services import ledger
from pumps.services.entries import RefillEntry
from tests.builders import NOW, a_clinic, a_pump, a_user
from tests.interop.folders import GOOD, NOTHING, a_folder, problems_of, run, stored

pytestmark = pytest.mark.django_db


def test_everything_is_stored_with_its_forecast(tmp_path: Path) -> None:
    report = run(a_folder(tmp_path))
    assert {file: count.new for file, count in report.counts.items()} == {
        "clinics.csv": 1,
        "patients.csv": 1,
        "pumps.csv": 1,
        "refills.csv": 2,
        "dose_changes.csv": 1,
    }
    clinic, patient, pump = Clinic.objects.get(), Patient.objects.get(), Pump.objects.get()
    assert (clinic.timezone, clinic.patient_facing_name, clinic.patient_messages_since) == (
        "America/New_York",
        "Oak Clinic",
        None,
    )
    assert (patient.clinic, patient.email_reminders, patient.date_of_birth) == (clinic, True, date(1980, 5, 17))
    assert (pump.patient, pump.model.slug, pump.low_reservoir_alarm_ml) == (patient, "synchromed-ii-40", Decimal(2))
    forecast = Forecast.objects.get(pump=pump)
    # 38 mL at 0.4 mL/day
    assert forecast.programmed_low_at == datetime(2027, 1, 5, 15, tzinfo=UTC)
    assert forecast.next_alert_at == NOW


def test_events_carry_their_source_and_the_clinics_clock(tmp_path: Path) -> None:
    run(a_folder(tmp_path, dose_changes="S1,2026-11-10T09:00,flex,210,06:00=7;22:00=12.25,,spasms at night\n"))
    change = Event.objects.get(mode="flex")
    assert (change.source, change.recorded_by, change.recorded_at) == ("import", None, NOW)
    assert change.occurred_at == datetime(2026, 11, 10, 14, tzinfo=UTC)
    assert change.clock_offset_s == -5 * 3600
    assert change.steps == [{"start": "06:00", "rate_mcg_per_h": "7"}, {"start": "22:00", "rate_mcg_per_h": "12.25"}]
    refill = Event.objects.filter(kind="refill").latest("occurred_at")
    assert refill.programmed_concentration_mcg_per_ml == refill.concentration_mcg_per_ml == 500
    assert (refill.stability_days, refill.lot_number, refill.aspirated_ml) == (180, "L2", Decimal("6.1"))


def test_a_blank_dose_is_none_for_a_stopped_pump(tmp_path: Path) -> None:
    run(a_folder(tmp_path, dose_changes="S1,2026-11-10T09:00,stopped,,,,MRI\n"))
    assert Event.objects.get(mode="stopped").daily_dose_mcg == 0


def test_a_dose_outside_the_label_is_stored_and_flagged(tmp_path: Path) -> None:
    run(a_folder(tmp_path, dose_changes="S1,2026-11-10T09:00,simple_continuous,2500,,,\n"))
    codes = {finding["code"] for finding in Forecast.objects.get().findings}
    assert codes >= {"dose_out_of_range", "dose_above_1000"}


def test_a_dose_too_small_for_the_calendar_is_stored(tmp_path: Path) -> None:
    run(a_folder(tmp_path, dose_changes="S1,2026-11-10T09:00,simple_continuous,0.001,,,\n"))
    forecast = Forecast.objects.get()
    assert (forecast.programmed_low_at, forecast.low_at) == (None, None)
    # The longest interval and the drug's stability need no flow.
    assert forecast.refill_by is not None


def test_the_latest_possible_expiry_is_stored(tmp_path: Path) -> None:
    run(a_folder(tmp_path, refills="S1,2026-11-10T15:00:00Z,6,40,500,,L3,2200-12-31,1000\n"))
    assert Event.objects.get(lot_number="L3").drug_expires_on == date(2200, 12, 31)


def test_an_explanted_pump_is_out_of_use(tmp_path: Path) -> None:
    run(a_folder(tmp_path, pumps="S2,M1,Oak,codman-3000-30,2025-01-10,,,,0.5,2026-01-09\n"))
    pump = Pump.objects.get(serial_number="S2")
    assert (pump.status, pump.forecast.in_use, pump.factory_flow_ml_per_day) == ("explanted", False, Decimal("0.5"))


def test_running_it_twice_changes_nothing(tmp_path: Path) -> None:
    folder = a_folder(tmp_path, dose_changes="S1,2026-11-10T09:00,flex,210,22:00=12.25;06:00=7.0,,\n")
    run(folder)
    before, computed = stored(), Forecast.objects.get().computed_at
    report = run(folder, now=NOW.replace(hour=13))
    assert stored() == before
    assert Forecast.objects.get().computed_at == computed
    assert {(count.new, report.forecasts) for count in report.counts.values()} == {(0, 0)}
    assert report.counts["refills.csv"].unchanged == 2


def test_a_row_repeated_within_a_file_is_stored_once(tmp_path: Path) -> None:
    run(a_folder(tmp_path, refills=GOOD["refills.csv"].splitlines()[2] + "\n"))
    assert Event.objects.filter(kind="refill").count() == 2


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        ("clinics", "us,Oak Clinic", "uk,", [
            "clinics.csv:2 label_set: stored is 'us', the file has 'uk'",
            "clinics.csv:2 patient_facing_name: stored is 'Oak Clinic', the file has blank",
        ]),
        ("patients", "Ada", "Eva", ["patients.csv:2 given_name: stored is 'Ada', the file has 'Eva'"]),
        ("pumps", "8637-40", "8637-20", [
            "pumps.csv:2 model: stored is 'SynchroMed II 8637-40', the file has 'SynchroMed II 8637-20'",
        ]),
        ("pumps", "0.162,,2,,", "0.162,3,2,,2026-11-01", [
            "pumps.csv:2 low_reservoir_alarm_ml: stored is 2, the file has 3",
            "pumps.csv:2 explanted_on: stored is blank, the file has 2026-11-01",
        ]),
        ("refills", "6.1", "", ["refills.csv:3 aspirated_ml: stored is 6.1, the file has blank"]),
        ("refills", "L2,2027-12-31,180", "L2,2028-01-31,", [
            "refills.csv:3 drug_expires_on: stored is 2027-12-31, the file has 2028-01-31",
            "refills.csv:3 stability_days: stored is '180', the file has blank",
        ]),
        ("dose_changes", "continuous,200,,,", "continuous,200,,,titration", [
            "dose_changes.csv:2 reason: stored is blank, the file has 'titration'",
        ]),
    ],
)  # fmt: skip
def test_the_same_key_with_other_values_shows_both(
    tmp_path: Path, file: str, old: str, new: str, expected: list[str]
) -> None:
    folder = a_folder(tmp_path)
    run(folder)
    path = folder / f"{file}.csv"
    path.write_text(path.read_text().replace(old, new))
    before = stored()
    assert problems_of(folder) == expected
    assert stored() == before


def test_a_column_that_is_absent_says_nothing(tmp_path: Path) -> None:
    folder = a_folder(tmp_path)
    run(folder)
    (folder / "clinics.csv").write_text("name,timezone\nOak,America/New_York\n")
    assert run(folder).counts["clinics.csv"].unchanged == 1


def test_a_folder_with_refills_only_finds_the_stored_pump(tmp_path: Path) -> None:
    run(a_folder(tmp_path / "first"))
    later = tmp_path / "later"
    later.mkdir()
    header = GOOD["refills.csv"].splitlines()[0]
    (later / "refills.csv").write_text(f"{header}\nS1,2026-11-20T15:00:00Z,5.5,40,500,,,,\n")
    report = run(later)
    assert (report.counts["refills.csv"].new, report.forecasts) == (1, 1)
    assert Forecast.objects.get().filled_at == datetime(2026, 11, 20, 15, tzinfo=UTC)


def test_a_row_entered_in_error_is_not_stored_again(tmp_path: Path) -> None:
    folder, nurse = a_folder(tmp_path), a_user(Role.NURSE)
    run(folder)
    event = Event.objects.filter(kind="refill").latest("occurred_at")
    correct = RefillEntry(
        refilled_at=event.occurred_at,
        aspirated_ml=Decimal(7),
        filled_ml=Decimal(39),
        concentration_mcg_per_ml=Decimal(500),
    )
    ledger.void(
        pump_id=event.pump_id, event_id=event.pk, reason="typo", user=nurse, source="page", now=NOW, replacement=correct
    )
    before = stored()
    assert run(folder).counts["refills.csv"].unchanged == 2
    assert stored() == before
    path = folder / "refills.csv"
    path.write_text(path.read_text().replace("6.1,40.0", "6.1,38.0"))
    assert "refills.csv:3 filled_ml: stored is 39, the file has 38" in problems_of(folder)


def test_a_dry_run_stores_nothing_and_counts_the_same(tmp_path: Path) -> None:
    folder = a_folder(tmp_path)
    tried = run(folder, dry_run=True)
    assert stored() == NOTHING
    done = run(folder)
    assert (tried.counts, tried.forecasts) == (done.counts, done.forecasts)


def two_pumps_of_one_number() -> tuple[Clinic, Clinic]:
    oak, elm = a_clinic("Oak", timezone="America/New_York", patient_facing_name="Oak Clinic"), a_clinic("Elm")
    for clinic in (oak, elm):
        a_pump(clinic, serial_number="S1")
    return oak, elm


def test_a_serial_number_in_two_clinics_needs_the_clinic(tmp_path: Path) -> None:
    two_pumps_of_one_number()
    path = tmp_path / "dose_changes.csv"
    path.write_text("serial_number,effective_at,mode,daily_dose_mcg\nS1,2026-11-01T15:00Z,simple_continuous,200\n")
    assert problems_of(tmp_path) == [
        "dose_changes.csv:2 serial_number: 'S1' is a pump in more than one clinic (Elm, Oak); "
        "add a column clinic to say which"
    ]
    path.write_text(
        "serial_number,clinic,effective_at,mode,daily_dose_mcg\nS1,Elm,2026-11-01T15:00Z,simple_continuous,200\n"
    )
    run(tmp_path)
    assert Event.objects.get().pump.clinic.name == "Elm"


def test_the_folders_own_pump_comes_before_another_clinics(tmp_path: Path) -> None:
    a_pump(a_clinic("Elm"), serial_number="S1")
    run(a_folder(tmp_path))
    assert {event.pump.clinic.name for event in Event.objects.all()} == {"Oak"}


def test_an_administrator_imports_only_into_their_own_clinics(tmp_path: Path) -> None:
    oak, elm = two_pumps_of_one_number()
    Pump.objects.filter(clinic=oak).update(serial_number="S7")
    folder = a_folder(tmp_path)
    assert problems_of(folder, user=a_user(Role.ADMINISTRATOR, elm)) == [
        "clinics.csv:2 name: 'Oak' is not a clinic you administer; only an administrator of all clinics can add one"
    ]
    (folder / "clinics.csv").unlink()
    assert problems_of(folder, user=a_user(Role.NURSE, oak))[0].startswith("patients.csv:2 clinic: there is no clinic")
    by = a_user(Role.ADMINISTRATOR, oak)
    run(folder, user=by)
    assert set(Event.objects.values_list("recorded_by", "pump__clinic__name")) == {(by.pk, "Oak")}


def test_the_command_reports_on_stdout_and_shows_progress_on_stderr(tmp_path: Path) -> None:
    folder, out, err = a_folder(tmp_path), StringIO(), StringIO()
    call_command("import_clinic", str(folder), stdout=out, stderr=err)
    assert "refills.csv: 2 new, 0 unchanged" in out.getvalue()
    assert "1 forecasts computed" in out.getvalue()
    assert "reading refills.csv: 2 of 2" in err.getvalue()


def test_the_command_fails_with_one_line_a_problem(tmp_path: Path) -> None:
    folder = a_folder(tmp_path, clinics="Elm,Nowhere,us,\n,Europe/London,us,\n")
    (folder / "notes.txt").write_text("x")
    err = StringIO()
    with pytest.raises(CommandError) as failure:
        call_command("import_clinic", str(folder), stderr=err)
    assert failure.value.returncode == 1
    assert str(failure.value).splitlines()[0] == "2 problems; nothing was stored."
    assert str(failure.value).splitlines()[2] == "clinics.csv:4 name: must not be blank"
    assert "warning: notes.txt: ignored" in err.getvalue()
    assert stored() == NOTHING
