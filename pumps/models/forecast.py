"""What follows from the ledger, stored so that "who is due" is one range of one index."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone

from clinical.dates import Limit
from clinics.models import Clinic
from clinics.queries import ClinicOwned
from pumps.models.catalogue import PriorVersion, PumpModel
from pumps.models.pump import Pump
from pumps.queries import GRAVE_FROM, SERIOUS, ForecastQuerySet


class Forecast(models.Model):
    """The stored forecast of a pump (design, section 2), written in the transaction that stores an event.

    `worklist_at` is `refill_by`, or 1970 where that is unknown, so that unknown sorts first.
    `next_alert_at` is when the pump's next alert is to be opened; null while one is open or none can follow.
    """

    pump = models.OneToOneField(Pump, on_delete=models.CASCADE, primary_key=True, related_name="forecast")
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    in_use = models.BooleanField()
    programmed_low_at = models.DateTimeField(null=True)
    programmed_empty_at = models.DateTimeField(null=True)
    low_at = models.DateTimeField(null=True)
    empty_at = models.DateTimeField(null=True)
    earliest_low_at = models.DateTimeField(null=True)
    drug_expires_at = models.DateTimeField(null=True)
    max_interval_at = models.DateTimeField(null=True)
    refill_by = models.DateTimeField(null=True)
    service_ends_at = models.DateTimeField(null=True)
    filled_at = models.DateTimeField(null=True)
    stopped_at = models.DateTimeField(null=True)
    stalled_at = models.DateTimeField(null=True)
    limiting_factor = models.CharField(max_length=16, choices=[(limit.value, limit.value) for limit in Limit])
    unknown_reason = models.CharField(max_length=32, blank=True)
    flow_ratio_mean = models.FloatField()
    flow_ratio_sd = models.FloatField()
    flow_ratio_refills = models.PositiveIntegerField()
    findings = models.JSONField(default=list)
    prior_version = models.ForeignKey(PriorVersion, on_delete=models.PROTECT, related_name="+")
    worklist_at = models.DateTimeField()
    next_alert_at = models.DateTimeField(null=True)
    computed_at = models.DateTimeField(default=timezone.now)

    objects = ForecastQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            # the worklist of one clinic, and of all
            models.Index(
                fields=["clinic", "worklist_at", "pump"],
                name="forecast_clinic_worklist",
                condition=models.Q(in_use=True),
            ),
            models.Index(fields=["worklist_at", "pump"], name="forecast_worklist", condition=models.Q(in_use=True)),
            # urgencies.counts: what is not known is pressing, however far its date lies
            models.Index(
                fields=["worklist_at"],
                name="forecast_unknown",
                condition=models.Q(in_use=True) & ~models.Q(unknown_reason=""),
            ),
            # urgencies.gravest; of a whole index PostgreSQL knows how many rows a moment finds, of a partial one not
            models.Index("in_use", GRAVE_FROM, name="forecast_grave"),
            # ForecastQuerySet.expiring
            models.Index(fields=["in_use", "drug_expires_at"], name="forecast_expiring"),
            # ForecastQuerySet.serious
            models.Index(
                fields=["clinic", "worklist_at", "pump"],
                name="forecast_serious",
                condition=models.Q(in_use=True, findings__contains=SERIOUS),
            ),
            # ForecastQuerySet.due, read by every tick
            models.Index(
                fields=["next_alert_at"],
                name="forecast_next_alert",
                condition=models.Q(next_alert_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"forecast of pump {self.pump_id}"


class FleetCheck(models.Model):
    """One nightly run over the whole fleet: stored forecasts held against fresh ones, then renewed.

    Counts are those of its parts, once all of them are finished.
    """

    started_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)
    prior_version = models.ForeignKey(PriorVersion, on_delete=models.PROTECT, null=True, related_name="+")
    pumps = models.PositiveIntegerField(default=0)
    renewed = models.PositiveIntegerField(default=0)
    differing = models.PositiveIntegerField(default=0)
    differing_pumps = models.JSONField(default=list)

    class Meta:
        ordering: ClassVar = ["-started_at", "-pk"]

    def __str__(self) -> str:
        return f"fleet check of {self.started_at:%Y-%m-%d}: {self.differing} of {self.pumps} differ"


class FleetFigure(models.Model):
    """How one model's pumps flow in one clinic, of the pumps in use; written anew when a nightly run finishes.

    `ratio_mean` is the mean of the pumps' own flow ratios and `ratio_sd` their standard deviation, over the `measured`
    pumps, which have `refills` behind them; null without any, and without two.
    """

    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="+")
    model = models.ForeignKey(PumpModel, on_delete=models.CASCADE, related_name="+")
    pumps = models.PositiveIntegerField()
    measured = models.PositiveIntegerField()
    refills = models.PositiveIntegerField()
    ratio_mean = models.FloatField(null=True)
    ratio_sd = models.FloatField(null=True)
    unsettled = models.PositiveIntegerField()
    computed_at = models.DateTimeField()

    objects = ClinicOwned.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["clinic", "model"], name="fleet_figure_once_a_clinic_and_model"),
        ]

    def __str__(self) -> str:
        return f"model {self.model_id} in clinic {self.clinic_id}: {self.ratio_mean} of {self.measured} pumps"


class StandingOut(models.Model):
    """A pump that stood out of the fleet when the last nightly run came by (`clinical.standing_out`), and why.

    `gravity` is the place of its gravest reason among all there are, the gravest 0; `distance` is how far its flow
    ratio is from its model's, in standard deviations between pumps.
    """

    pump = models.OneToOneField(Pump, on_delete=models.CASCADE, primary_key=True, related_name="+")
    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="+")
    reasons = models.JSONField()
    gravity = models.PositiveSmallIntegerField()
    distance = models.FloatField()

    objects = ClinicOwned.as_manager()

    class Meta:
        indexes: ClassVar = [
            # outliers.gravest: of one clinic, and of all
            models.Index("clinic", "gravity", models.F("distance").desc(), name="standing_out_clinic"),
            models.Index("gravity", models.F("distance").desc(), name="standing_out"),
        ]

    def __str__(self) -> str:
        return f"pump {self.pump_id} stands out: {', '.join(self.reasons)}"


class FleetPart(models.Model):
    """A range of pump ids of a nightly run, which one worker at a time goes through; an interrupted one goes on."""

    check_run = models.ForeignKey(FleetCheck, on_delete=models.CASCADE, related_name="parts")
    # Pumps up to this one are done; the part ends with `last_pump_id`.
    done_pump_id = models.BigIntegerField()
    last_pump_id = models.BigIntegerField()
    finished_at = models.DateTimeField(null=True)
    pumps = models.PositiveIntegerField(default=0)
    renewed = models.PositiveIntegerField(default=0)
    differing = models.PositiveIntegerField(default=0)
    differing_pumps = models.JSONField(default=list)

    class Meta:
        ordering: ClassVar = ["pk"]
        indexes: ClassVar = [
            # nightly: the parts of a run that are not finished
            models.Index(fields=["check_run"], name="fleet_part_open", condition=models.Q(finished_at=None)),
        ]

    def __str__(self) -> str:
        return f"pumps {self.done_pump_id + 1} to {self.last_pump_id}"
