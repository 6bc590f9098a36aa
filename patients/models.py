"""People with a pump."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from clinics.models import Clinic
from patients.queries import PatientQuerySet


class Patient(models.Model):
    class Origin(models.TextChoices):
        SPINAL = "spinal", "Spinal"
        CEREBRAL = "cerebral", "Cerebral"

    class Status(models.TextChoices):
        ACTIVE = "active", "Active"
        DECEASED = "deceased", "Deceased"
        THERAPY_ENDED = "therapy_ended", "Therapy ended"
        TRANSFERRED = "transferred", "Transferred"

    class Flag(models.TextChoices):
        """Conditions that raise the risk of ITB (clinical rules, section 3)."""

        GERIATRIC = "geriatric", "Older age"
        KIDNEY_DISEASE = "kidney_disease", "Kidney disease"
        EPILEPSY = "epilepsy", "Epilepsy"
        BRAIN_DISEASE = "brain_disease", "Stroke or other brain disease"
        PARKINSONS = "parkinsons", "Parkinson's disease"
        MENTAL_ILLNESS = "mental_illness", "Mental illness"
        BREATHING_DIFFICULTY = "breathing_difficulty", "Breathing difficulty"
        T6_OR_ABOVE = "t6_or_above", "Spinal cord injury at or above T6"
        COMMUNICATION_DIFFICULTY = "communication_difficulty", "Communication difficulty"
        EARLIER_WITHDRAWAL = "earlier_withdrawal", "Earlier withdrawal"
        PREGNANT = "pregnant", "Pregnant"
        BREAST_FEEDING = "breast_feeding", "Breast-feeding"

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="patients")
    mrn = models.CharField("MRN", max_length=64)
    given_name = models.CharField(max_length=100)
    family_name = models.CharField(max_length=100)
    date_of_birth = models.DateField()
    email = models.EmailField(max_length=254, blank=True)
    phone = models.CharField(max_length=40, blank=True)
    language = models.CharField(max_length=16, default="en")
    # The patient's consent to e-mail reminders.
    email_reminders = models.BooleanField(default=False)
    spasticity_origin = models.CharField(max_length=16, choices=Origin)
    flags = ArrayField(models.CharField(max_length=32, choices=Flag), default=list, blank=True)
    status = models.CharField(max_length=16, choices=Status, default=Status.ACTIVE)
    status_on = models.DateField(null=True, blank=True)
    status_reason = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    search = models.GeneratedField(
        expression=SearchVector("given_name", "family_name", "mrn", "phone", config="simple"),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    objects = PatientQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["family_name", "given_name", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["clinic", "mrn"], name="patient_mrn_once_a_clinic"),
            models.CheckConstraint(
                condition=Q(status="active") | Q(status_on__isnull=False), name="patient_status_has_a_date"
            ),
        ]
        indexes: ClassVar = [
            # PatientQuerySet.matching
            GinIndex(fields=["search"], name="patient_search"),
        ]

    def __str__(self) -> str:
        return f"{self.given_name} {self.family_name}"
