"""The pump models on the market, and what is believed of their flow."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy

from pumps.queries import PumpModelQuerySet


class PumpModel(models.Model):
    """A row of the catalogue (pumps/data/catalogue.csv).

    The `*_confirmed` flags say which figures were read in a manual; the others are marked on screen and editable.
    The catheter is the one made for the pump: what 1 cm of it holds, and how long it is before it is trimmed.
    `edited_fields` names what an administrator changed, which a later sync leaves alone.
    """

    class MriBehaviour(models.TextChoices):
        STALLS = "stalls", gettext_lazy("Motor stalls in the scanner")
        EMPTY_FIRST = "empty-first", gettext_lazy("Empty before the scan")
        VERIFY = "verify", gettext_lazy("Verify against the manual")

    slug = models.SlugField(max_length=64, unique=True)
    manufacturer = models.CharField(max_length=100)
    model = models.CharField(max_length=100, unique=True)
    reservoir_ml = models.DecimalField(max_digits=6, decimal_places=2)
    low_reservoir_ml = models.DecimalField(max_digits=6, decimal_places=2)
    min_flow_ml_per_day = models.DecimalField(max_digits=8, decimal_places=4, null=True, blank=True)
    max_flow_ml_per_day = models.DecimalField(max_digits=8, decimal_places=4, null=True, blank=True)
    flow_accuracy_pct = models.DecimalField(max_digits=5, decimal_places=2)
    internal_tubing_ml = models.DecimalField(max_digits=6, decimal_places=4, null=True, blank=True)
    catheter_ml_per_cm = models.DecimalField(max_digits=6, decimal_places=4, null=True, blank=True)
    catheter_length_cm = models.DecimalField(max_digits=6, decimal_places=2, null=True, blank=True)
    flow_ratio_mean = models.DecimalField(max_digits=5, decimal_places=4)
    flow_ratio_sd = models.DecimalField(max_digits=5, decimal_places=4)
    programmable = models.BooleanField()
    max_steps_per_day = models.PositiveSmallIntegerField(null=True, blank=True)
    service_life_years = models.PositiveSmallIntegerField(null=True, blank=True)
    reservoir_confirmed = models.BooleanField(default=False)
    flow_confirmed = models.BooleanField(default=False)
    tubing_confirmed = models.BooleanField(default=False)
    catheter_confirmed = models.BooleanField(default=False)
    mri_behaviour = models.CharField(max_length=16, choices=MriBehaviour)
    note = models.CharField(max_length=500, blank=True)
    edited_fields = ArrayField(models.CharField(max_length=64), default=list, blank=True)

    objects = PumpModelQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["manufacturer", "model"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(reservoir_ml__gt=0, low_reservoir_ml__gte=0), name="model_volumes_positive"
            ),
            models.CheckConstraint(
                condition=Q(flow_ratio_mean__gt=0, flow_ratio_sd__gt=0), name="model_ratio_positive"
            ),
        ]

    def __str__(self) -> str:
        return self.model if self.model.startswith(self.manufacturer) else f"{self.manufacturer} {self.model}"


class PriorVersion(models.Model):
    """What was believed of every model's flow when a forecast was made. Never changed: a new belief is a new row.

    `priors` maps a model's slug to the fields of `clinical.ledger.Prior`: learned from the fleet's refills, `pumps` of
    them, starting from what the catalogue said then, `believed`.
    """

    priors = models.JSONField()
    believed = models.JSONField(default=dict)
    pumps = models.PositiveIntegerField(default=0)
    reason = models.CharField(max_length=200)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"prior {self.pk} ({self.reason})"
