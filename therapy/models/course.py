"""What is recorded of a patient's course: phases, measures, medicines, the rescue plan."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy

from clinical.interactions import Interaction, interactions_of
from clinical.scales import vitals_words
from patients.models import Patient
from therapy.models.people import by_user
from therapy.models.screening import TrialBolus
from therapy.queries import OfPatient


class Phase(models.TextChoices):
    CANDIDATE = "candidate", gettext_lazy("Candidate")
    SCREENING = "screening", gettext_lazy("Screening")
    IMPLANTED = "implanted", gettext_lazy("Implanted, first dose")
    TITRATION = "titration", gettext_lazy("Titration")
    MAINTENANCE = "maintenance", gettext_lazy("Maintenance")
    WEANING = "weaning", gettext_lazy("Weaning")
    STOPPED = "stopped", gettext_lazy("Stopped")


class OfCourse(models.Model):
    """Somebody recorded something of a patient; `voided_*` where it was entered in error."""

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="%(class)ss")
    recorded_at = models.DateTimeField(default=timezone.now)
    recorded_by = by_user()
    voided_at = models.DateTimeField(null=True, blank=True)
    voided_by = by_user(null=True, blank=True)
    voided_reason = models.CharField(max_length=500, blank=True)

    objects = OfPatient.as_manager()

    class Meta:
        abstract = True


class PhaseChange(OfCourse):
    """From `began_at` on the patient is in a phase; the newest that stands is the present one."""

    phase = models.CharField(max_length=16, choices=Phase)
    began_at = models.DateTimeField()
    reason = models.CharField(max_length=500, blank=True)

    class Meta:
        indexes: ClassVar = [models.Index(F("patient"), F("began_at").desc(), name="phasechange_of_patient")]

    def __str__(self) -> str:
        return f"{self.phase} of patient {self.patient_id}"


class RescuePlan(OfCourse):
    """What to take by mouth, and whom to call, where the pump fails; the newest that stands counts."""

    text = models.CharField(max_length=2000)

    def __str__(self) -> str:
        return f"rescue plan of patient {self.patient_id}"


class Assessment(OfCourse):
    """What was measured at a moment; beside a screening bolus where `bolus` is set. `ashworth` as
    `clinical.scales.Grade` writes it, `vitals` by key of `clinical.scales.VITALS`."""

    measured_at = models.DateTimeField()
    bolus = models.ForeignKey(TrialBolus, on_delete=models.PROTECT, null=True, blank=True, related_name="assessments")
    ashworth = models.JSONField(default=list, blank=True)
    spasm_frequency = models.PositiveSmallIntegerField(null=True, blank=True)
    spasm_severity = models.PositiveSmallIntegerField(null=True, blank=True)
    pain = models.PositiveSmallIntegerField(null=True, blank=True)
    goal = models.CharField(max_length=300, blank=True)
    goal_attainment = models.SmallIntegerField(null=True, blank=True)
    function_note = models.CharField(max_length=1000, blank=True)
    vitals = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(pain=None) | Q(pain__lte=10), name="assessment_pain_0_to_10"),
            models.CheckConstraint(
                condition=Q(spasm_frequency=None, spasm_severity=None)
                | Q(spasm_frequency=0, spasm_severity=None)
                | Q(spasm_frequency__range=(1, 4), spasm_severity__range=(1, 3)),
                name="assessment_penn_is_whole",
            ),
            models.CheckConstraint(
                condition=Q(goal_attainment=None) | Q(goal_attainment__range=(-2, 2)), name="assessment_goal_range"
            ),
        ]
        indexes: ClassVar = [models.Index(F("patient"), F("measured_at").desc(), name="assessment_of_patient")]

    def __str__(self) -> str:
        return f"assessment of patient {self.patient_id}"

    @property
    def vitals_words(self) -> str:
        """`blood pressure 124/78 mmHg, pulse 70/min`."""
        return vitals_words(self.vitals)


class AdverseEvent(OfCourse):
    class Kind(models.TextChoices):
        WITHDRAWAL = "withdrawal", gettext_lazy("Withdrawal")
        OVERDOSE = "overdose", gettext_lazy("Overdose")
        INFECTION = "infection", gettext_lazy("Infection or meningitis")
        CATHETER = "catheter", gettext_lazy("Catheter problem")
        PUMP = "pump", gettext_lazy("Pump problem")
        WOUND = "wound", gettext_lazy("Wound, pocket or seroma")
        CSF_LEAK = "csf_leak", gettext_lazy("Leak of cerebrospinal fluid")
        DRUG = "drug", gettext_lazy("Side effect of the drug")
        OTHER = "other", gettext_lazy("Other")

    class Severity(models.TextChoices):
        MILD = "mild", gettext_lazy("Mild")
        MODERATE = "moderate", gettext_lazy("Moderate")
        SEVERE = "severe", gettext_lazy("Severe")
        LIFE_THREATENING = "life_threatening", gettext_lazy("Life-threatening")
        FATAL = "fatal", gettext_lazy("Fatal")

    class Related(models.TextChoices):
        UNRELATED = "unrelated", gettext_lazy("Unrelated")
        POSSIBLE = "possible", gettext_lazy("Possible")
        PROBABLE = "probable", gettext_lazy("Probable")
        DEFINITE = "definite", gettext_lazy("Definite")

    class Outcome(models.TextChoices):
        RECOVERED = "recovered", gettext_lazy("Recovered")
        RECOVERING = "recovering", gettext_lazy("Recovering")
        NOT_RECOVERED = "not_recovered", gettext_lazy("Not recovered")
        SEQUELAE = "sequelae", gettext_lazy("Recovered with sequelae")
        DIED = "died", gettext_lazy("Died")
        UNKNOWN = "unknown", gettext_lazy("Not known")

    began_at = models.DateTimeField()
    kind = models.CharField(max_length=16, choices=Kind)
    severity = models.CharField(max_length=20, choices=Severity)
    relatedness = models.CharField(max_length=16, choices=Related)
    outcome = models.CharField(max_length=16, choices=Outcome)
    reported = models.BooleanField(default=False)
    report_reference = models.CharField(max_length=100, blank=True)
    note = models.CharField(max_length=1000, blank=True)

    class Meta:
        indexes: ClassVar = [models.Index(F("patient"), F("began_at").desc(), name="adverse_of_patient")]

    def __str__(self) -> str:
        return f"{self.kind} of patient {self.patient_id}"


class Medicine(OfCourse):
    """A medicine beside the pump. One that has ended is kept."""

    name = models.CharField(max_length=200)
    dose = models.CharField(max_length=200, blank=True)
    started_on = models.DateField(null=True, blank=True)
    ended_on = models.DateField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name

    @property
    def interactions(self) -> list[Interaction]:
        """What it does together with baclofen, as far as the list knows its name."""
        return interactions_of(self.name)
