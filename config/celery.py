"""The Celery application.

Beat runs interval schedules in UTC only: a crontab in local time skips or repeats an hour at a DST change.
Nothing here decides when something is due; due times are columns, and these ticks look at them.
"""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("brim")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["alerts", "pumps"])
