"""Proposed doses, by tables of cases on both sides of every boundary: clinical rules, section 3."""

import csv
import tomllib
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D
from pathlib import Path
from typing import Any

import pytest

from clinical.findings import Severity
from clinical.labels import FOLDER, LABEL_SETS, LabelError, LabelSet, made, read
from clinical.titration import Bolus, Outcome, Phase, Step, allowed, findings, first_dose, screening

HERE = Path(__file__).resolve().parent
NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
SEVERITIES = {
    "too_soon": Severity.BLOCK,
    "step_above_band": Severity.BLOCK,
    "factor_24": Severity.WARN,
    "dose_above_1000": Severity.WARN,
    "dose_out_of_range": Severity.WARN,
    "step_high_dose": Severity.WARN,
    "step_below_band": Severity.WARN,
    "age_below_label": Severity.WARN,
    "step_small": Severity.INFO,
    "dose_unusual": Severity.INFO,
}
# (label set, hours of effect, first dose for a screening dose of 50)
FIRST = [
    ("us", "4", "100"),
    ("us", "7.99", "100"),
    ("us", "8", "100"),
    ("us", "8.01", "50"),
    ("us", "12", "50"),
    ("uk", "8", "100"),
    ("uk", "8.01", "100"),
    ("uk", "12", "100"),
    ("uk", "12.01", "50"),
    ("uk", "24", "50"),
]


def cases(code: str) -> list[dict[str, str]]:
    with (HERE / f"titration_{code}.csv").open() as file:
        return list(csv.DictReader(file))


def step_of(case: dict[str, str]) -> Step:
    return Step(
        origin=case["origin"],
        age_years=int(case["age_years"]),
        phase=Phase(case["phase"]),
        current_mcg=D(case["current_mcg"]),
        proposed_mcg=D(case["proposed_mcg"]),
        hours_since_last_change=D(case["hours"]),
    )


def answers(labels: LabelSet) -> list[str]:
    """What the table's cases are answered, in its own words."""
    found = [" ".join(sorted(each.code for each in findings(step_of(case), labels))) for case in cases(labels.code)]
    steps = (step_of(case) for case in cases(labels.code))
    return [*found, *(str(allowed(step, labels)) for step in steps), *_first(labels), *_screened(labels)]


def _first(labels: LabelSet) -> list[str]:
    hours = ("7.95", "8", "8.05", "11.95", "12", "12.05")
    return [str(first_dose(screening_dose_mcg=D(50), effect_hours=D(each), labels=labels)) for each in hours]


def _screened(labels: LabelSet) -> list[str]:
    found = [str(screening([], labels, starts_small=small)) for small in (False, True)]
    for dose in ("25", "50", "75", "100"):
        found += [str(screening([Bolus(NOW, D(dose), said)], labels, starts_small=False)) for said in (None, False)]
    return found


@pytest.mark.parametrize("code", sorted(LABEL_SETS))
def test_every_case_of_the_table(code: str) -> None:
    table = cases(code)
    assert len(table) >= 150
    for case in table:
        found = findings(step_of(case), LABEL_SETS[code])
        assert " ".join(sorted(each.code for each in found)) == case["findings"], case
        assert [each.severity for each in found] == sorted(
            (SEVERITIES[each.code] for each in found), key=[*dict.fromkeys(SEVERITIES.values())].index
        )
        assert all(each.message and each.source for each in found)


@pytest.mark.parametrize("code", sorted(LABEL_SETS))
def test_the_table_has_every_finding_and_every_age_of_a_boundary(code: str) -> None:
    table = cases(code)
    assert {finding for case in table for finding in case["findings"].split()} == set(SEVERITIES)
    assert {"3", "4", "11", "12", "17", "18"} <= {case["age_years"] for case in table}


def test_the_band_is_drawn_from_the_largest_step_down_to_the_upper_end() -> None:
    step = Step("spinal", 40, Phase.TITRATION, D(200), D(230), D(48))
    assert (allowed(step, LABEL_SETS["us"]).least, allowed(step, LABEL_SETS["us"]).most) == (D(160), D(260))


@pytest.mark.parametrize(("code", "hours", "dose"), FIRST)
def test_the_first_dose(code: str, hours: str, dose: str) -> None:
    found = first_dose(screening_dose_mcg=D(50), effect_hours=D(hours), labels=LABEL_SETS[code])
    assert found.daily_dose_mcg == D(dose)
    assert "lasted" in found.why


def test_a_screening_goes_up_a_day_apart_and_stops_at_the_first_response() -> None:
    labels = LABEL_SETS["us"]
    assert screening([], labels, starts_small=False).next_dose_mcg == D(50)
    assert screening([], labels, starts_small=True).next_dose_mcg == D(25)
    given: list[Bolus] = []
    for day, (dose, after) in enumerate((("50", "75"), ("75", "100"))):
        at = NOW + day * 24 * HOUR
        assert screening([*given, Bolus(at, D(dose), None)], labels, starts_small=False).outcome is Outcome.OBSERVE
        given.append(Bolus(at, D(dose), False))
        found = screening(given, labels, starts_small=False)
        assert (found.outcome, found.next_dose_mcg, found.not_before) == (Outcome.GIVE, D(after), at + 24 * HOUR)
    last = Bolus(NOW + 48 * HOUR, D(100), False)
    assert screening([*given, last], labels, starts_small=False).outcome is Outcome.NOT_A_CANDIDATE
    worked = screening([Bolus(NOW, D(50), True), last], labels, starts_small=False)
    assert (worked.outcome, worked.next_dose_mcg) == (Outcome.RESPONDED, None)


# --- the data ---------------------------------------------------------------------------------------------------------

# Figures that are shown, and decide nothing in this module.
SHOWN = {
    "market_concentrations_mcg_per_ml",
    "screening_concentration_mcg_per_ml",
    "screening_minutes",
    "creep_mcg_per_year",
    "start_concentration_mcg_per_ml",
}
# The first of the usual step down: a step down that is smaller is nothing to say.
UNUSED = {("decrease_pct", 0)}


def raw(code: str) -> dict[str, Any]:
    return tomllib.loads((FOLDER / f"{code}.toml").read_text())


@pytest.mark.parametrize("code", sorted(LABEL_SETS))
def test_the_figures_are_those_that_were_read(code: str) -> None:
    with (HERE / f"figures_{code}.csv").open() as file:
        expected = {row["key"]: (row["values"], row["status"]) for row in csv.DictReader(file)}
    rules = LABEL_SETS[code].rules
    assert {key: (" ".join(map(str, rule.values)), rule.status) for key, rule in rules.items()} == expected


@pytest.mark.parametrize("factor", ["0.99", "1.01"])
@pytest.mark.parametrize("code", sorted(LABEL_SETS))
def test_a_change_of_any_figure_that_decides_changes_an_answer(code: str, factor: str) -> None:
    expected, silent = answers(LABEL_SETS[code]), []
    for key, rule in LABEL_SETS[code].rules.items():
        for place in range(len(rule.values)):
            data = raw(code)
            table = data
            for part in key.split("."):
                table = table[part]
            value = table["value"]
            # Ages are whole years.
            by = (D(factor) - 1) * 100 if key.endswith("age_years") else rule.values[place] * (D(factor) - 1)
            changed = str(rule.values[place] + by)
            table["value"] = [*value[:place], changed, *value[place + 1 :]] if isinstance(value, list) else changed
            if answers(made(data, "changed")) == expected:
                silent.append((key, place))
    assert [each for each in silent if each[0] not in SHOWN and each not in UNUSED] == []


WRONG: list[tuple[Callable[[dict[str, Any]], object], str]] = [
    (lambda data: data.pop("high_dose_mcg"), "missing high_dose_mcg"),
    (lambda data: data.update(new={"value": "1", "unit": "x", "status": "P", "source": "x"}), "unknown new"),
    (lambda data: data["high_dose_mcg"].update(value="0"), "high_dose_mcg: value must be"),
    (lambda data: data["high_dose_mcg"].update(value=300), "high_dose_mcg: value must be"),
    (lambda data: data["high_dose_mcg"].update(value="many"), "high_dose_mcg: value must be"),
    (lambda data: data["high_dose_mcg"].update(source=" "), "high_dose_mcg: needs unit and source"),
    (lambda data: data["high_dose_mcg"].update(status="X"), "high_dose_mcg: needs unit and source"),
    (lambda data: data["dose_range_mcg"].update(value=["2003", "12"]), "dose_range_mcg: is a low and a higher end"),
    (lambda data: data["slip_factor"].update(value=["24", "4"]), "slip_factor: is one number"),
    (lambda data: data["least_age_years"].update(value="13"), "ages"),
    (lambda data: data["maintenance_step_pct"]["child"].update(value=["5", "14"]), "maintenance_step_pct.child"),
    (lambda data: data["screening_doses_mcg"].update(value=["75", "50"]), "screening_doses_mcg"),
    (lambda data: data.update(version=0), "version"),
]


@pytest.mark.parametrize(("change", "told"), WRONG)
def test_data_that_cannot_be_is_refused_with_the_figure(change: Callable[[dict[str, Any]], object], told: str) -> None:
    data = deepcopy(raw("us"))
    change(data)
    with pytest.raises(LabelError, match=r"us\.toml") as error:
        made(data, "us.toml")
    assert told in str(error.value)


def test_a_file_that_is_not_toml_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "us.toml"
    path.write_text("code = ")
    with pytest.raises(LabelError, match="not TOML"):
        read(path)
