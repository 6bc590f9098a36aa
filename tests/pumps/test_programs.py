"""Patient boluses and weekdays of a program, and what an interrogation reads of boluses."""

from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest

from clinical.ledger import Interrogation, ProgramChange
from clinical.patient_boluses import most_called_for
from clinical.programs import ProgramError
from clinical.weekdays import days_of, most_steps_in_a_day, words
from clinics.errors import Impossible, NeedsConfirmation
from pumps import folding, forecasting
from pumps.models import Event, Forecast, Pump
from pumps.programs_json import program_of
from pumps.services import fleet, ledger
from pumps.services.entries import DoseEntry, Entry, EventEntry
from tests.builders import NOW, a_dose, a_pump, a_refill, a_running_pump, a_user
from tests.clinical.ledgers import after, dose, fill

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
BOLUSES = {"patient_bolus_mcg": D(10), "patient_boluses_per_day": 4}
# The same rate all the time, so that every day adds up to 192 mcg.
STEADY = [
    {"start": "06:00", "rate_mcg_per_h": "8", "days": ["mon", "tue", "wed", "thu", "fri"]},
    {"start": "22:00", "rate_mcg_per_h": "8", "days": ["mon", "tue", "wed", "thu", "fri"]},
    {"start": "06:01", "rate_mcg_per_h": "8", "days": ["sat", "sun"]},
]


def entry(**fields: Any) -> DoseEntry:
    values = {"effective_at": NOW, "mode": "simple_continuous", "daily_dose_mcg": D(200), **fields}
    return DoseEntry(**values)


def record(pump: Pump, what: Entry, *confirmed: str) -> Event:
    return ledger.record(pump_id=pump.pk, entry=what, user=a_user(), source="page", now=NOW, confirmed=confirmed)


def last_program(pump: Pump) -> ProgramChange:
    return [fact for fact in folding.ledgers([pump.pk])[pump.pk] if isinstance(fact, ProgramChange)][-1]


def test_patient_boluses_are_stored_and_folded_and_a_void_restores() -> None:
    pump = a_running_pump()
    before = Forecast.objects.get(pump=pump)
    event = record(pump, entry(**BOLUSES))
    assert (event.patient_bolus_mcg, event.patient_boluses_per_day) == (D(10), 4)
    assert last_program(pump).program.most_by_patient_mcg == 40
    assert fleet.compare([pump.pk], now=NOW) == []
    ledger.void(pump_id=pump.pk, event_id=event.pk, reason="slip", user=a_user(), source="page", now=NOW)
    assert forecasting.differs(before, Forecast.objects.get(pump=pump)) == []


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"patient_bolus_mcg": D(10)}, "patient_boluses_per_day"),
        ({"patient_boluses_per_day": 4}, "patient_bolus_mcg"),
        ({**BOLUSES, "patient_bolus_mcg": D(0)}, "patient_bolus_mcg"),
        ({**BOLUSES, "patient_boluses_per_day": 0}, "patient_boluses_per_day"),
        ({**BOLUSES, "patient_boluses_per_day": 51}, "patient_boluses_per_day"),
        ({**BOLUSES, "mode": "stopped", "daily_dose_mcg": D(0)}, "patient_bolus_mcg"),
    ],
)
def test_half_of_a_patient_bolus_is_none(fields: dict[str, Any], field: str) -> None:
    pump = a_running_pump()
    with pytest.raises(Impossible) as error:
        record(pump, entry(**fields))
    assert list(error.value.errors) == [field]
    assert pump.events.count() == 2


def test_a_constant_flow_pump_has_no_patient_boluses() -> None:
    pump = a_pump(model="codman-3000-30", factory_flow_ml_per_day=D("0.5"))
    with pytest.raises(Impossible) as error:
        record(pump, entry(**BOLUSES))
    assert list(error.value.errors) == ["mode"]


def test_weekdays_are_stored_as_entered_and_folded() -> None:
    pump = a_running_pump()
    event = record(pump, entry(mode="flex", daily_dose_mcg=D(192), steps=STEADY))
    assert event.steps == STEADY
    assert {step.days for step in last_program(pump).program.steps} <= {(), (0, 1, 2, 3, 4), (5, 6)}
    assert fleet.compare([pump.pk], now=NOW) == []


def test_a_weekday_that_is_none_is_refused() -> None:
    pump = a_running_pump()
    steps = [{"start": "06:00", "rate_mcg_per_h": "8", "days": ["someday"]}]
    with pytest.raises(Impossible) as error:
        record(pump, entry(mode="flex", daily_dose_mcg=D(192), steps=steps))
    assert "'someday' is not a weekday" in error.value.errors["steps"][0]


def test_weekdays_in_words() -> None:
    assert words(days_of(["fri", "mon", "tue", "wed", "thu"], "steps")) == "Mon-Fri"
    assert words((5, 6)) == "Sat and Sun"
    assert words((0, 2, 4)) == "Mon, Wed and Fri"
    assert words((3,)) == "Thu"
    assert words(()) == ""
    with pytest.raises(ProgramError):
        days_of([1], "steps")  # type: ignore[list-item]  # as a caller may send it


@pytest.mark.parametrize(("count", "asked"), [(13, []), (14, ["too_many_steps"])])
def test_more_steps_in_one_day_than_the_catalogue_has_are_a_doubt(count: int, asked: list[str]) -> None:
    pump = a_running_pump()
    steps = [{"start": f"{hour:02}:00", "rate_mcg_per_h": "8"} for hour in range(count)]
    what = entry(mode="flex", daily_dose_mcg=D(192), steps=steps)
    if asked:
        with pytest.raises(NeedsConfirmation) as doubted:
            record(pump, what)
        assert [doubt.code for doubt in doubted.value.doubts] == asked
    assert record(pump, what, *asked).daily_dose_mcg == D(192)


def test_steps_of_two_kinds_of_day_are_not_added_up() -> None:
    weekend = [{"start": f"{hour:02}:30", "rate_mcg_per_h": "8", "days": ["sat", "sun"]} for hour in range(7)]
    others = [{"start": f"{hour:02}:00", "rate_mcg_per_h": "8"} for hour in range(8)]
    program = program_of("flex", D(192), [*weekend, *others], [])
    assert len(program.steps) == 15
    if any(step.days for step in program.steps):
        assert most_steps_in_a_day(program) == 8


def reading(mcg: str, **fields: Any) -> EventEntry:
    return EventEntry(kind="interrogation", occurred_at=NOW, patient_bolus_mcg=D(mcg), **fields)


@pytest.mark.parametrize(
    ("boluses", "mcg", "asked"),
    [
        (BOLUSES, "1200", []),  # 30 days of 40 mcg
        (BOLUSES, "1201", ["patient_boluses_above_most"]),
        ({}, "1", ["no_patient_boluses"]),
        ({}, "0", []),
    ],
)
def test_a_reading_is_held_against_the_most_allowed(boluses: dict[str, Any], mcg: str, asked: list[str]) -> None:
    pump = a_pump()
    a_refill(pump, NOW - 30 * DAY)
    a_dose(pump, NOW - 30 * DAY, **boluses)
    if asked:
        with pytest.raises(NeedsConfirmation) as doubted:
            record(pump, reading(mcg))
        assert [doubt.code for doubt in doubted.value.doubts] == asked
        assert not pump.events.filter(kind="interrogation").exists()
    event = record(pump, reading(mcg), *asked)
    assert event.patient_bolus_mcg == D(mcg)
    [fact] = [fact for fact in folding.ledgers([pump.pk])[pump.pk] if isinstance(fact, Interrogation)]
    assert fact.patient_bolus_mcg == D(mcg)


def test_a_reading_is_not_negative_and_of_no_other_kind() -> None:
    pump = a_running_pump()
    for what in (reading("-1"), EventEntry(kind="mri", occurred_at=NOW, patient_bolus_mcg=D(1))):
        with pytest.raises(Impossible) as error:
            record(pump, what)
        assert list(error.value.errors) == ["patient_bolus_mcg"]


def test_the_most_is_counted_from_the_last_fill_or_reading_over_the_programs_between() -> None:
    with_boluses = ProgramChange(after(2), program_of("simple_continuous", D(200), [], [], D(10), 4), 0)
    assert most_called_for([], after(1)) == 0
    assert most_called_for([with_boluses], after(3)) == 40
    assert most_called_for([fill(0), dose(0)], after(5)) == 0
    assert most_called_for([fill(0), dose(0), with_boluses], after(5)) == 120
    assert most_called_for([fill(0), dose(0), with_boluses, dose(3)], after(5)) == 40
    read = Interrogation(after(4), patient_bolus_mcg=D(5))
    assert most_called_for([fill(0), dose(0), with_boluses, read], after(4.5)) == 40
