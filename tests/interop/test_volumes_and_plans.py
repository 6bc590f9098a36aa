"""Emptying, patient boluses, weekdays, plans and reasons of a low level move in and out."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from interop.cells import BadCell, timed
from interop.comparing import from_json, written
from pumps.models import Event, Forecast, Pump
from pumps.services import low_level, plans
from pumps.services.entries import EventEntry
from tests.builders import NOW, a_clinic, a_dose, a_refill, a_running_pump, a_user, recorded
from tests.interop.folders import NOTHING, a_folder, problems_of, run, stored
from tests.interop.test_round_trip import changed, emptied, exported, forecasts

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
REFILLS = "serial_number,refilled_at,aspirated_ml,filled_ml,concentration_mcg_per_ml,emptying\n"
FIRST = "S1,2026-07-10T15:00:00Z,,40,500,\n"
EVENTS = "serial_number,kind,occurred_at,patient_bolus_mcg,confirms_at\n"


def with_file(folder: Path, name: str, text: str) -> Path:
    (a_folder(folder) / name).write_text(text, encoding="utf-8")
    return folder


def test_weekdays_of_a_step_are_written_before_its_time() -> None:
    read = timed("steps")("mon+Tue@06:00=4.0;07:00=2")
    assert [(step.clock, step.days) for step in read] == [("06:00", (0, 1)), ("07:00", ())]
    stored = [
        {"start": "06:00", "rate_mcg_per_h": "4", "days": ["mon", "tue"]},
        {"start": "07:00", "rate_mcg_per_h": "2"},
    ]
    assert written(from_json(stored)) == "07:00=2;mon+tue@06:00=4"
    for bad in ("xyz@06:00=4", "@06:00=4", "mon+@06:00=4", "mon@tue@06:00=4"):
        with pytest.raises(BadCell):
            timed("steps")(bad)


def test_everything_comes_along_to_an_empty_system(tmp_path: Path) -> None:
    pump = a_running_pump(a_clinic("Oak"), filled_days_ago=60)
    a_refill(pump, NOW - 50 * DAY, emptying="partial", aspirated_ml=Decimal(10), filled_ml=Decimal(5))
    a_refill(pump, NOW - 40 * DAY, emptying="top_up", filled_ml=Decimal(3))
    steps = [
        {"start": "06:00", "rate_mcg_per_h": "8"},
        {"start": "06:01", "rate_mcg_per_h": "8", "days": ["sat", "sun"]},
    ]
    boluses = {"patient_bolus_mcg": Decimal(10), "patient_boluses_per_day": 4}
    a_dose(pump, NOW - 30 * DAY, mode="flex", daily_dose_mcg=Decimal(192), steps=steps, **boluses)
    recorded(pump, EventEntry(kind="interrogation", occurred_at=NOW - 20 * DAY, patient_bolus_mcg=Decimal(120)))
    made, due = (
        a_dose(pump, NOW - days * DAY, now=NOW - 15 * DAY, daily_dose_mcg=Decimal(200 + days)) for days in (10, 5)
    )
    ahead = a_dose(pump, NOW + DAY, daily_dose_mcg=Decimal(212))
    plans.confirm(pump_id=pump.pk, event=made, user=a_user(), source="page", now=NOW - 9 * DAY)
    low_level.raise_low_level(pump=pump, reason="itching", noticed_on=NOW.date(), now=NOW, by=a_user())
    before, events = forecasts(), what_stands()
    assert (due.is_planned, ahead.is_planned) == (True, True)
    folder = exported(tmp_path / "out")
    emptied()
    run(folder, now=NOW)
    after = forecasts()
    assert {serial: changed(before[serial], row) for serial, row in after.items()} == {pump.serial_number: {}}
    assert what_stands() == events
    again = Pump.objects.get()
    assert (again.low_level_reason, again.low_level_noticed_on) == ("itching", NOW.date())
    assert {count.new for count in run(folder, now=NOW).counts.values()} == {0}


def what_stands() -> list[tuple[object, ...]]:
    columns = ("kind", "occurred_at", "emptying", "steps", "patient_bolus_mcg", "patient_boluses_per_day", "is_planned")
    return list(Event.objects.order_by("occurred_at", "kind").values_list(*columns, "confirms_at"))


def test_a_dose_ahead_is_a_plan_and_one_behind_is_none_unless_it_says_so(tmp_path: Path) -> None:
    header = "serial_number,effective_at,mode,daily_dose_mcg,is_planned\n"
    lines = (
        "S1,2026-07-10T15:00:00Z,simple_continuous,200,\nS1,2026-11-01T15:00:00Z,simple_continuous,210,yes\n"
        "S1,2026-12-01T15:00:00Z,simple_continuous,220,\n"
    )
    run(with_file(tmp_path, "dose_changes.csv", header + lines))
    doses = Event.objects.filter(kind="dose_change").order_by("occurred_at")
    assert [event.is_planned for event in doses] == [False, True, True]


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("refills.csv", REFILLS + FIRST.replace("500,", "500,top_up"),
         "refills.csv:2 emptying: A first fill goes into an empty pump: record it as emptied."),
        ("refills.csv", REFILLS + FIRST + "S1,2026-10-02T15:00:00Z,,10,2000,top_up\n",
         "refills.csv:3 emptying: The pump holds 500 mcg/mL: 2000 mcg/mL on top of it would mix the two"),
        ("refills.csv", REFILLS + FIRST + "S1,2026-10-02T15:00:00Z,2,10,500,top_up\n",
         "refills.csv:3 aspirated_ml: At a top-up nothing is taken out"),
        ("refills.csv", REFILLS + FIRST + "S1,2026-10-02T15:00:00Z,2,10,500,half\n",
         "refills.csv:3 emptying: 'half' is none of"),
        ("events.csv", EVENTS + "S1,interrogation,2026-11-01T15:00:00Z,-1,\n",
         "events.csv:2 patient_bolus_mcg: A dose cannot be negative."),
        ("events.csv", EVENTS + "S1,dose_confirmed,2026-11-01T15:00:00Z,,\n", "events.csv:2 confirms_at: Needed"),
        ("events.csv", EVENTS + "S1,dose_confirmed,2026-11-01T15:00:00Z,,2026-10-01T15:00:00Z\n",
         "events.csv:2 confirms_at: there is no dose change of this pump at this moment"),
        ("events.csv", EVENTS + "S1,dose_confirmed,2026-07-01T15:00:00Z,,2026-07-10T15:00:00Z\n",
         "events.csv:2 confirms_at: lies after occurred_at"),
        ("dose_changes.csv",
         "serial_number,effective_at,mode,daily_dose_mcg,patient_bolus_mcg,patient_boluses_per_day\n"
         "S1,2026-07-10T15:00:00Z,simple_continuous,200,10,\n", "dose_changes.csv:2 patient_boluses_per_day: say how"),
        ("dose_changes.csv",
         "serial_number,effective_at,mode,daily_dose_mcg,patient_bolus_mcg,patient_boluses_per_day\n"
         "S1,2026-07-10T15:00:00Z,simple_continuous,200,10,51\n",
         "dose_changes.csv:2 patient_boluses_per_day: '51' is not a number of boluses"),
        ("pumps.csv", "serial_number,mrn,clinic,model,implanted_on,low_level_reason,low_level_noticed_on\n"
         "S1,M1,Oak,SynchroMed II 8637-40,2026-01-10,,2026-10-10\n",
         "pumps.csv:2 low_level_reason: must not be blank where it has a day"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told_by_its_cell(tmp_path: Path, name: str, text: str, told: str) -> None:
    [problem] = problems_of(with_file(tmp_path, name, text))
    assert problem.startswith(told)
    assert stored() == NOTHING


def test_what_is_stored_counts_with_what_a_folder_adds(tmp_path: Path) -> None:
    run(with_file(tmp_path / "one", "refills.csv", REFILLS + FIRST))
    added = REFILLS + "S1,2026-10-02T15:00:00Z,,10,{},top_up\n"
    [problem] = problems_of(with_file(tmp_path / "two", "refills.csv", added.format(2000)))
    assert "would mix the two" in problem
    run(with_file(tmp_path / "three", "refills.csv", added.format(500)))
    late = REFILLS + "S1,2026-09-02T15:00:00Z,10,40,2000,emptied\n"
    [problem] = problems_of(with_file(tmp_path / "four", "refills.csv", late))
    assert problem.startswith("refills.csv:2 concentration_mcg_per_ml: The fill after this one")
    assert Forecast.objects.count() == 1
