"""The pictures of a fleet's ratios and of how late messages leave, as they are defined."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from alerts.services.delays import Delay
from pumps.pictures.axes import Time, step_of
from pumps.pictures.delays import FOOT, delay_picture
from pumps.pictures.paper import FILLS, STYLES
from pumps.pictures.ratios import Row, ratio_picture
from pumps.pictures.shapes import WIDTH, Picture

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def a_row(**fields: object) -> Row:
    return Row(**{"name": "SynchroMed II 40", "prior_mean": 1.0, "prior_sd": 0.05, **fields})  # type: ignore[arg-type]


def of(*rows: Row) -> Picture:
    found = ratio_picture(rows)
    assert found is not None
    return found


def test_each_pump_is_a_dot_over_its_models_band() -> None:
    picture = of(a_row(ratios=[0.98, 1.0, 1.0, 1.04]))
    [dots], [band] = picture.dots, picture.areas
    assert len(dots.points) == 4
    assert len({y for _, y in dots.points}) == 2, "two of one ratio stand upon each other"
    assert band.x < min(x for x, _ in dots.points) < max(x for x, _ in dots.points) < band.x + band.width
    assert picture.table.rows[0][3] == "0.900 to 1.100"


def test_a_pump_that_stands_out_has_its_name() -> None:
    picture = of(a_row(ratios=[1.0, 1.19], outliers=[(1.19, "Rossi")]))
    assert "Rossi 1.190" in [words.text for words in picture.words]
    assert picture.table.rows[0][4] == "Rossi 1.190"
    assert "Rossi 1.190" in " ".join(moment.note for moment in picture.moments)


def test_names_do_not_cover_each_other() -> None:
    outliers = [(1.19, "Rossi"), (1.191, "Young"), (0.8, "Nguyen")]
    texts = [words.text for words in of(a_row(outliers=outliers, ratios=[1.19, 1.191, 0.8])).words]
    assert "Rossi 1.190" in texts
    assert "Nguyen 0.800" in texts
    assert "Young 1.191" not in texts


def test_thousands_of_pumps_stay_within_their_row() -> None:
    picture = of(a_row(ratios=[1 + (place % 7) / 1000 for place in range(2000)]))
    [dots] = picture.dots
    assert all(0 <= x <= WIDTH and 22 < y < 86 for x, y in dots.points)
    counts = [int(moment.values[0].split()[0]) for moment in picture.moments if moment.values[0]]
    assert sum(counts) == 2000


def test_sums_of_models_are_a_mean_and_a_range() -> None:
    picture = of(a_row(mean=1.01, sd=0.03, count=40), a_row(name="Prometra", prior_mean=0.97))
    assert [line.kind for line in picture.lines].count("mean") == 1
    assert picture.table.rows[0][1:3] == ["40 pumps measured", "1.010 ± 0.030"]
    assert picture.table.rows[1][2] == "none measured"
    assert len(picture.moments) == 2


def test_far_ratios_widen_the_picture() -> None:
    picture = of(a_row(ratios=[0.5, 2.6]))
    assert all(0 <= x <= WIDTH for dots in picture.dots for x, _ in dots.points)
    ticks = [words.text for words in picture.words if words.text.replace(".", "").isdigit()]
    assert {"0.50", "1.00", "2.50"} <= set(ticks)


def test_there_is_no_picture_without_a_model() -> None:
    assert ratio_picture([]) is None


def delays(*longest_s: float) -> Picture:
    hours = [NOW - timedelta(hours=len(longest_s) - place) for place in range(len(longest_s))]
    found = [Delay(hour, 3, worst / 2, worst) for hour, worst in zip(hours, longest_s, strict=True)]
    return delay_picture(found, Time(NOW - timedelta(days=7), NOW, ZoneInfo("UTC")), timedelta(minutes=4))


def test_hours_are_bars_with_the_longest_above() -> None:
    picture = delays(30, 7200)
    small, large = picture.areas
    assert small.height < large.height
    assert all(area.y + area.height == pytest.approx(FOOT) for area in picture.areas)
    assert [mark.title for mark in picture.marks] == ["30 s", "2 hours"]
    assert picture.table.rows[0][1:] == ["3", "60 min", "2 hours"], "the newest hour first"
    assert picture.moments[0].values == ["3", "15 s", "30 s"]


def test_a_message_at_once_is_still_seen() -> None:
    [bar] = delays(0).areas
    assert bar.height >= 1


def test_every_kind_has_its_look_on_paper() -> None:
    for picture in (delays(30), of(a_row(ratios=[1.0])), of(a_row(mean=1.0, sd=0.1, count=3))):
        kinds = {*(one.kind for one in picture.areas), *(one.kind for one in picture.lines)}
        assert not kinds - set(STYLES) - set(FILLS)


@pytest.mark.parametrize(("most", "step"), [(40, 10), (20, 5), (0.03, 0.01), (100, 25), (0, 1)])
def test_steps_are_round(most: float, step: float) -> None:
    assert step_of(most) == pytest.approx(step)
