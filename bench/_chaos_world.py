"""A fleet whose due times a scenario sets, and the count of what came of it.

What is expected is told by the pumps and the staff alone, not by the outbox, so that a row that was never written
counts as lost as much as one that was never sent.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from django.db import connection
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from alerts.models import Alert, Notification
from bench._fleet import SEED, someone, three_clinics
from bench._growing import grow
from bench._post_office import Taken
from clinics.models import Clinic
from clinics.roles import Role
from interop.importing import import_folder
from interop.simulation import fleet
from interop.writing import write
from patients.models import Patient
from pumps.models import Event, Forecast, Pump

ORIGINALS = 500
FAR = timedelta(days=100)
DAY = timedelta(days=1)
NOBODY: Mapping[int, float] = {}
NEVER = (0.0, 0.0)
# Whoever holds a role is told; of the tier `past`, the scheduler alone, since there is no nurse.
BOOKS, RUNS = "scheduler@example.org", "administrator@example.org"


def people(pumps: int) -> None:
    """Clinics, staff, and so many pumps with real ledgers."""
    for role in (Role.SCHEDULER, Role.PRESCRIBER, Role.ADMINISTRATOR):
        someone(role)
    clinics = three_clinics("Chaos")
    with TemporaryDirectory(prefix="brim-bench-") as folder:
        write(Path(folder), clinics, fleet(seed=SEED, pumps=ORIGINALS, clinics=clinics, now=timezone.now()))
        import_folder(folder=Path(folder), user=None, now=timezone.now())
    grow(pumps)
    with connection.cursor() as cursor:
        # Thrown-away data need not outlive the machine, but a commit has to outlive the server.
        cursor.execute("ALTER DATABASE brim SET synchronous_commit = on")


def all_quiet(now: datetime) -> None:
    """No alert, no message, and nothing due for a long time."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE alerts_alert, alerts_notification, alerts_heartbeat, scheduling_appointment CASCADE")
    far = now + FAR
    Forecast.objects.update(
        next_alert_at=far,
        refill_by=far,
        worklist_at=far,
        programmed_low_at=far,
        earliest_low_at=far,
        programmed_empty_at=far,
        empty_at=far,
        filled_at=now - FAR,
        service_ends_at=None,
        stopped_at=None,
        stalled_at=None,
        unknown_reason="",
        findings=[],
        in_use=True,
    )


def come_due(pumps: Collection[int], now: datetime, refill_by: datetime | None = None) -> None:
    """These pumps are past their date since yesterday, unless another is given, and the engine is to notice now."""
    by = refill_by or now - DAY
    Forecast.objects.filter(pump__in=pumps).update(refill_by=by, worklist_at=by, next_alert_at=now)


def pumps_of(timezone_name: str = "") -> list[int]:
    """Pumps to which nothing has happened in another scenario: what somebody recorded then outlives it."""
    touched = Event.objects.filter(pump=OuterRef("pump"), source=Event.Source.PAGE)
    in_care = Q(pump__status=Pump.Status.ACTIVE, pump__patient__status=Patient.Status.ACTIVE)
    rows = Forecast.objects.filter(in_care & ~Exists(touched)).order_by("pump")
    if timezone_name:
        rows = rows.filter(clinic__in=Clinic.objects.filter(timezone=timezone_name))
    return list(rows.values_list("pump", flat=True))


def asleep(span: timedelta) -> None:
    """So long passes at once: all that has a time is so much further back."""
    Alert.objects.update(
        **{
            name: F(name) - span
            for name in (
                "opened_at",
                "refill_by",
                "low_at",
                "empty_at",
                "filled_at",
                "next_due_at",
                "told_at",
                "nobody_since",
                "acknowledged_until",
            )
        }
    )
    Notification.objects.update(due_at=F("due_at") - span, sent_at=F("sent_at") - span)
    Notification.objects.filter(state="sending").update(lease_until=F("lease_until") - span)
    Forecast.objects.update(
        **{
            name: F(name) - span
            for name in ("refill_by", "worklist_at", "next_alert_at", "programmed_low_at", "earliest_low_at",
                         "programmed_empty_at", "empty_at", "filled_at")
        }
    )  # fmt: skip


def hurry() -> None:
    """What waits for a mail server waits no longer."""
    Notification.objects.filter(state="queued", attempts__gt=0).update(due_at=timezone.now())


def unsent() -> int:
    """Forecasts to open, alerts to tell and messages to send that are due, the engine's own alert apart."""
    now = timezone.now()
    waiting = Notification.objects.filter(state__in=("queued", "sending"), alert__kind=Alert.Kind.REFILL_DUE)
    alerts = Alert.objects.due(now).filter(kind=Alert.Kind.REFILL_DUE)
    return Forecast.objects.due(now).count() + alerts.count() + waiting.count()


Told = dict[tuple[int, str], int]


def once(pumps: Collection[int], email: str = BOOKS) -> Told:
    return {(pump, email): 1 for pump in pumps}


@dataclass
class Tally:
    """What a scenario expects, how often each person is to be told of each pump, and what came of it."""

    name: str
    expected: Told
    delivered: int = 0
    lost: int = 0
    duplicates: int = 0
    in_between: int = 0
    too_many: int = 0
    wrong: list[str] = field(default_factory=list)
    note: str = ""

    def count(
        self, taken: Sequence[Taken], killed: Mapping[int, float] = NOBODY, restarted: tuple[float, float] = NEVER
    ) -> "Tally":
        """A message that came k times came k - 1 times too often; each is excused by a sender that was killed after
        the server had taken it, by a server that died instead of answering, or by a database that was restarted."""
        rows = rows_of({each.row for each in taken}, {email for _, email in self.expected})
        by_message: dict[int, list[Taken]] = {}
        for each in taken:
            if each.row in rows:
                by_message.setdefault(each.row, []).append(each)
        told = Counter(rows[row] for row in by_message)
        self.delivered = sum(min(told[key], times) for key, times in self.expected.items())
        self.lost = sum(self.expected.values()) - self.delivered
        self.too_many = sum(max(number - self.expected.get(key, 0), 0) for key, number in told.items())
        for several in by_message.values():
            again = len(several) - 1
            excuses = sum(_is_excused(each, killed, restarted) for each in several)
            self.duplicates += again
            self.in_between += min(again, excuses)
        return self

    @property
    def is_well(self) -> bool:
        return self.lost == 0 and self.duplicates == self.in_between and self.too_many == 0 and not self.wrong

    def line(self) -> str:
        wanted = sum(self.expected.values())
        bad = "" if self.is_well else "  FAILED " + "; ".join(self.wrong)
        return (
            f"{self.name:46} {wanted:>8,} {self.delivered:>9,} {self.lost:>5} {self.duplicates:>10} "
            f"{self.in_between:>10} {self.too_many:>8}  {self.note}{bad}".rstrip()
        )


HEAD = f"{'':46} {'expected':>8} {'delivered':>9} {'lost':>5} {'duplicates':>10} {'in between':>10} {'too many':>8}"


def rows_of(ids: Collection[int], emails: Collection[str]) -> dict[int, tuple[int, str]]:
    """Which pump and person each row of the outbox is of; refill alerts to staff, and visits to patients, alone."""
    found: dict[int, tuple[int, str]] = {}
    chosen = sorted(ids)
    of_staff = Q(alert__kind=Alert.Kind.REFILL_DUE, user__email__in=emails)
    mails = Notification.objects.filter(of_staff | Q(appointment__isnull=False, patient__email__in=emails))
    whose = (Coalesce("alert__pump", "appointment__pump"), Coalesce("user__email", "patient__email"))
    for start in range(0, len(chosen), 5000):
        rows = mails.filter(pk__in=chosen[start : start + 5000])
        found |= {pk: (pump, email) for pk, pump, email in rows.values_list("pk", *whose)}
    return found


def _is_excused(taken: Taken, killed: Mapping[int, float], restarted: tuple[float, float]) -> bool:
    # Whoever lives for longer after a message was taken has noted it.
    was_killed = 0 <= killed.get(taken.pid, 0.0) - taken.at <= 5
    return taken.mode == "die" or was_killed or restarted[0] - 5 <= taken.at <= restarted[1]
