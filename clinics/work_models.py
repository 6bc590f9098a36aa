"""Long work: asked for by a person, done by a worker, watched and stopped on a page."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy

from clinics.queries import ClinicOwned


class Work(models.Model):
    """How far a piece of work is. Its state says what is to be done next, so a worker that is killed is made good.

    `step` is what is being done now, `step_done` of `step_total` (0: not known) of it; it stood at `step_from` when
    this attempt began it, at `step_started_at`. `report` is what came of it. `cancel_requested` is read between two
    batches.
    """

    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    cancel_requested = models.BooleanField(default=False)
    step = models.CharField(max_length=100, blank=True)
    step_done = models.PositiveIntegerField(default=0)
    step_from = models.PositiveIntegerField(default=0)
    step_total = models.PositiveIntegerField(default=0)
    step_started_at = models.DateTimeField(null=True, blank=True)
    report = models.JSONField(default=dict, blank=True)
    error = models.CharField(max_length=500, blank=True)

    class Meta:
        abstract = True


class Job(Work):
    """Work on one clinic: waiting -> at work -> done, cancelled or failed.

    `asked` holds what the work needs to know. `reached` is the last id of what is stored already, so that work in
    batches goes on behind it; work that is all or nothing has none.
    """

    class Kind(models.TextChoices):
        RE_ESTIMATE = "re_estimate", gettext_lazy("Forecasts computed anew")
        SETTINGS = "settings", gettext_lazy("Settings changed")
        FLEET_REPORT = "fleet_report", gettext_lazy("Fleet report")

    class State(models.TextChoices):
        WAITING = "waiting", gettext_lazy("Waiting for its turn")
        AT_WORK = "at_work", gettext_lazy("Being done")
        DONE = "done", gettext_lazy("Done")
        CANCELLED = "cancelled", gettext_lazy("Cancelled")
        FAILED = "failed", gettext_lazy("Failed")

    clinic = models.ForeignKey("clinics.Clinic", on_delete=models.PROTECT, related_name="jobs")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="jobs")
    kind = models.CharField(max_length=16, choices=Kind)
    state = models.CharField(max_length=16, choices=State, default=State.WAITING)
    asked = models.JSONField(default=dict, blank=True)
    reached = models.BigIntegerField(default=0)

    objects = ClinicOwned["Job"].as_manager()

    class Meta:
        ordering: ClassVar = ["-pk"]
        indexes: ClassVar = [
            # what the worker looks for
            models.Index(fields=["id"], name="job_to_do", condition=Q(state__in=["waiting", "at_work"])),
            # a person's own
            models.Index(fields=["user", "-id"], name="job_of_user"),
            # those old enough to go
            models.Index(fields=["finished_at"], name="job_finished", condition=Q(finished_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}: {self.state}"

    @property
    def is_at_work(self) -> bool:
        return self.state in (self.State.WAITING, self.State.AT_WORK)


class JobFile(models.Model):
    """What a job made for whoever asked, kept as long as the job."""

    job = models.OneToOneField(Job, on_delete=models.CASCADE, related_name="file")
    name = models.CharField(max_length=100)
    content = models.BinaryField()

    def __str__(self) -> str:
        return self.name
