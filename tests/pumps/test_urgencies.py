"""What the database says of how urgent pumps are is what the page says of each one."""

import random
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from alerts.services.lifecycle import policies, store_ladder
from clinical.escalation import REFILL_LADDER
from clinics.models import Clinic
from patients.models import Patient
from pumps import urgencies
from pumps.models import Forecast
from pumps.pages.words import urgency
from tests.builders import NOW, a_clinic, a_pump, a_running_pump
from tests.scheduling.visits import DAY, a_visit

pytestmark = pytest.mark.django_db


def two_clinics() -> list[Clinic]:
    """The second with a ladder of its own that begins earlier."""
    clinics = [a_clinic(), a_clinic()]
    own = tuple(replace(tier, lead_days=tier.lead_days - 3) if tier.lead_days else tier for tier in REFILL_LADDER)
    store_ladder(clinic=clinics[1], ladder=own, risk_days=10, now=NOW)
    return clinics


def anywhere(around: random.Random, low: float, high: float) -> datetime:
    return NOW + timedelta(days=around.uniform(low, high))


def scatter(clinics: list[Clinic], count: int) -> None:
    """Pumps with dates of every kind: long and short intervals, risks, stops, stalls, nothing known."""
    around = random.Random(7)  # noqa: S311  # the same on every run
    for number in range(count):
        pump = a_pump(clinics[number % 2])
        Patient.objects.filter(pk=pump.patient_id).update(flags=["t6_or_above"] if around.random() < 0.3 else [])
        bound = anywhere(around, -12, 60)
        low = bound + timedelta(days=around.uniform(0, 9))
        stopped, stalled = around.random() < 0.1, around.random() < 0.1
        # A pump that is stopped or stalled is one of which not all is known (`clinical.dates`).
        is_known = not (stopped or stalled) and around.random() < 0.8
        Forecast.objects.filter(pump=pump).update(
            refill_by=bound if is_known or around.random() < 0.5 else None,
            worklist_at=bound if is_known else datetime(1970, 1, 1, tzinfo=NOW.tzinfo),
            filled_at=bound - timedelta(days=around.choice([4, 20, 90])) if around.random() < 0.9 else None,
            programmed_low_at=low if around.random() < 0.8 else None,
            earliest_low_at=low - timedelta(hours=around.uniform(0, 40)) if around.random() < 0.8 else None,
            empty_at=low + timedelta(days=around.uniform(0, 5)) if around.random() < 0.8 else None,
            programmed_empty_at=None,
            stopped_at=anywhere(around, -5, 5) if stopped else None,
            stalled_at=NOW if stalled else None,
            unknown_reason="" if is_known else "no_dose",
        )


def said_one_by_one(clinics: list[Clinic]) -> dict[int, str]:
    by_clinic = policies([clinic.pk for clinic in clinics])
    rows = Forecast.objects.on_worklist().select_related("pump__patient")
    return {row.pump_id: urgency(row, by_clinic[row.clinic_id].of(row.pump.patient.flags), NOW).code for row in rows}


def test_each_pump_has_the_urgency_its_row_says() -> None:
    clinics = two_clinics()
    scatter(clinics, 160)
    by_clinic = policies([clinic.pk for clinic in clinics])
    said = said_one_by_one(clinics)
    codes = set(said.values())
    assert codes >= {"stopped", "unknown", "empty", "low", "past", "urgent", "unbooked", "patient", "book", "later"}
    found = {
        row.pump_id: code
        for code in codes
        for row in urgencies.of_urgency(Forecast.objects.on_worklist(), code, by_clinic, NOW)
    }
    assert found == said


def test_the_counts_are_of_those_rows() -> None:
    clinics = two_clinics()
    scatter(clinics, 80)
    by_clinic = policies([clinic.pk for clinic in clinics])
    expected = Counter(said_one_by_one(clinics).values())
    del expected["later"]
    with CaptureQueriesContext(connection) as queries:
        found = urgencies.counts(Forecast.objects.on_worklist(), by_clinic, NOW)
    assert len(queries) == 1
    assert found.by_code == dict(expected)
    assert found.without_visit == expected.total()


def test_one_with_a_visit_is_not_to_be_booked() -> None:
    clinic = a_clinic()
    one, other = (a_running_pump(clinic, filled_days_ago=70) for _ in range(2))
    a_running_pump(clinic, filled_days_ago=2)
    a_visit(one, NOW + DAY)
    by_clinic = policies([clinic.pk])
    rows = Forecast.objects.on_worklist()
    assert urgencies.counts(rows, by_clinic, NOW).without_visit == 1
    assert [row.pump_id for row in urgencies.without_visit(rows, by_clinic, NOW)] == [other.pk]


def test_what_waits_for_no_date_comes_first_as_each_row_has_it() -> None:
    scatter(two_clinics(), 120)
    found = list(urgencies.gravest(Forecast.objects.all(), NOW))
    graves = [urgencies.gravity(row, NOW) for row in found]
    assert set(graves) == {urgencies.STANDS_STILL, urgencies.EMPTY, urgencies.UNDATED, urgencies.LOW}
    assert graves == sorted(graves)
    others = Forecast.objects.exclude(pk__in=[row.pk for row in found])
    assert {urgencies.gravity(row, NOW) for row in others} == {urgencies.DATED}
