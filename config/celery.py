"""The Celery application.

Beat runs interval schedules in UTC only: a crontab in local time skips or repeats an hour at a DST change.
Nothing here decides when something is due; due times are columns, and these ticks look at them.
"""

import os
from typing import Any

from celery import Celery
from celery.signals import worker_ready

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("brim")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["alerts", "pumps", "interop"])


@worker_ready.connect
def tick_at_once(**_: Any) -> None:
    """A worker that comes up does not wait for beat's next interval."""
    app.send_task("pumps.tasks.tick")
