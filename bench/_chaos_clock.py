"""Scenarios with a clock that is moved: the same rounds and the same delivery, told what time it is."""

from collections.abc import Callable
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.test import override_settings
from django.utils import timezone

from alerts.services import delivery
from bench._chaos_processes import Stage
from bench._chaos_world import BOOKS, DAY, Tally, all_quiet, come_due, once, pumps_of, rows_of
from clinics.models import Clinic
from pumps.models import Forecast
from pumps.services import fleet

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
# Nights in which clocks change; the second of each pair is in autumn there.
CHANGES = {
    "America/New_York": ("2027-03-14", "2027-11-07"),
    "Europe/Berlin": ("2027-03-28", "2027-10-31"),
    "Australia/Sydney": ("2027-10-03", "2027-04-04"),
}


def send(now: datetime) -> int:
    """Everything deliverable; how many rows."""
    sent = 0
    while ids := delivery.claim(now):
        for pk in ids:
            delivery.deliver(pk, now=now)
        sent += len(ids)
    return sent


def refill_mail(stage: Stage) -> set[int]:
    """The rows that have gone to the scheduler about refills."""
    return set(rows_of({each.row for each in stage.post.taken()}, {BOOKS}))


def a_round(now: datetime) -> None:
    fleet.tick(now)
    send(now)


def on_stage(stage: Stage, now: datetime, play: Callable[[datetime], Tally]) -> Tally:
    all_quiet(now)
    stage.post.set("accept")
    stage.post.forget()
    wire = {"EMAIL_BACKEND": "bench._chaos_mail.Backend", "EMAIL_HOST": "127.0.0.1", "EMAIL_PORT": stage.post.port}
    with override_settings(**wire, EMAIL_TIMEOUT=5):
        tally = play(now)
    return tally.count(stage.post.taken())


def clock_astray(stage: Stage) -> Tally:
    """An hour ahead, with a sender that dies there; then an hour behind; then right."""

    def play(now: datetime) -> Tally:
        pumps = pumps_of()[: stage.some(300)]
        shares = [pumps[number::3] for number in range(3)]
        come_due(shares[0], now)
        a_round(now)
        come_due(shares[1], now + HOUR)
        fleet.tick(now + HOUR)
        held = delivery.claim(now + HOUR)
        come_due(shares[2], now)
        for moment in (now + MINUTE, now - HOUR, now - HOUR + MINUTE, now + 2 * MINUTE, now + 62 * MINUTE):
            a_round(moment)
        return Tally("clock an hour ahead, then behind", once(pumps), note=f"{len(held)} rows held from the future")

    return on_stage(stage, timezone.now(), play)


def asleep_for_days(stage: Stage) -> Tally:
    """Told, then nothing runs for three days: one message an alert, however many tellings were missed."""

    def play(now: datetime) -> Tally:
        pumps = pumps_of()[: stage.some(500)]
        come_due(pumps, now)
        a_round(now)
        before = len(refill_mail(stage))
        for seconds in (0, 1, 30, 60):
            a_round(now + 3 * DAY + timedelta(seconds=seconds))
        caught_up = (len(refill_mail(stage)) - before) / len(pumps)
        return Tally("three days asleep", dict.fromkeys(once(pumps), 2), note=f"{caught_up:g} an alert to catch up")

    return on_stage(stage, timezone.now(), play)


def mail_down_for_days(stage: Stage) -> Tally:
    """Rounds go on and write, and no message leaves for three days: each person gets the newest one alone."""

    def play(now: datetime) -> Tally:
        pumps = pumps_of()[: stage.some(300)]
        come_due(pumps, now)
        for hours in range(0, 73, 6):
            fleet.tick(now + hours * HOUR)
        send(now + 3 * DAY)
        caught_up = len(refill_mail(stage)) / len(pumps)
        return Tally("three days without delivery", once(pumps), note=f"{caught_up:g} an alert to catch up")

    return on_stage(stage, timezone.now(), play)


def clocks_change(stage: Stage, zone: str, night: str) -> Tally:
    """Three days about a change of the clocks, in a tier that keeps quiet hours over midnight and repeats daily.

    Told at 22:00, a message has to go at 08:00 on the clinic's wall clock, each day once.
    """
    first = datetime.combine(datetime.fromisoformat(night).date() - DAY, time(22), tzinfo=ZoneInfo(zone))

    def play(now: datetime) -> Tally:
        clinic = Clinic.objects.order_by("pk").first()
        if clinic is None:
            raise SystemExit("There are no clinics.")
        before, clinic.timezone = clinic.timezone, zone
        clinic.save()
        pumps = list(Forecast.objects.filter(clinic=clinic).order_by("pump").values_list("pump", flat=True)[:10])
        come_due(pumps, now, refill_by=now + 5 * DAY)
        hours: set[str] = set()
        for half_hours in range(0, 2 * 62):
            moment = now + half_hours * HOUR / 2
            sent = len(refill_mail(stage))
            a_round(moment)
            if len(refill_mail(stage)) > sent:
                hours.add(f"{moment.astimezone(ZoneInfo(zone)):%H:%M}")
        clinic.timezone = before
        clinic.save()
        tally = Tally(f"clocks change: {zone}, {night}", dict.fromkeys(once(pumps), 3))
        tally.note = f"at {', '.join(sorted(hours))} there"
        if hours != {"08:00"}:
            tally.wrong.append("not at the end of quiet hours")
        return tally

    return on_stage(stage, first.astimezone(ZoneInfo("UTC")), play)


def quiet_hours(stage: Stage) -> Tally:
    """Alerts that begin at the edges of quiet hours, 20:00 to 08:00: at once outside them, at 08:00 within."""
    zone = ZoneInfo("America/New_York")
    begins = [(19, 59), (20, 0), (23, 59), (0, 0), (7, 59), (8, 0)]

    def play(now: datetime) -> Tally:
        clinic = Clinic.objects.get(timezone=zone.key)
        pumps = list(Forecast.objects.filter(clinic=clinic).order_by("pump").values_list("pump", flat=True)[:6])
        tally = Tally("quiet hours over midnight", once(pumps))
        midnight = now.astimezone(zone).replace(hour=0, minute=0)
        for pump, (hour, minute) in zip(pumps, begins, strict=True):
            evening = midnight - DAY if hour >= 12 else midnight
            moment = evening.replace(hour=hour, minute=minute)
            come_due([pump], moment, refill_by=moment + 6 * DAY)
        for minutes in range(0, 13 * 60):
            moment = midnight - 4 * HOUR - MINUTE + minutes * MINUTE
            local = moment.astimezone(zone)
            if (local.hour, local.minute) not in begins and local.minute % 30:
                continue
            sent = len(refill_mail(stage))
            a_round(moment)
            new = len(refill_mail(stage)) - sent
            due = {(19, 59): 1, (8, 0): 5}.get((local.hour, local.minute), 0)
            if new != due:
                tally.wrong.append(f"{new} at {local:%H:%M}, where {due} were due")
        return tally

    noon = datetime(2027, 6, 15, 12, tzinfo=zone)
    return on_stage(stage, noon, play)
