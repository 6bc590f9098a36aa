from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.indexes import OpClass
from django.db import models
from django.db.models import Q
from django.db.models.functions import Upper
from django.utils import timezone

from clinics.models import Clinic
from patients.models import Patient
from pumps.models.catalogue import PumpModel
from pumps.queries import PumpQuerySet


class Pump(models.Model):
    """An implanted pump. `clinic` is the patient's, repeated so that every query can start from it."""

    class Status(models.TextChoices):
        ACTIVE = "active", "In use"
        EXPLANTED = "explanted", "Explanted"

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="pumps")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="pumps")
    model = models.ForeignKey(PumpModel, on_delete=models.PROTECT, related_name="pumps")
    serial_number = models.CharField(max_length=64)
    implanted_on = models.DateField()
    explanted_on = models.DateField(null=True, blank=True)
    catheter_volume_ml = models.DecimalField(max_digits=6, decimal_places=4, null=True, blank=True)
    low_reservoir_alarm_ml = models.DecimalField(max_digits=6, decimal_places=2)
    flow_accuracy_pct = models.DecimalField(max_digits=5, decimal_places=2, null=True, blank=True)
    factory_flow_ml_per_day = models.DecimalField(max_digits=8, decimal_places=4, null=True, blank=True)
    status = models.CharField(max_length=16, choices=Status, default=Status.ACTIVE)
    created_at = models.DateTimeField(default=timezone.now)

    objects = PumpQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["clinic", "serial_number"], name="pump_serial_once_a_clinic"),
            models.CheckConstraint(condition=Q(low_reservoir_alarm_ml__gte=0), name="pump_low_level_not_negative"),
            models.CheckConstraint(
                condition=Q(factory_flow_ml_per_day=None) | Q(factory_flow_ml_per_day__gt=0),
                name="pump_factory_flow_positive",
            ),
            models.CheckConstraint(
                condition=Q(status="active", explanted_on=None) | Q(status="explanted", explanted_on__isnull=False),
                name="pump_explanted_has_a_date",
            ),
        ]
        indexes: ClassVar = [
            # PumpQuerySet.matching: prefix search on the serial number
            models.Index(OpClass(Upper("serial_number"), name="text_pattern_ops"), name="pump_serial_prefix"),
        ]

    def __str__(self) -> str:
        return f"{self.model.model} {self.serial_number}"
