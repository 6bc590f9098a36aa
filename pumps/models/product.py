"""Drug products as a clinic uses them."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from clinics.models import Clinic
from clinics.queries import ClinicOwned


class DrugProduct(models.Model):
    """What holds for a drug product in this clinic's pumps. There is no default: what is not set does not count.

    A refill whose formulation has this name (`key`: lower case, single spaces) takes the stability from here unless it
    says its own. `source` is where the clinic read it.
    """

    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="products")
    name = models.CharField(max_length=100)
    key = models.CharField(max_length=100)
    stability_days = models.PositiveSmallIntegerField(null=True, blank=True)
    max_refill_interval_days = models.PositiveSmallIntegerField(null=True, blank=True)
    source = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = ClinicOwned["DrugProduct"].as_manager()

    class Meta:
        ordering: ClassVar = ["key"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["clinic", "key"], name="product_name_once_a_clinic"),
            models.CheckConstraint(
                condition=Q(stability_days=None) | Q(stability_days__gte=1, stability_days__lte=1000),
                name="product_stability_1_to_1000_days",
            ),
            models.CheckConstraint(
                condition=Q(max_refill_interval_days=None)
                | Q(max_refill_interval_days__gte=14, max_refill_interval_days__lte=400),
                name="product_interval_14_to_400_days",
            ),
        ]

    def __str__(self) -> str:
        return self.name
