"""What a clinic sets about titration."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone

from clinics.models import Clinic
from clinics.queries import ClinicOwned
from pumps.models import Event
from therapy.models.people import by_user


class Protocol(models.Model):
    """A clinic's own protocol, never changed: an edit is a new version. `figures` by key of `clinical.protocols`.

    `second_person` asks for somebody else than the signer at every confirmation. `rescue_words` are what a new rescue
    plan begins with.
    """

    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="protocols")
    version = models.PositiveIntegerField()
    figures = models.JSONField(default=dict, blank=True)
    second_person = models.BooleanField(default=False)
    rescue_words = models.CharField(max_length=2000, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = by_user()

    objects = ClinicOwned.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["clinic", "version"], name="protocol_version_once_a_clinic")
        ]

    def __str__(self) -> str:
        return f"protocol {self.version} of clinic {self.clinic_id}"


class ProgramTemplate(models.Model):
    """A program a clinic uses again: its steps are shares, scaled to whatever daily dose it is taken for."""

    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="program_templates")
    name = models.CharField(max_length=100)
    mode = models.CharField(max_length=32, choices=Event.ProgramMode)
    daily_dose_mcg = models.DecimalField(max_digits=10, decimal_places=3)
    steps = models.JSONField(default=list, blank=True)
    boluses = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = by_user()

    objects = ClinicOwned.as_manager()

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["clinic", "name"], name="template_once_a_clinic")]

    def __str__(self) -> str:
        return self.name
