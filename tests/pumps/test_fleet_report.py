"""The numbers of a clinic's month, each against a ledger small enough to count by hand; and the paper."""

import io
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation
from pypdf import PdfReader

from alerts.models import Alert, AlertStep, Notification
from clinics.models import Clinic
from pumps.fleet_report import FleetReport, month_in, month_of, report_of
from pumps.fleet_report_pdf import as_pdf, file_name
from pumps.models import Pump
from pumps.services import figures, fleet
from scheduling.models import Appointment
from tests.builders import NOW, a_clinic, a_refill, a_running_pump

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
# Refill-by lies 78.1 days after the fill (tests/alerts/test_telling.py).
REFILL_BY_DAYS = 78.1


def told(done: int, total: int) -> None:
    assert 0 <= done <= total == 9


def report(clinic: Clinic, now: datetime = NOW) -> FleetReport:
    return report_of(clinic, date(2026, 11, 1), now, told)


def text_of(data: bytes) -> str:
    return " ".join(" ".join(page.extract_text() for page in PdfReader(io.BytesIO(data)).pages).split())


@pytest.fixture
def clinic() -> Clinic:
    return a_clinic("Harbor")


def due(clinic: Clinic, days: float) -> Pump:
    """A pump with its alert, `days` before its refill-by; negative: behind it."""
    pump = a_running_pump(clinic, filled_days_ago=REFILL_BY_DAYS - days)
    fleet.tick(NOW)
    return pump


def test_a_month_is_the_clinics_own() -> None:
    month = month_in(a_clinic(timezone="Asia/Tokyo"), date(2026, 12, 9))
    assert (month.begins, month.ends) == (
        datetime(2026, 11, 30, 15, tzinfo=UTC),
        datetime(2026, 12, 31, 15, tzinfo=UTC),
    )
    assert month_of("2026-12") == date(2026, 12, 1)
    with pytest.raises(ValueError, match="does not match"):
        month_of("soon")


def test_refills_are_counted_as_done_late_and_missed(clinic: Clinic) -> None:
    early, late, missed = due(clinic, 10), due(clinic, -2), due(clinic, -4)
    due(a_clinic(), -4)
    for pump in (early, late):
        a_refill(pump, NOW - DAY / 24, now=NOW, formulation="Gablofen", lot_number="L1")
    found = report(clinic).refills
    assert (found.done, found.late, found.missed) == (2, 1, 1)
    assert [round(days) for days in sorted(found.margins_days)] == [-2, 10]
    assert found.usual_margin_days == pytest.approx(4, abs=0.1)
    assert missed.pk in {row.pump_id for row in report(clinic).past}
    assert [(lot.formulation, lot.lot_number, lot.refills) for lot in report(clinic).lots] == [("Gablofen", "L1", 2)]


def test_a_refill_entered_after_the_month_was_not_missed_in_it(clinic: Clinic) -> None:
    pump = due(clinic, -4)
    month_end = datetime(2026, 12, 1, tzinfo=UTC)
    later = month_end + 2 * DAY
    fleet.tick(later)
    assert report(clinic, later).refills.missed == 1
    a_refill(pump, NOW, now=later)
    fleet.tick(later)
    assert Alert.objects.filter(pump=pump, kind=Alert.Kind.REFILL_DUE, closed_at__gte=month_end).exists()
    assert (report(clinic, later).refills.missed, report(clinic, later).refills.late) == (0, 1)


def test_pumps_visits_and_messages_are_of_the_month_and_the_clinic(clinic: Clinic) -> None:
    pump = due(clinic, 10)
    a_running_pump(clinic, implanted_on=date(2026, 11, 3), filled_days_ago=5)
    values = {"clinic": clinic, "patient": pump.patient, "pump": pump}
    for month, state in ((10, "no_show"), (11, "no_show"), (11, "cancelled")):
        Appointment.objects.create(**values, starts_at=datetime(2026, month, 9, 15, tzinfo=UTC), state=state)
    alert = Alert.objects.get(pump=pump, kind="refill_due")
    for number, (month, state) in enumerate([(10, "sent"), (11, "sent"), (11, "sent"), (11, "failed")]):
        at = datetime(2026, month, 10, tzinfo=UTC)
        Notification.objects.create(
            clinic=clinic, alert=alert, tier="book", repeat_number=100 + number, recipient="user:1", channel="email",
            state=state, due_at=at, sent_at=at if state == "sent" else None,
        )  # fmt: skip
    found = report(clinic)
    assert (found.pumps.in_use, found.pumps.implanted, found.refills.no_shows) == (2, 1, 1)
    assert [(row.channel, row.sent, row.failed) for row in found.sent if row.channel == "email"] == [("email", 2, 1)]
    assert ("refill_due", 1) in [(row.kind, row.alerts) for row in found.open]


def test_how_soon_a_low_reservoir_was_acknowledged(clinic: Clinic) -> None:
    for minutes in (30, 90, None):
        pump = due(clinic, 5)
        alert = Alert.objects.get(pump=pump, kind="refill_due")
        at = NOW - 2 * DAY
        AlertStep.objects.create(alert=alert, at=at, what="tier", detail="low")
        AlertStep.objects.create(alert=alert, at=at - DAY, what="acknowledged", detail="before")
        for later in [] if minutes is None else [minutes, minutes + 500]:
            AlertStep.objects.create(alert=alert, at=at + timedelta(minutes=later), what="acknowledged")
    low, empty = report(clinic).reached
    assert (low.alerts, list(low.minutes), low.usual_minutes, low.unacknowledged) == (3, [30, 90], 60, 1)
    assert (empty.alerts, empty.usual_minutes) == (0, None)


def test_the_number_of_queries_does_not_depend_on_the_fleet(clinic: Clinic) -> None:
    due(clinic, -2)
    with CaptureQueriesContext(connection) as few:
        report(clinic)
    for days in (-3, 4, 5, 6):
        a_refill(due(clinic, days), NOW - DAY / 24, now=NOW)
    with CaptureQueriesContext(connection) as many:
        report(clinic)
    assert len(many) == len(few) <= 18


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_paper_has_every_part_as_text(clinic: Clinic, language: str) -> None:
    pump = due(clinic, -2)
    figures.renew(NOW)
    with translation.override(language):
        found = report(clinic)
        data = as_pdf(found)
    text = text_of(data)
    for said in ("Harbor", pump.serial_number, pump.patient.mrn, "SynchroMed II"):
        assert said in text, said
    if language == "en":
        for said in ("Fleet report: Harbor, November 2026", "The month is not over", "In use now: 1",
                     "Past refill-by now: 1", "Refill due"):  # fmt: skip
            assert said in text, said
    assert file_name(found) == "fleet-harbor-2026-11.pdf"


def test_a_clinic_without_anything_has_a_report(clinic: Clinic) -> None:
    found = report(clinic)
    assert found.refills.usual_margin_days is None
    assert "In use now: 0" in text_of(as_pdf(found))
    assert Decimal(found.past_count) == 0
