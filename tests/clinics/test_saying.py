"""Sentences kept in English and shown in the reader's language."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D
from itertools import product
from pathlib import Path
from time import perf_counter

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from clinical import calculators, findings, interactions, reading_back, scales, titration, watching, weaning
from clinical.findings import Finding
from clinical.labels import LABEL_SETS
from clinical.ledger import AlarmReport, Interrogation, MriScan
from clinical.symptoms import BY_CODE
from clinics import saying
from clinics.saying import said, taken_apart
from clinics.sentences import TEMPLATES
from clinics.templatetags.brim import said as shown

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 8, 19, 12, tzinfo=UTC)
US = LABEL_SETS["us"]
DOSES = [D("24"), D("100"), D("104"), D("200"), D("576.5"), D("900"), D("1250"), D("2400")]


def of_steps() -> Iterator[Finding]:
    for labels, origin, age in product(LABEL_SETS.values(), ("spinal", "cerebral"), (3, 10, 40)):
        for phase, now, new, hours in product(titration.Phase, DOSES, DOSES, ("3.25", "48")):
            yield from titration.findings(titration.Step(origin, age, phase, now, new, D(hours)), labels)


def of_pumps() -> Iterator[Finding]:
    for reason in ("no_fill", "no_dose", "no_factory_flow", "dose_unseen", "stopped", "stall"):
        yield findings.of_unknown(reason, None)
    yield from (findings.ASPIRATED_ZERO, findings.NO_SHELF_LIFE, findings.not_reprogrammed(2000.0, 500.0, NOW))
    yield from (findings.off_market(1500.0, US), *findings.of_dose(5.0, US), *findings.of_dose(2500.0, US))
    yield from (findings.flow_out_of_range(2.5, 0.048, float("nan")), findings.deviates(4.2), findings.deviates(-4.2))
    yield from (watching.reading_differs(2.0), watching.reading_differs(-2.0))
    for tones in (1, 2, None):
        yield from watching.of_alarm([AlarmReport(NOW, tones)])
    for behaviour, emptied in product(("stalls", "empty-first", "verify"), (True, False, None)):
        yield from watching.of_mri([MriScan(NOW, emptied)], behaviour)
    for alarms in (("low_reservoir", "replacement_due"), tuple(watching.PumpAlarm)):
        yield from watching.of_reading([Interrogation(NOW, daily_dose_mcg=D("250.5"), alarms=alarms)])


def of_read_backs() -> Iterator[Finding]:
    signed = reading_back.Settings(D(240), D(500), D("0.5"), D(24), mode="flex")
    for factor in ("1", "1.1", "4", "24", "1000", "0.25", "0.0417", "0.001"):
        read = reading_back.Settings(D(240) * D(factor), D(2000), bolus_count=D(2), mode="stopped")
        yield from reading_back.mismatches(signed, read).values()
        yield from reading_back.mismatches(signed, reading_back.Settings(None, None)).values()


def of_the_rest() -> Iterator[Finding]:
    for filled, programmed, aspirated in product(("20", "40"), ("1", "18"), ("0", "2", "10", "38")):
        answer = calculators.residual(
            filled_ml=D(filled), programmed_ml=D(programmed), aspirated_ml=D(aspirated), accuracy_pct=D("14.5")
        )
        yield from answer.findings
    yield from interactions.findings_of(["Valium 5 mg", "diazepam", "tizanidine", "Sirdalud"])
    steps = [weaning.Down(NOW + timedelta(hours=each), D(dose)) for each, dose in ((1, 150), (2, 60), (30, 0))]
    yield from weaning.findings(steps, from_mcg=D(200), labels=US)
    for old, months in ((D(100), 11), (D(150), 0)):
        doses = [titration.Dose(NOW - timedelta(days=30 * months + 20), old), titration.Dose(NOW, D(260))]
        creep = titration.creep(doses, NOW, US, band="spinal", since=NOW - timedelta(days=600))
        yield from [creep] if creep is not None else []


@pytest.mark.parametrize("made", [of_steps, of_pumps, of_read_backs, of_the_rest])
def test_every_finding_is_found_again(made: Callable[[], Iterator[Finding]]) -> None:
    messages = {text for finding in made() for text in (finding.message, finding.source)}
    assert len(messages) > 8
    assert [text for text in messages if taken_apart(text) is None] == []


def test_words_that_are_no_finding_are_found_again() -> None:
    words = [
        *(symptom.words for symptom in BY_CODE.values()),
        *scales.MUSCLES.values(),
        *scales.ASHWORTH_WORDS.values(),
        *scales.problems_of_grades([scales.Grade("toe", "left", "9"), *[scales.Grade("hip_flexors", "left", "1")] * 2]),
        *(
            problem.text
            for problem in weaning.problems(
                [weaning.Down(NOW, D(300)), weaning.Down(NOW, D(0))] * 2, from_mcg=D(200), now=NOW
            )
        ),
        titration.first_dose(screening_dose_mcg=D(50), effect_hours=D(9), labels=US).why,
        titration.screening([], US, starts_small=False).why,
    ]
    assert [text for text in words if taken_apart(text) is None] == []


NUMBERS = st.decimals(min_value=0, max_value=3000, places=2).map(str)


@given(st.sampled_from(TEMPLATES), NUMBERS)
def test_no_two_templates_make_the_same_sentence(template: str, number: str) -> None:
    values = dict.fromkeys(re.findall(r"%\((\w+)\)s", template), number)
    made = taken_apart(template % values)
    assert made is not None
    assert made.template == template
    assert made.values == values


def test_the_list_is_what_the_code_says() -> None:
    run = subprocess.run([sys.executable, ROOT / "locale/sentences", "--check"], capture_output=True, check=False)
    assert run.returncode == 0, run.stderr.decode()


@pytest.fixture
def spanish(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    words = {
        "The pump's log showed: %(alarms)s.": "El registro de la bomba mostró: %(alarms)s.",
        "low reservoir": "reservorio bajo",
        "replacement due": "reemplazo pendiente",
    }
    monkeypatch.setattr(saying, "gettext", lambda text: words.get(text) or text)
    with translation.override("es"):
        yield


@pytest.mark.usefixtures("spanish")
def test_a_sentence_is_said_with_its_values_and_they_are_said_too() -> None:
    told = "The pump's log showed: low reservoir, replacement due."
    assert said(told) == "El registro de la bomba mostró: reservorio bajo, reemplazo pendiente."
    assert shown(told) == said(told)


@pytest.mark.usefixtures("spanish")
def test_what_nobody_translated_stays_english_and_is_marked() -> None:
    assert said("Called the <mother>.") == "Called the <mother>."
    assert shown("Called the <mother>.") == '<span lang="en">Called the &lt;mother&gt;.</span>'
    assert shown("") == ""


def test_english_is_left_alone() -> None:
    with translation.override("en-gb"):
        assert shown("Called the mother.") == "Called the mother."
        assert said("low reservoir") == "low reservoir"


@pytest.mark.usefixtures("spanish")
def test_days_and_what_somebody_wrote_stand_beside_what_is_known() -> None:
    assert said("low reservoir; Called the mother.") == "reservorio bajo; Called the mother."
    assert said("Called the mother; low reservoir") == "Called the mother; low reservoir"
    assert not saying.is_known("Called on the way")
    assert saying.is_known("Fri 4 Dec 2026, 14:30")


def test_a_long_note_is_looked_at_at_once() -> None:
    taken_apart.cache_clear()
    begun = perf_counter()
    assert taken_apart("The pump shows a " + "1 mL, and 1 mL was signed: about " * 2000) is None
    assert perf_counter() - begun < 0.5
