"""Imports made on a page or over the API: uploaded, checked, confirmed, stored by a task."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy

from clinics.models import User, Work


class ImportJob(Work):
    """One upload on its way. Its state says what is to be done next, so a task that is killed is begun again.

    to_check -> refused or ready; ready -> to_store -> done; cancelled or failed from any of them. The import itself is
    all or nothing. `report` is what the check or the import said.
    """

    class State(models.TextChoices):
        TO_CHECK = "to_check", gettext_lazy("Being checked")
        REFUSED = "refused", gettext_lazy("Has errors")
        READY = "ready", gettext_lazy("Ready to import")
        TO_STORE = "to_store", gettext_lazy("Being imported")
        DONE = "done", gettext_lazy("Imported")
        CANCELLED = "cancelled", gettext_lazy("Cancelled")
        FAILED = "failed", gettext_lazy("Failed")

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="imports")
    state = models.CharField(max_length=16, choices=State, default=State.TO_CHECK)

    class Meta:
        ordering: ClassVar = ["-pk"]
        indexes: ClassVar = [
            # what the task looks for
            models.Index(fields=["id"], name="import_to_do", condition=Q(state__in=["to_check", "to_store"])),
            # those old enough to go
            models.Index(fields=["finished_at"], name="import_finished", condition=Q(finished_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"import {self.pk}: {self.state}"

    @property
    def is_at_work(self) -> bool:
        return self.state in (self.State.TO_CHECK, self.State.TO_STORE)


class ImportFile(models.Model):
    """A file of an upload, kept until the import is done, refused or cancelled."""

    job = models.ForeignKey(ImportJob, on_delete=models.CASCADE, related_name="files")
    name = models.CharField(max_length=100)
    content = models.BinaryField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["job", "name"], name="import_file_once")]

    def __str__(self) -> str:
        return self.name
