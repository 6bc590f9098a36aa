from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

from django.contrib.postgres.indexes import OpClass
from django.db import models
from django.db.models import Q
from django.db.models.functions import Upper
from django.utils import timezone
from django.utils.translation import gettext_lazy

from clinics.models import Clinic, User
from patients.models import Patient
from pumps.models.catalogue import PumpModel
from pumps.queries import PumpQuerySet


class RefillOwner(models.TextChoices):
    """Who does the next refill."""

    CLINIC = "clinic", gettext_lazy("This clinic")
    HOME_INFUSION = "home_infusion", gettext_lazy("Home-infusion service")
    HOSPITAL = "hospital", gettext_lazy("Hospital")


class Pump(models.Model):
    """An implanted pump. `clinic` is the patient's, repeated so that every query can start from it.

    The owner of the next refill is never blank; one outside the clinic has a name. Reminders go on whoever it is.
    `low_level_reason` says why the low level was raised for this patient, where it was, and on which day that showed.
    """

    class Status(models.TextChoices):
        ACTIVE = "active", gettext_lazy("In use")
        EXPLANTED = "explanted", gettext_lazy("Explanted")

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="pumps")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="pumps")
    model = models.ForeignKey(PumpModel, on_delete=models.PROTECT, related_name="pumps")
    serial_number = models.CharField(max_length=64)
    implanted_on = models.DateField()
    explanted_on = models.DateField(null=True, blank=True)
    catheter_volume_ml = models.DecimalField(max_digits=6, decimal_places=4, null=True, blank=True)
    low_reservoir_alarm_ml = models.DecimalField(max_digits=6, decimal_places=2)
    low_level_reason = models.CharField(max_length=500, blank=True)
    low_level_noticed_on = models.DateField(null=True, blank=True)
    flow_accuracy_pct = models.DecimalField(max_digits=5, decimal_places=2, null=True, blank=True)
    factory_flow_ml_per_day = models.DecimalField(max_digits=8, decimal_places=4, null=True, blank=True)
    status = models.CharField(max_length=16, choices=Status, default=Status.ACTIVE)
    explant_reason = models.CharField(max_length=500, blank=True)
    replaces = models.OneToOneField("self", on_delete=models.PROTECT, null=True, blank=True, related_name="replaced_by")
    refill_owner = models.CharField(max_length=16, choices=RefillOwner, default=RefillOwner.CLINIC)
    refill_owner_name = models.CharField(max_length=200, blank=True)
    refill_owner_phone = models.CharField(max_length=40, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = PumpQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["clinic", "serial_number"], name="pump_serial_once_a_clinic"),
            models.CheckConstraint(condition=Q(low_reservoir_alarm_ml__gte=0), name="pump_low_level_not_negative"),
            models.CheckConstraint(
                condition=Q(low_level_noticed_on=None) | ~Q(low_level_reason=""),
                name="pump_low_level_day_has_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(factory_flow_ml_per_day=None) | Q(factory_flow_ml_per_day__gt=0),
                name="pump_factory_flow_positive",
            ),
            models.CheckConstraint(
                condition=Q(status="active", explanted_on=None) | Q(status="explanted", explanted_on__isnull=False),
                name="pump_explanted_has_a_date",
            ),
            models.CheckConstraint(
                condition=Q(refill_owner="clinic", refill_owner_name="", refill_owner_phone="")
                | Q(refill_owner__in=["home_infusion", "hospital"]) & ~Q(refill_owner_name=""),
                name="pump_refill_owner_is_named",
            ),
        ]
        indexes: ClassVar = [
            # PumpQuerySet.matching: prefix search on the serial number
            models.Index(OpClass(Upper("serial_number"), name="text_pattern_ops"), name="pump_serial_prefix"),
        ]

    def __str__(self) -> str:
        return f"{self.model.model} {self.serial_number}"

    @property
    def accuracy_pct(self) -> Decimal:
        """Of what it delivers, either way: as entered for this pump, else its model's."""
        return self.flow_accuracy_pct if self.flow_accuracy_pct is not None else self.model.flow_accuracy_pct

    @property
    def is_refilled_here(self) -> bool:
        return self.refill_owner == RefillOwner.CLINIC

    @property
    def owner_words(self) -> str:
        """Who does the next refill, by name where it is not the clinic."""
        if self.is_refilled_here:
            return str(RefillOwner.CLINIC.label)
        return f"{self.refill_owner_name} ({RefillOwner(self.refill_owner).label.lower()})"


class Handover(models.Model):
    """The next refill changed hands. Never changed: who has it now is on the pump."""

    pump = models.ForeignKey(Pump, on_delete=models.CASCADE, related_name="handovers")
    at = models.DateTimeField()
    by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    owner = models.CharField(max_length=16, choices=RefillOwner)
    name = models.CharField(max_length=200, blank=True)
    phone = models.CharField(max_length=40, blank=True)
    reason = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering: ClassVar = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"next refill of pump {self.pump_id} by {self.name or self.owner}"
