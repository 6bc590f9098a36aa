"""The append-only ledger. A database trigger refuses every update, delete and truncate of `Event`."""

from __future__ import annotations

from datetime import UTC, time, timedelta
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy

from clinical.ledger import Emptying
from clinical.programs import Mode
from clinical.watching import PumpAlarm
from clinics.models import User
from pumps.models.pump import Pump
from pumps.queries import EventQuerySet


class Event(models.Model):
    """One dated fact about a pump, of one kind, or a void of another event.

    Refill columns are null on the other kinds, and so on; check constraints say which belong together.
    `clock_offset_s` is the pump clock's UTC offset: the clinic's at `occurred_at` for a dose change, as read for an
    interrogation. It is kept so that the forecast does not depend on a later change of the clinic's timezone.
    A dose change entered before its moment `is_planned`; it is confirmed by an event of kind `dose_confirmed`, which
    names the moment of the dose change it is about in `confirms_at`.
    """

    class Kind(models.TextChoices):
        REFILL = "refill", gettext_lazy("Refill")
        DOSE_CHANGE = "dose_change", gettext_lazy("Dose change")
        INTERROGATION = "interrogation", gettext_lazy("Interrogation")
        STOP = "stop", gettext_lazy("Pump stopped")
        RESTART = "restart", gettext_lazy("Pump restarted")
        STALL = "stall", gettext_lazy("Motor stall")
        STALL_RECOVERY = "stall_recovery", gettext_lazy("Recovery from a motor stall")
        MRI = "mri", gettext_lazy("MRI scan")
        BOLUS = "bolus", gettext_lazy("Single bolus")
        PRIMING_BOLUS = "priming_bolus", gettext_lazy("Priming bolus")
        BRIDGE_BOLUS = "bridge_bolus", gettext_lazy("Bridge bolus")
        RESERVOIR_ACCESS = "reservoir_access", gettext_lazy("Reservoir access")
        CATHETER_ACCESS = "catheter_access", gettext_lazy("Catheter access")
        CATHETER_REVISION = "catheter_revision", gettext_lazy("Catheter revision")
        ALARM_REPORTED = "alarm_reported", gettext_lazy("Alarm reported")
        DOSE_CONFIRMED = "dose_confirmed", gettext_lazy("Planned dose programmed")
        VOID = "void", gettext_lazy("Entered in error")

    class Source(models.TextChoices):
        PAGE = "page", gettext_lazy("Page")
        API = "api", gettext_lazy("API")
        IMPORT = "import", gettext_lazy("Import")

    class ProgramMode(models.TextChoices):
        SIMPLE_CONTINUOUS = Mode.SIMPLE_CONTINUOUS.value, gettext_lazy("Simple continuous")
        FLEX = Mode.FLEX.value, gettext_lazy("Flex")
        PERIODIC_BOLUS = Mode.PERIODIC_BOLUS.value, gettext_lazy("Periodic bolus")
        MINIMUM_RATE = Mode.MINIMUM_RATE.value, gettext_lazy("Minimum rate")
        STOPPED = Mode.STOPPED.value, gettext_lazy("Stopped")

    class EmptyingFirst(models.TextChoices):
        EMPTIED = Emptying.EMPTIED.value, gettext_lazy("Emptied")
        PARTIAL = Emptying.PARTIAL.value, gettext_lazy("Only part could be taken out")
        TOP_UP = Emptying.TOP_UP.value, gettext_lazy("Topped up, nothing taken out")

    pump = models.ForeignKey(Pump, on_delete=models.PROTECT, related_name="events")
    kind = models.CharField(max_length=32, choices=Kind)
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField(default=timezone.now)
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    source = models.CharField(max_length=8, choices=Source)
    reason = models.CharField(max_length=500, blank=True)

    # refill; `emptying` is blank on the other kinds
    emptying = models.CharField(max_length=8, choices=EmptyingFirst, blank=True)
    aspirated_ml = models.DecimalField(max_digits=7, decimal_places=3, null=True, blank=True)
    filled_ml = models.DecimalField(max_digits=7, decimal_places=3, null=True, blank=True)
    concentration_mcg_per_ml = models.DecimalField(max_digits=9, decimal_places=3, null=True, blank=True)
    programmed_concentration_mcg_per_ml = models.DecimalField(max_digits=9, decimal_places=3, null=True, blank=True)
    formulation = models.CharField(max_length=100, blank=True)
    lot_number = models.CharField(max_length=64, blank=True)
    drug_expires_on = models.DateField(null=True, blank=True)
    stability_days = models.PositiveSmallIntegerField(null=True, blank=True)

    # dose change; steps and boluses as `pumps.programs_json` describes them, as entered. `patient_bolus_mcg` is one
    # bolus here, and what patient boluses gave altogether in an interrogation.
    mode = models.CharField(max_length=32, choices=ProgramMode, blank=True)
    daily_dose_mcg = models.DecimalField(max_digits=10, decimal_places=3, null=True, blank=True)
    steps = models.JSONField(default=list, blank=True)
    boluses = models.JSONField(default=list, blank=True)
    patient_bolus_mcg = models.DecimalField(max_digits=10, decimal_places=3, null=True, blank=True)
    patient_boluses_per_day = models.PositiveSmallIntegerField(null=True, blank=True)
    clock_offset_s = models.IntegerField(null=True, blank=True)
    is_planned = models.BooleanField(default=False)
    override_reason = models.CharField(max_length=500, blank=True)

    # the other kinds; `pumps.services.kinds` says which has which. `aspirated_ml` serves them too.
    injected_ml = models.DecimalField(max_digits=7, decimal_places=3, null=True, blank=True)
    volume_ml = models.DecimalField(max_digits=8, decimal_places=4, null=True, blank=True)
    dose_mcg = models.DecimalField(max_digits=10, decimal_places=3, null=True, blank=True)
    duration_hours = models.DecimalField(max_digits=8, decimal_places=3, null=True, blank=True)
    catheter_volume_ml = models.DecimalField(max_digits=6, decimal_places=4, null=True, blank=True)
    alarms = ArrayField(
        models.CharField(max_length=32, choices=[(alarm.value, alarm.value) for alarm in PumpAlarm]),
        default=list,
        blank=True,
    )
    tones = models.PositiveSmallIntegerField(null=True, blank=True)
    reservoir_emptied = models.BooleanField(null=True, blank=True)
    confirms_at = models.DateTimeField(null=True, blank=True)

    # void
    voids = models.OneToOneField("self", on_delete=models.PROTECT, null=True, blank=True, related_name="voided_by")
    replacement = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="replaces")

    objects = EventQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=~Q(kind="refill")
                | Q(
                    filled_ml__gte=0,
                    concentration_mcg_per_ml__gt=0,
                    programmed_concentration_mcg_per_ml__gt=0,
                ),
                name="event_refill_is_whole",
            ),
            models.CheckConstraint(
                condition=Q(aspirated_ml=None) | Q(aspirated_ml__gte=0), name="event_aspirated_not_negative"
            ),
            models.CheckConstraint(
                condition=~Q(kind="dose_change")
                | (
                    Q(clock_offset_s__isnull=False)
                    & (Q(mode="stopped", daily_dose_mcg=0) | (~Q(mode__in=["", "stopped"]) & Q(daily_dose_mcg__gt=0)))
                ),
                name="event_dose_change_is_whole",
            ),
            models.CheckConstraint(
                condition=Q(kind="refill", emptying__in=["emptied", "partial", "top_up"])
                | ~Q(kind="refill") & Q(emptying=""),
                name="event_refill_says_emptying",
            ),
            models.CheckConstraint(
                condition=~Q(emptying="top_up") | Q(aspirated_ml=None) | Q(aspirated_ml=0),
                name="event_top_up_takes_nothing_out",
            ),
            models.CheckConstraint(
                condition=~Q(kind="dose_change")
                | Q(patient_bolus_mcg=None, patient_boluses_per_day=None)
                | ~Q(mode="stopped") & Q(patient_bolus_mcg__gt=0, patient_boluses_per_day__range=(1, 50)),
                name="event_patient_boluses_are_whole",
            ),
            models.CheckConstraint(
                condition=Q(patient_bolus_mcg=None) | Q(patient_bolus_mcg__gte=0),
                name="event_patient_bolus_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(kind="dose_change") | Q(is_planned=False), name="event_only_a_dose_is_planned"
            ),
            models.CheckConstraint(
                condition=Q(kind="dose_confirmed", confirms_at__isnull=False)
                | ~Q(kind="dose_confirmed") & Q(confirms_at=None),
                name="event_confirmation_names_its_dose",
            ),
            models.CheckConstraint(condition=~Q(kind="bolus") | Q(dose_mcg__gt=0), name="event_bolus_has_a_dose"),
            models.CheckConstraint(
                condition=~Q(kind="priming_bolus") | Q(volume_ml__gt=0), name="event_priming_bolus_has_a_volume"
            ),
            models.CheckConstraint(
                condition=~Q(kind="bridge_bolus") | Q(volume_ml__gt=0, duration_hours__gt=0),
                name="event_bridge_bolus_is_whole",
            ),
            models.CheckConstraint(
                condition=~Q(kind="reservoir_access") | Q(aspirated_ml__gte=0, injected_ml__gte=0),
                name="event_reservoir_access_is_whole",
            ),
            models.CheckConstraint(
                condition=~Q(kind="catheter_revision")
                | Q(catheter_volume_ml__isnull=True)
                | Q(catheter_volume_ml__gt=0),
                name="event_catheter_volume_positive",
            ),
            models.CheckConstraint(
                condition=Q(kind="void", voids__isnull=False) & ~Q(reason="") | ~Q(kind="void") & Q(voids=None),
                name="event_void_is_whole",
            ),
        ]
        indexes: ClassVar = [
            # the fold, and the timeline newest first
            models.Index(F("pump"), F("occurred_at").desc(), F("id").desc(), name="event_of_pump"),
            # who entered what lately, beside imports
            models.Index(F("recorded_at").desc(), F("id").desc(), name="event_recorded", condition=~Q(source="import")),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of pump {self.pump_id} at {self.occurred_at:%Y-%m-%d %H:%M}Z"

    @property
    def shown_clock(self) -> time | None:
        """What the pump's own clock showed then, where that is known."""
        if self.clock_offset_s is None:
            return None
        return (self.occurred_at.astimezone(UTC) + timedelta(seconds=self.clock_offset_s)).time()


class IdempotencyKey(models.Model):
    """A caller's key for one POST: the same key and body answer the same event of the ledger, or the same visit."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=200)
    body_digest = models.CharField(max_length=64)
    event = models.ForeignKey(Event, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    appointment = models.ForeignKey(
        "scheduling.Appointment", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "key"], name="idempotency_key_once_a_user"),
            models.CheckConstraint(
                condition=models.Q(event__isnull=False, appointment=None)
                | models.Q(event=None, appointment__isnull=False),
                name="idempotency_key_of_an_event_or_a_visit",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key} of {self.user_id}"
