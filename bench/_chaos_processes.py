"""Scenarios with real processes: workers killed, Redis and PostgreSQL restarted, mail servers that misbehave."""

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

from django.db import Error, connection
from django.db.models import QuerySet
from django.utils import timezone

from alerts.models import Alert, Heartbeat, Notification
from alerts.services.engine import TICK, Part
from bench._chaos_engine import Engine, engine
from bench._chaos_world import DAY, NEVER, Tally, all_quiet, asleep, come_due, hurry, once, pumps_of, unsent
from bench._post_office import PostOffice

PATIENCE = 300.0


@dataclass(frozen=True)
class Stage:
    """What scenarios share. `scale` is 1, or less for a quick run."""

    folder: Path
    post: PostOffice
    dice: random.Random
    scale: float

    def some(self, pumps: int) -> int:
        """So many in a whole run, fewer in a quick one, never fewer than thirty."""
        return max(30, int(pumps * self.scale))

    @contextmanager
    def running(self, name: str, *, workers: int = 4, beats: int = 2) -> Iterator[Engine]:
        all_quiet(timezone.now())
        self.post.set("accept")
        self.post.forget()
        with engine(self.folder / name, self.post.port, workers=workers, beats=beats) as running:
            wait(running, lambda: len(engine_beats()) == 2)
            yield running


def settled(running: Engine, seconds: float = PATIENCE) -> bool:
    """Let it work until nothing is left to do; whether it got there."""
    until, quiet = time.monotonic() + seconds, 0
    while time.monotonic() < until and quiet < 3:
        running.rest(0.4)
        try:
            hurry()
            quiet = quiet + 1 if unsent() == 0 else 0
        except Error:
            connection.close()
    return quiet >= 3


def wait(running: Engine, reached: Callable[[], bool], seconds: float = 120.0) -> None:
    until = time.monotonic() + seconds
    while not reached():
        if time.monotonic() > until:
            raise SystemExit("The engine does not come up or does nothing.")
        running.rest(0.2)


def engine_beats() -> set[str]:
    """Whether rounds and delivery have begun."""
    return set(Heartbeat.objects.filter(name__in=(TICK, Part.DELIVER)).values_list("name", flat=True))


def ended(stage: Stage, tally: Tally, running: Engine, restarted: tuple[float, float] = NEVER) -> Tally:
    if not settled(running):
        tally.wrong.append(f"{unsent()} things still to do after {PATIENCE:.0f} s")
    return tally.count(stage.post.taken(), running.killed, restarted)


def killed(stage: Stage) -> Tally:
    """Workers killed -9 at random points, with something always to do."""
    kills, wanted, fresh = 0, max(20, int(1000 * stage.scale)), iter(pumps_of())
    with stage.running("killed") as running:
        due: list[int] = []
        while kills < wanted:
            batch = [pump for _, pump in zip(range(5), fresh, strict=False)]
            come_due(batch, timezone.now())
            due += batch
            kills += running.kill_someone(stage.dice)
            running.rest(stage.dice.uniform(0.02, 0.3))
        tally = Tally("workers killed -9", once(due), note=f"{kills:,} kills")
        return ended(stage, tally, running)


def crowded(stage: Stage) -> Tally:
    """Two beats and four workers, nothing else: no message twice."""
    pumps = pumps_of()[: stage.some(1000)]
    with stage.running("crowded") as running:
        come_due(pumps, timezone.now())
        return ended(stage, Tally("two beats, four workers", once(pumps)), running)


def minute(stage: Stage) -> Tally:
    pumps = pumps_of()[: stage.some(10_000)]
    with stage.running("minute", workers=2, beats=1) as running:
        began = time.monotonic()
        for start in range(0, len(pumps), len(pumps) // 10):
            come_due(pumps[start : start + len(pumps) // 10], timezone.now())
            running.rest(0.5)
        tally = ended(stage, Tally(f"{len(pumps):,} pumps due in one minute", once(pumps)), running)
        tally.note = f"all out after {time.monotonic() - began:.0f} s"
        return tally


def redis_lost(stage: Stage, how: str) -> Tally:
    """Redis flushed again and again; or hanging; or gone for a day, and there again, empty."""
    pumps = pumps_of()[: stage.some(600)]
    shares = [pumps[number::3] for number in range(3)]
    tally = Tally(f"Redis {how}", once(pumps))
    with stage.running(f"redis-{how[:5]}") as running:
        come_due(shares[0], timezone.now())
        running.rest(1)
        match how:
            case "flushed":
                come_due(shares[1], timezone.now())
                for _ in range(20):
                    running.flush_redis()
                    running.rest(0.2)
            case "hangs":
                come_due(shares[1], timezone.now())
                running.hang_redis(8)
            case _:
                _a_day_without_redis(running, shares[1])
                # Two tellings were missed, and are one.
                tally.expected |= dict.fromkeys(once(shares[0]), 2)
        come_due(shares[2], timezone.now())
        return ended(stage, tally, running)


def _a_day_without_redis(running: Engine, pumps: list[int]) -> None:
    """More comes due while it is gone; what was told before is due again, several times over."""
    settled(running)
    running.stop_redis()
    running.rest(2)
    come_due(pumps, timezone.now() + timedelta(hours=3))
    asleep(DAY + timedelta(hours=1))
    running.rest(4)
    running.start_redis()


def database_restarted(stage: Stage) -> Tally:
    """PostgreSQL stopped in the middle of rounds, in haste and as by a power cut; its keeper starts it again."""
    pumps = pumps_of()[: stage.some(1500)]
    with stage.running("database") as running:
        began, shares = time.time(), [pumps[number::3] for number in range(3)]
        for number, share in zip((signal.SIGINT, signal.SIGQUIT, signal.SIGINT), shares, strict=True):
            _once_it_answers(running, partial(come_due, share, timezone.now()))
            running.rest(stage.dice.uniform(0.3, 1.2))
            os.kill(_postmaster(), number)
            running.rest(3)
        _once_it_answers(running, lambda: None)
        tally = Tally("PostgreSQL restarted", once(pumps), note="3 times in the middle of it")
        return ended(stage, tally, running, (began, time.time()))


def _postmaster() -> int:
    return int((Path(os.environ["DATA_DIR"]) / "postgres/postmaster.pid").read_text().splitlines()[0])


def _once_it_answers(running: Engine, action: Callable[[], object]) -> None:
    for _ in range(200):
        with suppress(Error):
            connection.close()
            connection.ensure_connection()
            action()
            return
        running.rest(0.2)
    raise SystemExit("PostgreSQL did not come back.")


def _waiting() -> "QuerySet[Notification]":
    return Notification.objects.filter(alert__kind=Alert.Kind.REFILL_DUE, sent_at=None)


def mail_server(stage: Stage, how: str) -> Tally:
    """A mail server that misbehaves for a while, and then does not."""
    pumps = pumps_of()[: stage.some(200)]
    with stage.running(f"mail-{how}") as running:
        stage.post.set(how)
        come_due(pumps, timezone.now())
        # Some message has been tried, whatever becomes of it.
        wait(running, lambda: bool(stage.post.taken()) or _waiting().filter(attempts__gt=0).exists())
        running.rest(5)
        stage.post.set("accept")
        return ended(stage, Tally(f"mail server: {how}", once(pumps)), running)
