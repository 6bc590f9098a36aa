"""The ledger's entries on the wire."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from clinical.programs import Mode
from clinical.watching import PumpAlarm
from clinical.weekdays import CODES
from clinics.api.fields import IdField, MomentField, Quantity
from clinics.validators import validate_plausible
from pumps.api.serializers import FindingSerializer
from pumps.models import Event
from pumps.programs_json import MOST_PATIENT_BOLUSES
from pumps.services.bridges import notices_of, recorded_with
from pumps.services.entries import DoseEntry, EventEntry, RefillEntry
from pumps.services.kinds import ALL_FIELDS, KINDS

MOST_ROWS = 48


def volume(**kwargs: Any) -> Quantity:
    return Quantity(7, 3, unit="mL", min_value=Decimal(0), **kwargs)


def fine_volume(**kwargs: Any) -> Quantity:
    return Quantity(6, 4, unit="mL", min_value=Decimal(0), **kwargs)


def concentration(**kwargs: Any) -> Quantity:
    return Quantity(9, 3, unit="mcg/mL", min_value=Decimal("0.001"), **kwargs)


def dose(unit: str = "mcg/day", **kwargs: Any) -> Quantity:
    return Quantity(10, 3, unit=unit, min_value=Decimal(0), **kwargs)


class EntryInput(serializers.Serializer[Any]):
    """What is sent to the ledger, with the doubts its sender has settled."""

    confirm = serializers.ListField(
        child=serializers.CharField(max_length=64),
        required=False,
        default=list,
        max_length=20,
        help_text="the codes of an earlier answer's `confirm_required`",
    )

    @property
    def confirmed(self) -> list[str]:
        codes: list[str] = self.validated_data["confirm"]
        return codes

    @property
    def beside(self) -> EventEntry | None:
        """The bridge bolus that was programmed with the entry; only a refill can have one."""
        return None

    @property
    def values(self) -> dict[str, Any]:
        """The fields of the entry itself."""
        return {field: value for field, value in self.validated_data.items() if field != "confirm"}


class BridgeInput(serializers.Serializer[Any]):
    """The bridge bolus programmed with a refill, from the refill on."""

    volume_ml = fine_volume()
    duration_hours = Quantity(8, 3, unit="hours", min_value=Decimal(0))
    dose_mcg = dose("mcg", required=False, allow_null=True, default=None)


class RefillInput(EntryInput):
    """`emptying`: what was done before it was filled. A first fill is `emptied`; a top-up has nothing aspirated."""

    refilled_at = MomentField()
    emptying = serializers.ChoiceField(
        choices=Event.EmptyingFirst.choices, required=False, default=Event.EmptyingFirst.EMPTIED.value
    )
    aspirated_ml = volume(required=False, allow_null=True, default=None)
    filled_ml = volume()
    concentration_mcg_per_ml = concentration()
    programmed_concentration_mcg_per_ml = concentration(required=False, allow_null=True, default=None)
    formulation = serializers.CharField(required=False, allow_blank=True, default="", max_length=100)
    lot_number = serializers.CharField(required=False, allow_blank=True, default="", max_length=64)
    drug_expires_on = serializers.DateField(
        required=False, allow_null=True, default=None, validators=[validate_plausible]
    )
    stability_days = serializers.IntegerField(
        required=False, allow_null=True, default=None, min_value=1, max_value=1000
    )
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=500)

    bridge = BridgeInput(
        required=False, allow_null=True, default=None, help_text="at a change of concentration; stored with the refill"
    )

    def entry(self) -> RefillEntry:
        return RefillEntry(**{name: value for name, value in self.values.items() if name != "bridge"})

    @property
    def beside(self) -> EventEntry | None:
        given, at = self.validated_data["bridge"], self.validated_data["refilled_at"]
        return EventEntry(kind=Event.Kind.BRIDGE_BOLUS.value, occurred_at=at, **given) if given is not None else None


def weekdays() -> serializers.ListField:
    return serializers.ListField(
        child=serializers.ChoiceField(choices=list(CODES)),
        required=False,
        max_length=len(CODES),
        help_text="weekdays it is for; without any, all days that no row names",
    )


class StepInput(serializers.Serializer[Any]):
    start = serializers.CharField(max_length=5, help_text="HH:MM on the pump's clock")
    rate_mcg_per_h = Quantity(10, 4, unit="mcg/h", min_value=Decimal(0))
    days = weekdays()


class BolusInput(serializers.Serializer[Any]):
    at = serializers.CharField(max_length=5, help_text="HH:MM on the pump's clock")
    dose_mcg = Quantity(10, 4, unit="mcg", min_value=Decimal(0))
    days = weekdays()


class DoseInput(EntryInput):
    """A weekday that a step or bolus names has exactly those that name it; `daily_dose_mcg` is the week's average.

    What the patient may call for beside it: `patient_bolus_mcg` and `patient_boluses_per_day`, both or neither.
    """

    effective_at = MomentField()
    mode = serializers.ChoiceField(choices=Event.ProgramMode.choices)
    daily_dose_mcg = dose(required=False, allow_null=True, default=None)
    steps = serializers.ListField(child=StepInput(), required=False, default=list, max_length=MOST_ROWS)
    boluses = serializers.ListField(child=BolusInput(), required=False, default=list, max_length=MOST_ROWS)
    patient_bolus_mcg = dose("mcg", required=False, allow_null=True, default=None)
    patient_boluses_per_day = serializers.IntegerField(
        required=False, allow_null=True, default=None, min_value=1, max_value=MOST_PATIENT_BOLUSES
    )
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=500)
    override_reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=500)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["daily_dose_mcg"] is None:
            if attrs["mode"] != Mode.STOPPED:
                raise serializers.ValidationError({"daily_dose_mcg": ["This field is required."]})
            attrs["daily_dose_mcg"] = Decimal(0)
        return attrs

    def entry(self) -> DoseEntry:
        values = self.values
        for field in ("steps", "boluses"):
            values[field] = [as_stored(row) for row in values[field]]
        return DoseEntry(**values)


def as_stored(row: Mapping[str, Any]) -> dict[str, Any]:
    """A step or bolus with its numbers as text, and with weekdays only if it names some."""
    days = row.get("days")
    return {name: str(part) for name, part in row.items() if name != "days"} | ({"days": days} if days else {})


class EventInput(EntryInput):
    """An entry of any other kind; which fields a kind has, `GET /api/v1/event-kinds/` says."""

    kind = serializers.ChoiceField(choices=sorted(KINDS))
    occurred_at = MomentField()
    aspirated_ml = volume(required=False, allow_null=True, default=None)
    injected_ml = volume(required=False, allow_null=True, default=None)
    volume_ml = fine_volume(required=False, allow_null=True, default=None)
    dose_mcg = dose("mcg", required=False, allow_null=True, default=None)
    daily_dose_mcg = dose(required=False, allow_null=True, default=None)
    duration_hours = Quantity(8, 3, unit="hours", min_value=Decimal(0), required=False, allow_null=True, default=None)
    catheter_volume_ml = fine_volume(required=False, allow_null=True, default=None)
    pump_clock = serializers.TimeField(
        format="%H:%M",
        required=False,
        allow_null=True,
        default=None,
        help_text="HH:MM, what the pump's clock showed",
        error_messages={"invalid": "Write the time of day the pump's clock showed, as HH:MM."},
    )
    alarms = serializers.ListField(
        child=serializers.ChoiceField(choices=[alarm.value for alarm in PumpAlarm]),
        required=False,
        default=list,
        max_length=len(PumpAlarm),
    )
    tones = serializers.ChoiceField(choices=[1, 2], required=False, allow_null=True, default=None)
    reservoir_emptied = serializers.BooleanField(required=False, allow_null=True, default=None)
    patient_bolus_mcg = dose(
        "mcg",
        required=False,
        allow_null=True,
        default=None,
        help_text="given by patient boluses altogether since the last fill, or since they were last read",
    )
    confirms_at = MomentField(
        required=False,
        allow_null=True,
        default=None,
        help_text="effective_at of the planned dose change that was programmed",
    )
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=500)

    def entry(self) -> EventEntry:
        return EventEntry(**self.values)


class EventSerializer(serializers.Serializer[Event]):
    """What every entry has."""

    id = IdField()
    pump = IdField(source="pump_id")
    recorded_at = MomentField()
    recorded_by = serializers.SerializerMethodField()
    source = serializers.CharField()  # type: ignore[assignment]  # a field of the answer, not the attribute

    def get_recorded_by(self, event: Event) -> str | None:
        return str(event.recorded_by) if event.recorded_by is not None else None


class RefillOutput(EventSerializer):
    refilled_at = MomentField(source="occurred_at")
    emptying = serializers.ChoiceField(choices=Event.EmptyingFirst.choices)
    aspirated_ml = volume(allow_null=True)
    filled_ml = volume()
    concentration_mcg_per_ml = concentration()
    programmed_concentration_mcg_per_ml = concentration()
    formulation = serializers.CharField()
    lot_number = serializers.CharField()
    drug_expires_on = serializers.DateField(allow_null=True)
    stability_days = serializers.IntegerField(allow_null=True)
    reason = serializers.CharField()


class RefillAnswer(RefillOutput):
    """A refill just recorded: the bridge bolus stored with it (its id), and what stays to be done."""

    bridge = serializers.SerializerMethodField()
    notices = serializers.SerializerMethodField()

    def get_bridge(self, event: Event) -> str | None:
        found = recorded_with(event)
        return str(found.pk) if found is not None else None

    @extend_schema_field(FindingSerializer(many=True))
    def get_notices(self, event: Event) -> list[dict[str, str]]:
        return [notice.as_json() for notice in notices_of(event)]


class StepOutput(serializers.Serializer[Any]):
    """As stored, also what an import brought and the API would not take."""

    start = serializers.CharField()
    rate_mcg_per_h = serializers.CharField(help_text="a decimal")
    days = serializers.ListField(child=serializers.CharField(), required=False)


class BolusOutput(serializers.Serializer[Any]):
    """As stored, likewise."""

    at = serializers.CharField()
    dose_mcg = serializers.CharField(help_text="a decimal")
    days = serializers.ListField(child=serializers.CharField(), required=False)


class DoseOutput(EventSerializer):
    effective_at = MomentField(source="occurred_at")
    mode = serializers.CharField()
    daily_dose_mcg = serializers.DecimalField(max_digits=10, decimal_places=3)
    steps = StepOutput(many=True)
    boluses = BolusOutput(many=True)
    patient_bolus_mcg = dose("mcg", allow_null=True)
    patient_boluses_per_day = serializers.IntegerField(allow_null=True)
    is_planned = serializers.BooleanField(help_text="recorded before its moment; to be confirmed once that has come")
    reason = serializers.CharField()
    override_reason = serializers.CharField()


class OtherOutput(EventSerializer):
    """An entry of any other kind; a field its kind does not have is absent."""

    kind = serializers.CharField()
    occurred_at = MomentField()
    aspirated_ml = volume(allow_null=True)
    injected_ml = volume(allow_null=True)
    volume_ml = fine_volume(allow_null=True)
    dose_mcg = dose("mcg", allow_null=True)
    daily_dose_mcg = dose(allow_null=True)
    duration_hours = Quantity(8, 3, unit="hours", allow_null=True)
    catheter_volume_ml = fine_volume(allow_null=True)
    pump_clock = serializers.SerializerMethodField()
    alarms = serializers.ListField(child=serializers.CharField())
    tones = serializers.IntegerField(allow_null=True)
    reservoir_emptied = serializers.BooleanField(allow_null=True)
    patient_bolus_mcg = dose("mcg", allow_null=True)
    confirms_at = MomentField(allow_null=True)
    reason = serializers.CharField()

    def get_pump_clock(self, event: Event) -> str | None:
        shown = event.shown_clock
        return f"{shown:%H:%M}" if shown is not None else None

    def to_representation(self, instance: Event) -> dict[str, Any]:
        data = dict(super().to_representation(instance))
        left_out = set(ALL_FIELDS) - set(KINDS[instance.kind].fields)
        return {name: value for name, value in data.items() if name not in left_out}


class VoidOutput(EventSerializer):
    occurred_at = MomentField()
    reason = serializers.CharField()
    voids = IdField(source="voids_id", allow_null=True)
    replacement = IdField(source="replacement_id", allow_null=True)


class LineFields(serializers.Serializer[Event]):
    """What an entry has on the timeline beside the fields of its kind."""

    kind = serializers.CharField()
    occurred_at = MomentField()
    voided_by = serializers.SerializerMethodField()

    def get_voided_by(self, event: Event) -> str | None:
        void = getattr(event, "voided_by", None)
        return str(void.pk) if void is not None else None


class TimelineRefill(RefillOutput, LineFields):
    pass


class TimelineDoseChange(DoseOutput, LineFields):
    pass


class TimelineVoid(VoidOutput, LineFields):
    pass


class TimelineOther(OtherOutput, LineFields):
    pass


OF_KIND: dict[str, type[EventSerializer]] = {
    Event.Kind.REFILL.value: TimelineRefill,
    Event.Kind.DOSE_CHANGE.value: TimelineDoseChange,
    Event.Kind.VOID.value: TimelineVoid,
    **dict.fromkeys(KINDS, TimelineOther),
}


class TimelineOutput(serializers.Serializer[Event]):
    """An entry of any kind."""

    def to_representation(self, event: Event) -> dict[str, Any]:
        return dict(OF_KIND[event.kind](event, context=self.context).data)


@extend_schema_field({"oneOf": [{"type": "string"}, {"type": "object", "additionalProperties": True}]})
class ReplacementField(serializers.JSONField):
    pass


class VoidInput(EntryInput):
    """`replacement`: null, the id of an entry already recorded, or the fields of the right entry."""

    reason = serializers.CharField(max_length=500)
    replacement = ReplacementField(required=False, allow_null=True, default=None)


class VoidPreviewInput(serializers.Serializer[Any]):
    """`replacement` as in a void; the reason comes with the void itself."""

    replacement = ReplacementField(required=False, allow_null=True, default=None)
