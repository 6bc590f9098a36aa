"""Scenarios in which something is recorded between writing a message and sending it; and a volume of exactly 0."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.utils import timezone

from alerts.models import Alert
from bench._chaos_clock import HOUR, MINUTE, a_round, on_stage
from bench._chaos_processes import Stage
from bench._chaos_world import DAY, ORIGINALS, RUNS, Tally, come_due, once, pumps_of
from bench._fleet import someone
from bench._growing import STRIDE
from clinics.errors import NeedsConfirmation
from clinics.models import Clinic, User
from clinics.roles import Role
from patients.models import Patient
from pumps import forecasting
from pumps.models import Event, Forecast, Pump
from pumps.services import booking, care, devices, fleet, ledger
from pumps.services.entries import RefillEntry

EACH = 15


def between(stage: Stage) -> Tally:
    """Refill, a refill that is voided again, death, explant: who still has to be told is told, and nobody else."""
    # By then every simulated pump is past its date by its own ledger.
    now = timezone.now() + 200 * DAY
    user = someone(Role.ADMINISTRATOR)

    def play(now: datetime) -> Tally:
        pumps = _past_their_date(now)
        shares = [pumps[number::5] for number in range(5)]
        fleet.tick(now)
        fates: list[Callable[[Pump], object]] = [
            lambda pump: refill(pump, user, now, filled=True),
            lambda pump: _take_back(pump, refill(pump, user, now, filled=True), user, now),
            lambda pump: _die(pump, user, now),
            lambda pump: devices.correct(pump=pump, changes={"explanted_on": now.date()}, now=now, by=user),
        ]
        for share, fate in zip(shares[1:], fates, strict=True):
            for pk in share:
                fate(Pump.objects.select_related("model", "patient").get(pk=pk))
        a_round(now + MINUTE)
        told = [*shares[0], *shares[2]]
        tally = Tally("refill, void, death, explant before sending", once(told))
        tally.note = f"{len(pumps) - len(told)} not to be told any more"
        return tally

    return on_stage(stage, now, play)


def _past_their_date(now: datetime) -> list[int]:
    ids = pumps_of()[:ORIGINALS]
    forecasting.recompute([pk for pk in ids if pk < STRIDE], now=now)
    due = Forecast.objects.filter(pump__in=ids, refill_by__lt=now, in_use=True, pump__model__programmable=True)
    due = due.filter(stopped_at=None, unknown_reason="").order_by("pump")
    chosen = list(due.values_list("pump", flat=True)[: 5 * EACH])
    Forecast.objects.exclude(pump__in=chosen).update(next_alert_at=now + 100 * DAY)
    Forecast.objects.filter(pump__in=chosen).update(next_alert_at=now)
    return chosen


def refill(pump: Pump, user: User, now: datetime, *, filled: bool) -> Event:
    """Emptied and filled, or found with exactly nothing in it and left so."""
    last = pump.events.filter(kind=Event.Kind.REFILL).latest("occurred_at")
    entry = RefillEntry(
        refilled_at=now,
        aspirated_ml=Decimal(0),
        filled_ml=pump.model.reservoir_ml if filled else Decimal(0),
        concentration_mcg_per_ml=last.concentration_mcg_per_ml or Decimal(500),
    )
    confirmed: set[str] = set()
    while True:
        try:
            return ledger.record(pump_id=pump.pk, entry=entry, user=user, source="page", now=now, confirmed=confirmed)
        except NeedsConfirmation as asked:
            confirmed |= {doubt.code for doubt in asked.doubts}


def _take_back(pump: Pump, event: Event, user: User, now: datetime) -> None:
    ledger.void(pump_id=pump.pk, event_id=event.pk, reason="the wrong pump", user=user, source="page", now=now)


def _die(pump: Pump, user: User, now: datetime) -> None:
    care.change_status(patient=pump.patient, status="deceased", on=now.date(), reason="died", now=now, by=user)


def cancelled(stage: Stage) -> Tally:
    """A visit is cancelled between a reminder of it and its sending: the patient gets none, and those who book are told
    at once that none stands any more."""
    zone = ZoneInfo("America/New_York")
    user = someone(Role.ADMINISTRATOR)

    def play(now: datetime) -> Tally:
        pumps = pumps_of(zone.key)[: 2 * EACH]
        off, kept = pumps[:EACH], pumps[EACH:]
        emails = _write_to_patients(pumps, now)
        come_due(pumps, now, refill_by=now + 10 * DAY)
        visits = [booking.book(pump_id=pump, starts_at=now + 2 * DAY + HOUR, by=user, now=now) for pump in pumps]
        a_round(now)
        later = now + HOUR
        fleet.tick(later)
        for visit in visits[:EACH]:
            booking.cancel(appointment_id=visit.pk, reason="cannot come", by=user, now=later)
        a_round(later + MINUTE)
        Clinic.objects.update(patient_messages_since=None)
        tally = Tally("visit cancelled before sending", once(off))
        tally.expected |= {(pump, emails[pump]): int(pump in kept) for pump in pumps}
        tally.note = f"{len(off)} reminders not to be sent any more"
        return tally

    return on_stage(stage, datetime(2027, 6, 15, 12, tzinfo=zone), play)


def _write_to_patients(pumps: list[int], now: datetime) -> dict[int, str]:
    """Their patients consent to e-mails; their addresses by pump."""
    Clinic.objects.update(patient_messages_since=now - DAY)
    emails = {pump: f"patient{pump}@example.org" for pump in pumps}
    for pump, email in emails.items():
        Patient.objects.filter(pumps=pump).update(email=email, email_reminders=True, email_undeliverable_since=None)
    return emails


def empty(stage: Stage) -> Tally:
    """The reservoir reaches exactly 0 now: the severest tier, told this second; a refill of 0 mL does not end it."""
    user = someone(Role.ADMINISTRATOR)

    def play(now: datetime) -> Tally:
        pumps = pumps_of()[: 2 * EACH]
        come_due(pumps, now, refill_by=now - 10 * DAY)
        low = now - 3 * DAY
        Forecast.objects.filter(pump__in=pumps).update(
            programmed_low_at=low, earliest_low_at=low, empty_at=now, programmed_empty_at=now
        )
        a_round(now)
        tally = Tally("volume exactly 0", once(pumps, RUNS))
        tiers = set(Alert.objects.filter(pump__in=pumps, kind=Alert.Kind.REFILL_DUE).values_list("tier", flat=True))
        for pk in pumps[:EACH]:
            refill(Pump.objects.select_related("model").get(pk=pk), user, now + MINUTE, filled=False)
        still = Alert.objects.open().filter(pump__in=pumps[:EACH], kind=Alert.Kind.REFILL_DUE).count()
        a_round(now + timedelta(minutes=62))
        for pk in pumps:
            tally.expected[pk, RUNS] = 2
        tally.note = f"tier {', '.join(sorted(tiers))}; {still} of {EACH} stand after a refill of 0 mL"
        if tiers != {"empty"} or still != EACH:
            tally.wrong.append("an empty reservoir is not told as one")
        return tally

    return on_stage(stage, timezone.now(), play)
