"""The reservoir's picture as it is defined: what is drawn where, and on paper."""

import re
from datetime import date, datetime, timedelta
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from clinics.models import Clinic
from pumps.models import Pump
from pumps.pages.reservoir import as_pdf
from pumps.pictures.levels import volume_now
from pumps.pictures.paper import FILLS, STYLES
from pumps.pictures.reservoir import FOOT, TOP, Span, reservoir
from pumps.pictures.shapes import SHAPES, WIDTH, Band, Line, Picture
from pumps.services.entries import EventEntry
from tests.builders import NOW, a_clinic, a_dose, a_pump, a_refill, a_running_pump, recorded
from tests.pumps.readings import read

pytestmark = pytest.mark.django_db
CSS = Path(__file__).resolve().parents[2] / "static/brim/picture.css"


@pytest.fixture
def clinic() -> Clinic:
    return a_clinic("Harbor")


def of(pump: Pump, span: Span = Span.FILL, visits: tuple[datetime, ...] = ()) -> Picture:
    found = reservoir(read(pump), span, visits)
    assert found is not None
    return found


def kinds(picture: Picture) -> list[str]:
    return [mark.kind for mark in picture.marks]


def points(picture: Picture) -> list[tuple[float, float]]:
    shapes: list[Line | Band] = [*picture.lines, *picture.bands]
    return [*((mark.x, mark.y) for mark in picture.marks), *(point for shape in shapes for point in shape.points)]


def a_busy_pump(clinic: Clinic) -> Pump:
    """With one of everything that is drawn."""
    pump = a_running_pump(clinic, filled_days_ago=90)
    a_refill(pump, NOW - timedelta(days=40), aspirated_ml=Decimal("18.5"))
    happened: list[tuple[int, str, dict[str, Any]]] = [
        (30, "interrogation", {"volume_ml": Decimal("36.2")}),
        (20, "stop", {}),
        (19, "restart", {}),
        (10, "bolus", {"dose_mcg": Decimal(20)}),
        (5, "mri", {}),
        (4, "alarm_reported", {"tones": 1}),
    ]
    for days, kind, given in happened:
        recorded(pump, EventEntry(kind=kind, occurred_at=NOW - timedelta(days=days), **given))
    a_dose(pump, NOW + timedelta(days=5), daily_dose_mcg=Decimal(220))
    return pump


def test_the_line_falls_from_the_last_fill_to_beyond_empty(clinic: Clinic) -> None:
    pump = a_running_pump(clinic)
    picture = of(pump)
    programmed = next(line for line in picture.lines if line.kind == "programmed")
    heights = [y for _, y in programmed.points]
    assert heights == sorted(heights)
    assert programmed.points[0][0] == 0
    assert picture.moments[0].values[2] == "40.0 mL"
    assert picture.moments[-1].values[0] == "0.0 mL"


def test_nothing_lies_outside_the_picture(clinic: Clinic) -> None:
    for span in Span:
        picture = of(a_busy_pump(clinic), span, (NOW + timedelta(days=400),))
        assert all(0 <= x <= WIDTH and 0 <= y <= picture.height for x, y in points(picture))
        lines = [line for line in picture.lines if line.kind in ("expected", "programmed")]
        assert all(TOP <= y <= FOOT for line in lines for _, y in line.points)


def test_the_band_holds_the_expected_line(clinic: Clinic) -> None:
    picture = of(a_running_pump(clinic))
    band = next(iter(picture.bands)).points
    upper, lower = band[: len(band) // 2], band[: len(band) // 2 - 1 : -1]
    expected = next(line for line in picture.lines if line.kind == "expected").points
    for (_, high), (_, middle), (_, low) in zip(upper, expected, lower, strict=True):
        assert high <= middle <= low


def test_it_reads_first_what_holds_now(clinic: Clinic) -> None:
    pump = a_running_pump(clinic)
    picture, now = of(pump), volume_now(read(pump))
    assert now is not None
    first = picture.moments[picture.start]
    assert first.values == [f"{now.expected:.1f} mL", now.range_words, "28.0 mL"]
    assert first.note == "now"
    assert "now 28" in picture.says


def test_everything_that_happened_is_drawn_and_said(clinic: Clinic) -> None:
    visit = NOW + timedelta(days=9)
    picture = of(a_busy_pump(clinic), Span.THREE, (visit,))
    assert kinds(picture).count("measured") == 1
    assert kinds(picture).count("read") == 1
    assert {"dose", "plan", "entry", "visit"} <= set(kinds(picture))
    notes = " | ".join(moment.note for moment in picture.moments)
    for words in (
        "18.5 mL aspirated, filled with 40.0 mL", "36.2 mL read by the programmer", "Stopped", "Restarted", "Bolus",
        "MRI scan", "Alarm reported", "220 mcg/day planned", "refill by", "visit booked Tue 1 Dec 2026, 07:00",
    ):  # fmt: skip
        assert words in notes


def test_the_table_behind_it_has_the_same(clinic: Clinic) -> None:
    picture = of(a_busy_pump(clinic), Span.THREE, (NOW + timedelta(days=9),))
    rows = {row[0]: row for row in picture.table.rows}
    assert {"Now", "Refill by", "Visit booked", "Stopped", "220 mcg/day planned", "Refill"} <= set(rows)
    assert rows["Refill"][-1] == "18.5 mL"
    assert all(len(row) == len(picture.table.heads) for row in picture.table.rows)


def test_each_span_begins_where_it_says(clinic: Clinic) -> None:
    pump = a_pump(clinic, implanted_on=date(2015, 1, 7))
    for days in (800, 700, 600, 100, 70, 40):
        a_refill(pump, NOW - timedelta(days=days), aspirated_ml=Decimal(8) if days < 800 else None)
    a_dose(pump, NOW - timedelta(days=800))
    shown = {span: kinds(of(pump, span)).count("measured") for span in Span}
    assert shown == {Span.FILL: 0, Span.THREE: 2, Span.YEAR: 3, Span.ALL: 5}


def test_a_volume_that_is_not_known_leaves_a_gap(clinic: Clinic) -> None:
    pump = a_running_pump(clinic, filled_days_ago=20)
    recorded(pump, EventEntry(kind="mri", occurred_at=NOW - timedelta(days=3), reservoir_emptied=True))
    picture = of(pump)
    assert "nan" not in " ".join([*(one.svg for one in picture.lines), *(one.svg for one in picture.bands)])
    assert "nan" not in " ".join(cell for row in picture.table.rows for cell in row)


def test_there_is_no_picture_without_a_fill(clinic: Clinic) -> None:
    assert reservoir(read(a_pump(clinic))) is None


def test_every_kind_has_its_look_on_the_page_and_on_paper(clinic: Clinic) -> None:
    picture, css = of(a_busy_pump(clinic), Span.THREE, (NOW + timedelta(days=9),)), CSS.read_text()
    drawn = [*(one.kind for one in picture.lines), *(one.kind for one in picture.bands)]
    assert not set(drawn) - set(STYLES) - set(FILLS)
    assert [kind for kind in drawn if not re.search(rf"\.pic-{kind}\b", css)] == []
    assert set(kinds(picture)) <= set(SHAPES)
    keyed = [(key.drawn, key.shape if key.drawn == "mark" else key.kind, key.kind) for key in picture.keys]
    assert len({each[:2] for each in keyed}) == len(keyed), "told apart without colour"


def test_on_paper_it_is_real_text(clinic: Clinic) -> None:
    pump = a_busy_pump(clinic)
    data = as_pdf(read(pump), Span.THREE, None)
    pages = [page.extract_text() for page in PdfReader(BytesIO(data)).pages]
    text = " ".join(" ".join(pages).split())
    for words in (pump.patient.mrn, "Last 3 fills", "low level", "aspirated at a refill", "18.5 mL", "refill by"):
        assert words in text


def test_ten_years_stay_small(clinic: Clinic) -> None:
    pump = a_pump(clinic, implanted_on=date(2015, 1, 7))
    for month in range(120):
        at = NOW - timedelta(days=30 * (120 - month))
        a_refill(pump, at, filled_ml=Decimal(20), aspirated_ml=Decimal(8) if month else None)
        a_dose(pump, at, daily_dose_mcg=Decimal(200 + month))
    picture = of(pump, Span.ALL)
    assert kinds(picture).count("measured") == 119
    assert len(picture.moments) < 700
    assert sum(len(one.svg) for one in picture.lines) + sum(len(one.svg) for one in picture.bands) < 60_000
