"""The Celery application with a short lease and short waits: what a killed worker held is soon taken up again."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

from celery.signals import worker_ready

from alerts.services import delivery
from config.celery import app

LEASE = timedelta(seconds=6)

SHORT = {"LEASE": LEASE, "LONGEST_WAIT": timedelta(seconds=1), "LONGEST_BATCH": LEASE / 2}
for name, span in SHORT.items():
    setattr(delivery, name, span)


@worker_ready.connect
def say_so(**_: Any) -> None:
    """A pool whose process is killed before the first order gives up: it is not yet a worker to be killed."""
    (Path(os.environ["BRIM_CHAOS"]) / f"ready{os.getpid()}").touch()


__all__ = ["app"]
