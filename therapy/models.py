"""The course of a patient's therapy: phases, screening, proposed and signed doses, tapers, and what is measured.

What was entered is never changed: it is declared as entered in error, or followed by something newer.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from clinical.interactions import Interaction, interactions_of
from clinical.scales import vitals_words
from clinical.titration import Phase as StepPhase
from clinics.models import Clinic, User
from clinics.queries import ClinicOwned
from patients.models import Patient
from pumps.models import Event, Pump
from therapy.queries import OfPatient, ProposalQuerySet, WeaningQuerySet


class Phase(models.TextChoices):
    CANDIDATE = "candidate", "Candidate"
    SCREENING = "screening", "Screening"
    IMPLANTED = "implanted", "Implanted, first dose"
    TITRATION = "titration", "Titration"
    MAINTENANCE = "maintenance", "Maintenance"
    WEANING = "weaning", "Weaning"
    STOPPED = "stopped", "Stopped"


def _by(related_name: str = "+", **kwargs: Any) -> models.ForeignKey[Any, Any]:
    return models.ForeignKey(User, on_delete=models.PROTECT, related_name=related_name, **kwargs)


class OfCourse(models.Model):
    """Somebody recorded something of a patient; `voided_*` where it was entered in error."""

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="%(class)ss")
    recorded_at = models.DateTimeField(default=timezone.now)
    recorded_by = _by()
    voided_at = models.DateTimeField(null=True, blank=True)
    voided_by = _by(null=True, blank=True)
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


class Trial(models.Model):
    """A screening: boluses through a lumbar puncture or catheter until one works. At most one open a patient.

    `label_set`, `label_version` and `protocol` are what it was begun under.
    """

    class Outcome(models.TextChoices):
        RESPONDED = "responded", "Responded"
        NO_RESPONSE = "no_response", "No response: not a candidate"
        ABANDONED = "abandoned", "Given up"

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="trials")
    label_set = models.CharField(max_length=8)
    label_version = models.PositiveIntegerField()
    protocol = models.ForeignKey("Protocol", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    # Whether it begins with the smaller dose, for a very small patient.
    starts_small = models.BooleanField(default=False)
    began_at = models.DateTimeField()
    began_by = _by()
    outcome = models.CharField(max_length=16, choices=Outcome, blank=True)
    note = models.CharField(max_length=500, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = _by(null=True, blank=True)

    objects = OfPatient.as_manager()

    class Meta:
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["patient"], condition=Q(ended_at=None), name="trial_one_open_a_patient"),
            models.CheckConstraint(
                condition=Q(ended_at=None, outcome="") | Q(ended_at__isnull=False) & ~Q(outcome=""),
                name="trial_ended_has_an_outcome",
            ),
        ]

    def __str__(self) -> str:
        return f"screening of patient {self.patient_id}"


class TrialBolus(models.Model):
    """A screening bolus. `responded` is empty while it is observed; `effect_hours` is how long the effect lasted.

    `override_reason` says why a prescriber had it given against the rules of `clinical.titration.screening`.
    """

    trial = models.ForeignKey(Trial, on_delete=models.PROTECT, related_name="boluses")
    given_at = models.DateTimeField()
    dose_mcg = models.DecimalField(max_digits=7, decimal_places=2)
    responded = models.BooleanField(null=True, blank=True)
    judged_at = models.DateTimeField(null=True, blank=True)
    judged_by = _by(null=True, blank=True)
    effect_hours = models.DecimalField(max_digits=5, decimal_places=2, null=True, blank=True)
    note = models.CharField(max_length=500, blank=True)
    override_reason = models.CharField(max_length=500, blank=True)
    overridden = models.JSONField(default=list, blank=True)
    recorded_at = models.DateTimeField(default=timezone.now)
    recorded_by = _by()

    class Meta:
        ordering: ClassVar = ["given_at", "pk"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(dose_mcg__gt=0), name="trialbolus_has_a_dose"),
            models.CheckConstraint(
                condition=Q(responded=None, judged_at=None) | Q(responded__isnull=False, judged_at__isnull=False),
                name="trialbolus_judged_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(responded=True, effect_hours__gt=0)
                | Q(responded=False, effect_hours=None)
                | Q(responded=None, effect_hours=None),
                name="trialbolus_response_lasted",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.dose_mcg} mcg, screening {self.trial_id}"


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
    created_by = _by()

    objects = ClinicOwned.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["clinic", "version"], name="protocol_version_once_a_clinic")
        ]

    def __str__(self) -> str:
        return f"protocol {self.version} of clinic {self.clinic_id}"


class ProposalState(models.TextChoices):
    PROPOSED = "proposed", "To be signed"
    SIGNED = "signed", "Signed, to be programmed"
    PROGRAMMED = "programmed", "Programmed"
    WITHDRAWN = "withdrawn", "Withdrawn"


class Proposal(models.Model):
    """A dose on its way into a pump: proposed, signed, read back. `event` is the dose change it became.

    What it was held against is kept with it: `current_*`, `phase`, label set, protocol and `findings`. Of a change of
    concentration `concentration_mcg_per_ml` is the new one and `bridge` what was computed; declined only with a reason.
    """

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="proposals")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="proposals")
    pump = models.ForeignKey(Pump, on_delete=models.PROTECT, related_name="proposals")
    state = models.CharField(max_length=16, choices=ProposalState, default=ProposalState.PROPOSED)

    mode = models.CharField(max_length=32, choices=Event.ProgramMode)
    daily_dose_mcg = models.DecimalField(max_digits=10, decimal_places=3)
    steps = models.JSONField(default=list, blank=True)
    boluses = models.JSONField(default=list, blank=True)
    patient_bolus_mcg = models.DecimalField(max_digits=10, decimal_places=3, null=True, blank=True)
    patient_boluses_per_day = models.PositiveSmallIntegerField(null=True, blank=True)
    concentration_mcg_per_ml = models.DecimalField(max_digits=9, decimal_places=3, null=True, blank=True)
    bridge = models.JSONField(default=dict, blank=True)
    bridge_declined_reason = models.CharField(max_length=500, blank=True)
    # Old and new side by side, in words, as whoever signed saw them: name, old, new.
    compared = models.JSONField(default=list, blank=True)
    reason = models.CharField(max_length=500)

    phase = models.CharField(max_length=16, choices=[(phase.value, phase.value.capitalize()) for phase in StepPhase])
    current_daily_dose_mcg = models.DecimalField(max_digits=10, decimal_places=3, null=True, blank=True)
    current_concentration_mcg_per_ml = models.DecimalField(max_digits=9, decimal_places=3, null=True, blank=True)
    label_set = models.CharField(max_length=8)
    label_version = models.PositiveIntegerField()
    protocol = models.ForeignKey(Protocol, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    # The band of the step, from least to most in mcg/day; empty where no dose runs.
    allowed = models.JSONField(default=list, blank=True)
    findings = models.JSONField(default=list, blank=True)

    proposed_at = models.DateTimeField()
    proposed_by = _by()
    signed_at = models.DateTimeField(null=True, blank=True)
    signed_by = _by(null=True, blank=True)
    override_reason = models.CharField(max_length=500, blank=True)
    # Why somebody else than the signer has to confirm; empty where nobody has to.
    second_person = models.JSONField(default=list, blank=True)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    confirmed_by = _by(null=True, blank=True)
    read_back = models.JSONField(default=dict, blank=True)
    # Read-backs that differed, oldest first: at, by, read and told.
    mismatches = models.JSONField(default=list, blank=True)
    event = models.OneToOneField(Event, on_delete=models.PROTECT, null=True, blank=True, related_name="proposal")
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_by = _by(null=True, blank=True)
    withdrawn_reason = models.CharField(max_length=500, blank=True)

    objects = ProposalQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["pump"], condition=Q(state__in=["proposed", "signed"]), name="proposal_one_open_a_pump"
            ),
            models.CheckConstraint(
                condition=Q(state="proposed", signed_at=None)
                | Q(state="withdrawn", withdrawn_at__isnull=False)
                | Q(state="signed", signed_at__isnull=False, event=None)
                | Q(state="programmed", signed_at__isnull=False, confirmed_at__isnull=False, event__isnull=False),
                name="proposal_state_is_whole",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["clinic", "proposed_at"], condition=Q(state="proposed"), name="proposal_to_sign"),
        ]

    def __str__(self) -> str:
        return f"{self.daily_dose_mcg} mcg/day proposed for pump {self.pump_id}"


class WeaningPlan(models.Model):
    """A taper: `steps` as `[{"at": ISO 8601, "daily_dose_mcg": "150"}]`. Signed, each step is a planned dose change."""

    class State(models.TextChoices):
        DRAFTED = "drafted", "To be signed"
        SIGNED = "signed", "Signed"
        ENDED = "ended", "Ended"

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="weaning_plans")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="weaning_plans")
    pump = models.ForeignKey(Pump, on_delete=models.PROTECT, related_name="weaning_plans")
    state = models.CharField(max_length=16, choices=State, default=State.DRAFTED)
    reason = models.CharField(max_length=500)
    steps = models.JSONField()
    current_daily_dose_mcg = models.DecimalField(max_digits=10, decimal_places=3)
    label_set = models.CharField(max_length=8)
    label_version = models.PositiveIntegerField()
    findings = models.JSONField(default=list, blank=True)
    drafted_at = models.DateTimeField()
    drafted_by = _by()
    signed_at = models.DateTimeField(null=True, blank=True)
    signed_by = _by(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = _by(null=True, blank=True)
    ended_reason = models.CharField(max_length=500, blank=True)
    events = models.ManyToManyField(Event, related_name="weaning_plans", blank=True)
    # Read-backs of a step that differed, oldest first: at, by, read and told.
    mismatches = models.JSONField(default=list, blank=True)

    objects = WeaningQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["pump"], condition=Q(state__in=["drafted", "signed"]), name="weaning_one_open_a_pump"
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["clinic", "drafted_at"], condition=Q(state="drafted"), name="weaning_to_sign"),
        ]

    def __str__(self) -> str:
        return f"weaning of pump {self.pump_id}"


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
        WITHDRAWAL = "withdrawal", "Withdrawal"
        OVERDOSE = "overdose", "Overdose"
        INFECTION = "infection", "Infection or meningitis"
        CATHETER = "catheter", "Catheter problem"
        PUMP = "pump", "Pump problem"
        WOUND = "wound", "Wound, pocket or seroma"
        CSF_LEAK = "csf_leak", "Leak of cerebrospinal fluid"
        DRUG = "drug", "Side effect of the drug"
        OTHER = "other", "Other"

    class Severity(models.TextChoices):
        MILD = "mild", "Mild"
        MODERATE = "moderate", "Moderate"
        SEVERE = "severe", "Severe"
        LIFE_THREATENING = "life_threatening", "Life-threatening"
        FATAL = "fatal", "Fatal"

    class Related(models.TextChoices):
        UNRELATED = "unrelated", "Unrelated"
        POSSIBLE = "possible", "Possible"
        PROBABLE = "probable", "Probable"
        DEFINITE = "definite", "Definite"

    class Outcome(models.TextChoices):
        RECOVERED = "recovered", "Recovered"
        RECOVERING = "recovering", "Recovering"
        NOT_RECOVERED = "not_recovered", "Not recovered"
        SEQUELAE = "sequelae", "Recovered with sequelae"
        DIED = "died", "Died"
        UNKNOWN = "unknown", "Not known"

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


class ProgramTemplate(models.Model):
    """A program a clinic uses again: its steps are shares, scaled to whatever daily dose it is taken for."""

    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="program_templates")
    name = models.CharField(max_length=100)
    mode = models.CharField(max_length=32, choices=Event.ProgramMode)
    daily_dose_mcg = models.DecimalField(max_digits=10, decimal_places=3)
    steps = models.JSONField(default=list, blank=True)
    boluses = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = _by()

    objects = ClinicOwned.as_manager()

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["clinic", "name"], name="template_once_a_clinic")]

    def __str__(self) -> str:
        return self.name
