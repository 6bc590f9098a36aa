"""The sample clinic imports, and its forecasts agree with a slow calculation of their own from the same files.

`programmed_low_at` is worked out here minute by minute of the pump's clock from the text of the CSV files in exact
fractions, with nothing of `clinical/`.
"""

import csv
from bisect import bisect_right
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest

from interop.importing import Report
from pumps.models import Event, Forecast
from tests.interop.folders import run, stored
from tests.interop.samples import sample_clinic

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
LOW_ML = {"SynchroMed II 8637-20": 2, "SynchroMed II 8637-40": 2, "Prometra II 20": 3}
Line = dict[str, str]

pytestmark = pytest.mark.django_db


def lines(file: str) -> list[Line]:
    with (sample_clinic() / file).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture
def imported() -> Report:
    return run(sample_clinic(), now=NOW)


def test_all_of_it_is_stored(imported: Report) -> None:
    assert {file: count.new for file, count in imported.counts.items()} == {
        file: len(lines(file))
        for file in ("clinics.csv", "patients.csv", "pumps.csv", "refills.csv", "dose_changes.csv")
    }
    assert imported.warnings == ["truth.csv: ignored, not a file of the import format"]


def test_again_changes_nothing(imported: Report) -> None:
    before = stored()
    again = run(sample_clinic(), now=NOW)
    assert stored() == before
    assert (again.forecasts, {count.new for count in again.counts.values()}) == (0, {0})


def test_every_programmed_low_date_agrees_with_the_files(imported: Report) -> None:
    stored_dates = programmed_dates()
    expected = dict(programmed_low_dates())
    assert stored_dates.keys() == expected.keys()
    assert len(expected) == 240
    apart = {
        serial: (stored_dates[serial], date)
        for serial, date in expected.items()
        if abs(stored_dates[serial] - date) > timedelta(seconds=60)
    }
    assert apart == {}


def test_continuous_pumps_agree_with_the_truth_of_the_simulator(imported: Report) -> None:
    """truth.csv uses the daily average for flex programs, so only pumps that never ran one agree."""
    dates = programmed_dates()
    flex = set(Event.objects.filter(mode="flex").values_list("pump__serial_number", flat=True))
    compared = [row for row in lines("truth.csv") if row["serial_number"] not in flex]
    assert len(compared) > 100
    for row in compared:
        assert abs(dates[row["serial_number"]] - datetime.fromisoformat(row["programmed_low_at"])).total_seconds() <= 60


def programmed_dates() -> dict[str, datetime]:
    rows = Forecast.objects.values_list("pump__serial_number", "programmed_low_at")
    return {serial: date for serial, date in rows if date is not None}


def programmed_low_dates() -> Iterator[tuple[str, datetime]]:
    zones = {row["name"]: ZoneInfo(row["timezone"]) for row in lines("clinics.csv")}
    refills: dict[str, list[Line]] = {}
    for row in lines("refills.csv"):
        refills.setdefault(row["serial_number"], []).append(row)
    doses: dict[str, list[Line]] = {}
    for row in lines("dose_changes.csv"):
        doses.setdefault(row["serial_number"], []).append(row)
    for pump in lines("pumps.csv"):
        serial = pump["serial_number"]
        low = Fraction(pump["low_reservoir_alarm_ml"] or LOW_ML[pump["model"]])
        yield serial, low_date(refills[serial], doses[serial], low, zones[pump["clinic"]])


def low_date(refills: list[Line], doses: list[Line], low_ml: Fraction, zone: ZoneInfo) -> datetime:
    """Walk from the last fill, dose by dose and minute by minute, until the usable drug is spent."""
    fill = max(refills, key=lambda row: datetime.fromisoformat(row["refilled_at"]))
    now = datetime.fromisoformat(fill["refilled_at"])
    left_mcg = (Fraction(fill["filled_ml"]) - low_ml) * Fraction(fill["concentration_mcg_per_ml"])
    changes = sorted(
        (datetime.fromisoformat(row["effective_at"]), row["daily_dose_mcg"], row["steps"]) for row in doses
    )
    starts = [change[0] for change in changes]
    current = bisect_right(starts, now) - 1
    while True:
        at, dose, steps = changes[current]
        clock = zone.utcoffset(at.astimezone(zone).replace(tzinfo=None)) or timedelta(0)
        minutes = minute_doses(Fraction(dose), steps)
        until = starts[current + 1] if current + 1 < len(starts) else None
        # Whole days first: they all hold the same dose, wherever they begin.
        whole = left_mcg // Fraction(dose)
        if until is not None:
            whole = min(whole, (until - now) // timedelta(days=1))
        now, left_mcg = now + timedelta(days=1) * int(whole), left_mcg - whole * Fraction(dose)
        while until is None or now < until:
            local = now + clock
            into = Fraction(local.second, 60)
            rate = minutes[local.hour * 60 + local.minute]
            lasting = 1 - into
            if until is not None:
                lasting = min(lasting, Fraction(round((until - now).total_seconds()), 60))
            if left_mcg <= rate * lasting:
                return now + timedelta(minutes=float(left_mcg / rate))
            now, left_mcg = now + timedelta(minutes=float(lasting)), left_mcg - rate * lasting
        current += 1


def minute_doses(dose: Fraction, steps: str) -> list[Fraction]:
    """mcg in each minute of the pump's day, adding up to exactly the daily dose."""
    if not steps:
        return [dose / 1440] * 1440
    parts = [step.split("=") for step in steps.split(";")]
    rates = sorted((int(clock[:2]) * 60 + int(clock[3:]), Fraction(rate)) for clock, rate in parts)
    written = [[rate for start, rate in [(-1, rates[-1][1]), *rates] if start <= minute][-1] for minute in range(1440)]
    total = sum(written, Fraction(0))
    return [rate * dose / total for rate in written]
