"""What the planner takes and answers. No logic: the service compares."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from rest_framework import serializers

from clinics.api.fields import MomentField, Quantity, ReferenceField
from clinics.models import Clinic
from clinics.validators import validate_plausible, validate_timezone
from pumps.api.bridges import BridgeNeedOutput
from pumps.api.ledger_serializers import MOST_ROWS, BolusInput, StepInput, concentration, dose, fine_volume, volume
from pumps.api.serializers import DatesOutput, FindingSerializer, FlowRatioSerializer, PumpModelField
from pumps.models import Event, Pump
from pumps.services.settings import INTERVAL_DAYS, MARGIN_DAYS, STABILITY_DAYS
from pumps.services.trying import Tried


def optional(**kwargs: Any) -> dict[str, Any]:
    return {"required": False, "allow_null": True, "default": None, **kwargs}


def whole(limits: tuple[int, int], help_text: str = "") -> serializers.IntegerField:
    return serializers.IntegerField(**optional(min_value=limits[0], max_value=limits[1], help_text=help_text))


class WhatIfInput(serializers.Serializer[Any]):
    """Either `pump`, whose values stand for what is left out; or `model`, `volume_ml`, `concentration_mcg_per_ml`,
    `daily_dose_mcg` (of a constant-flow model `factory_flow_ml_per_day`) and `filled_at`."""

    pump = ReferenceField(Pump.objects.select_related("model", "clinic", "patient"), **optional())
    model = PumpModelField(**optional())
    volume_ml = volume(**optional(help_text="of the fill"))
    concentration_mcg_per_ml = concentration(**optional())
    mode = serializers.ChoiceField(choices=Event.ProgramMode.choices, **optional())
    daily_dose_mcg = dose(**optional())
    steps = serializers.ListField(child=StepInput(), max_length=MOST_ROWS, **optional())
    boluses = serializers.ListField(child=BolusInput(), max_length=MOST_ROWS, **optional())
    filled_at = MomentField(**optional(help_text="of a pump: when a refill is tried; without it now"))
    low_reservoir_alarm_ml = volume(**optional())
    factory_flow_ml_per_day = Quantity(8, 4, unit="mL/day", min_value=Decimal("0.0001"), **optional())
    margin_days = whole(MARGIN_DAYS, "7 without a pump")
    max_refill_interval_days = whole(INTERVAL_DAYS, "180 without a pump")
    stability_days = whole(STABILITY_DAYS)
    drug_expires_on = serializers.DateField(**optional(validators=[validate_plausible]))
    catheter_volume_ml = fine_volume(**optional(help_text="for the bridge; of a pump its own where left out"))
    old_concentration_mcg_per_ml = concentration(**optional(help_text="without a pump: before, for the bridge"))
    old_daily_dose_mcg = dose(**optional(help_text="without a pump: before, for the bridge"))
    timezone = serializers.CharField(
        required=False, default="UTC", max_length=64, validators=[validate_timezone], help_text="without a pump"
    )
    label_set = serializers.ChoiceField(
        choices=Clinic.LabelSet.choices, required=False, default="us", help_text="without a pump"
    )

    def tried(self) -> Tried:
        values = {name: self.validated_data[name] for name in Tried.__dataclass_fields__}
        for name in ("steps", "boluses"):
            if values[name] is not None:
                values[name] = [
                    {part: value if part == "days" else str(value) for part, value in row.items()}
                    for row in values[name]
                ]
        return Tried(**values)


def _as_stored(row: Mapping[str, Any]) -> dict[str, Any]:
    """A step or bolus as the ledger keeps it: numbers as text, weekdays as a list."""
    return {part: value if part == "days" else str(value) for part, value in row.items()}


class OutlookOutput(DatesOutput):
    """A pump's flow, dates and yearly need under a setting; `formulas` of the answer says how each comes about."""

    daily_dose_mcg = serializers.CharField(allow_null=True, help_text="mcg/day")
    hourly_mcg = serializers.CharField(allow_null=True, help_text="mcg/h")
    rate_ml_per_day = serializers.CharField(allow_null=True, help_text="mL/day, programmed")
    volume_ml = serializers.CharField(help_text="of a fill")
    concentration_mcg_per_ml = serializers.CharField()
    filled_at = MomentField()
    margin_days = serializers.IntegerField()
    flow_ratio = FlowRatioSerializer()
    interval_days = serializers.CharField(allow_null=True, help_text="days from a whole fill until its refill-by")
    refills_per_year = serializers.CharField(allow_null=True, help_text="null where none comes, or one is due at once")
    drug_ml_per_year = serializers.CharField(allow_null=True, help_text="mL filled")
    drug_mg_per_year = serializers.CharField(allow_null=True, help_text="mg filled")
    delivered_mg_per_year = serializers.CharField(allow_null=True, help_text="mg the patient gets")
    findings = FindingSerializer(many=True)


class WhatIfOutput(serializers.Serializer[Any]):
    """Nothing is stored, and nothing here is a prescription."""

    note = serializers.CharField()
    starts_at = MomentField()
    with_refill = serializers.BooleanField()
    other_model = serializers.BooleanField()
    now = OutlookOutput(allow_null=True)
    tried = OutlookOutput()
    bridge = BridgeNeedOutput(allow_null=True)
    formulas = serializers.DictField(child=serializers.CharField())
