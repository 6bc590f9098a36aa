"""Faults on the alert path: kills, lost servers, clocks astray; what is lost, what comes twice. `quick`: minutes."""

import logging
import random
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bench._chaos_clock import (
    CHANGES,
    asleep_for_days,
    clock_astray,
    clocks_change,
    mail_down_for_days,
    quiet_hours,
)
from bench._chaos_fates import between, cancelled, empty
from bench._chaos_processes import Stage, crowded, database_restarted, killed, mail_server, minute, redis_lost
from bench._chaos_world import HEAD, Tally, people
from bench._fleet import SEED, insist_on_an_empty_database, say
from bench._post_office import MODES, PostOffice

PUMPS = 12_000
WRITTEN = Path(__file__).resolve().parent.parent / "docs" / "validation" / "chaos.md"
TEXT = """# Faults on the alert path

`bin/bench chaos`: real Celery workers and beats, PostgreSQL, Redis, and an SMTP server, all of which are killed,
stopped or led astray. *Expected* is told by the pumps that came due and the staff alone, not by the outbox. *Lost* has
to be 0. A *duplicate* is a message accepted again under the same Message-ID; each has to have fallen *in between*: the
sender was killed, the database was restarted, or the server died, after the server had accepted the message and before
that was committed. *Too many* are messages nobody was to get, such as several about one alert in catching up: it has
to be 0.

```
{table}
```

{seconds:.0f} s in all, seed {seed}.
"""


def scenarios() -> dict[str, Callable[[Stage], Tally]]:
    changes = {
        f"clock-{zone}-{night}": partial(clocks_change, zone=zone, night=night)
        for zone, nights in CHANGES.items()
        for night in nights
    }
    return {
        "astray": clock_astray,
        "asleep": asleep_for_days,
        "undelivered": mail_down_for_days,
        **changes,
        "quiet": quiet_hours,
        "between": between,
        "cancelled": cancelled,
        "empty": empty,
        "crowded": crowded,
        **{f"redis-{how}": partial(redis_lost, how=how) for how in ("flushed", "hangs", "gone for a day, then empty")},
        "database": database_restarted,
        **{f"mail-{how}": partial(mail_server, how=how) for how in MODES if how != "accept"},
        "minute": minute,
        "killed": killed,
    }


def main(arguments: list[str]) -> int:
    """`quick` makes everything smaller; other words choose the scenarios that begin with them."""
    insist_on_an_empty_database()
    # What is late here is meant to be.
    logging.getLogger("alerts").setLevel(logging.CRITICAL)
    is_quick = "quick" in arguments
    chosen = [word for word in arguments if word != "quick"]
    wanted = {
        name: play for name, play in scenarios().items() if not chosen or any(name.startswith(word) for word in chosen)
    }
    began, lines, is_well = time.monotonic(), [HEAD], True
    people(1500 if is_quick else PUMPS)
    say(HEAD)
    with tempfile.TemporaryDirectory(prefix="brim-chaos-") as folder:
        post = PostOffice(Path(folder))
        stage = Stage(Path(folder), post, random.Random(SEED), 0.06 if is_quick else 1.0)  # noqa: S311  no secret
        try:
            for play in wanted.values():
                tally = play(stage)
                is_well &= tally.is_well
                lines.append(tally.line())
                say(lines[-1])
        finally:
            post.close()
    if not is_quick and not chosen:
        table = "\n".join(lines)
        WRITTEN.write_text(TEXT.format(table=table, seconds=time.monotonic() - began, seed=SEED))
    return 0 if is_well else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
