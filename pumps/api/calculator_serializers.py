"""What the calculators take and answer. No logic: services compute."""

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from clinical.titration import Outcome, Phase
from clinics.api.fields import MomentField, Quantity
from clinics.models import Clinic
from patients.models import Patient
from pumps.api.bridges import UnbridgedOutput
from pumps.api.serializers import FindingSerializer, PumpModelField


def volume(highest: int, **kwargs: Any) -> Quantity:
    return Quantity(12, 6, unit="mL", min_value=Decimal(0), max_value=Decimal(highest), **kwargs)


def concentration(**kwargs: Any) -> Quantity:
    return Quantity(14, 6, unit="mcg/mL", min_value=Decimal(0), **kwargs)


def dose(**kwargs: Any) -> Quantity:
    return Quantity(14, 6, unit="mcg/day", min_value=Decimal(0), **kwargs)


class RefillCalculatorInput(serializers.Serializer[Any]):
    volume_ml = volume(1000)
    low_reservoir_alarm_ml = volume(1000)
    daily_dose_mcg = dose()
    concentration_mcg_per_ml = concentration()
    filled_at = MomentField()


class RefillCalculatorOutput(serializers.Serializer[Any]):
    rate_ml_per_day = serializers.CharField()
    days_to_low = serializers.CharField()
    low_at = MomentField()
    days_to_empty = serializers.CharField()
    empty_at = MomentField()


class BridgeCalculatorInput(serializers.Serializer[Any]):
    tubing_volume_ml = volume(10, help_text="inside the pump; the catalogue's internal_tubing_ml")
    catheter_volume_ml = volume(10)
    old_concentration_mcg_per_ml = concentration()
    new_concentration_mcg_per_ml = concentration()
    old_daily_dose_mcg = dose()
    new_daily_dose_mcg = dose()


class BridgeCalculatorOutput(serializers.Serializer[Any]):
    volume_ml = serializers.CharField()
    bolus_mcg = serializers.CharField()
    duration_hours = serializers.CharField()
    rate_ml_per_day = serializers.CharField()
    unbridged = UnbridgedOutput()


class ResidualCalculatorInput(serializers.Serializer[Any]):
    model = PumpModelField()
    filled_ml = volume(1000)
    programmed_ml = volume(1000, help_text="programmed to flow since the fill")
    aspirated_ml = volume(1000)


class ResidualCalculatorOutput(serializers.Serializer[Any]):
    expected_ml = serializers.CharField()
    discrepancy_ml = serializers.CharField(help_text="expected - aspirated")
    flow_ratio = serializers.CharField(allow_null=True, help_text="delivered / programmed")
    findings = FindingSerializer(many=True)


class CatheterCalculatorInput(serializers.Serializer[Any]):
    """One of the two lengths, in cm."""

    model = PumpModelField()
    implanted_length_cm = Quantity(
        9, 4, unit="cm", min_value=Decimal("0.0001"), max_value=Decimal(200), required=False, allow_null=True,
        default=None,
    )  # fmt: skip
    trimmed_cm = Quantity(
        9, 4, unit="cm", min_value=Decimal(0), max_value=Decimal(200), required=False, allow_null=True, default=None
    )


class CatheterCalculatorOutput(serializers.Serializer[Any]):
    volume_ml = serializers.CharField()
    confirmed = serializers.BooleanField(help_text="whether the catalogue's figures were read in a manual")
    findings = FindingSerializer(many=True)


def a_label_set() -> serializers.ChoiceField:
    return serializers.ChoiceField(choices=Clinic.LabelSet.choices)


def hours(**kwargs: Any) -> Quantity:
    return Quantity(9, 3, unit="hours", min_value=Decimal(0), **kwargs)


class TitrationCalculatorInput(serializers.Serializer[Any]):
    """All are needed. `hours_since_last_change` is since the last change of the dose, or since the start."""

    label_set = a_label_set()
    origin = serializers.ChoiceField(choices=Patient.Origin.choices)
    age_years = serializers.IntegerField(min_value=0, max_value=130)
    phase = serializers.ChoiceField(choices=[phase.value for phase in Phase])
    current_daily_dose_mcg = dose()
    proposed_daily_dose_mcg = dose()
    hours_since_last_change = hours()


class AllowedOutput(serializers.Serializer[Any]):
    min = serializers.CharField(help_text="the present dose less the largest usual step down")
    max = serializers.CharField(help_text="the present dose and the largest step up of the phase")


class TitrationCalculatorOutput(serializers.Serializer[Any]):
    change_pct = serializers.CharField()
    allowed_mcg = AllowedOutput()
    findings = FindingSerializer(many=True)


class InitialDoseInput(serializers.Serializer[Any]):
    label_set = a_label_set()
    screening_dose_mcg = Quantity(14, 6, unit="mcg", min_value=Decimal(0))
    effect_hours = hours(help_text="how long the screening dose worked")


class InitialDoseOutput(serializers.Serializer[Any]):
    daily_dose_mcg = serializers.CharField()
    factor = serializers.CharField()
    why = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]  # DRF's own attribute of that name


class ScreeningInput(serializers.Serializer[Any]):
    """The last bolus given, and whether the patient responded: null while observed. Nothing before the first."""

    label_set = a_label_set()
    starts_small = serializers.BooleanField(default=False, help_text="a very small patient begins with less")
    last_dose_mcg = Quantity(14, 6, unit="mcg", min_value=Decimal(0), required=False, allow_null=True, default=None)
    given_at = MomentField(required=False, allow_null=True, default=None)
    responded = serializers.BooleanField(required=False, allow_null=True, default=None)


class ScreeningOutput(serializers.Serializer[Any]):
    outcome = serializers.ChoiceField(choices=[outcome.value for outcome in Outcome])
    next_dose_mcg = serializers.CharField(allow_null=True)
    not_before = MomentField(allow_null=True)
    why = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]  # DRF's own attribute of that name
