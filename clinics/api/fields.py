"""Fields of the API's contract: opaque string ids, references to visible rows, moments with an offset."""

from datetime import UTC, datetime
from typing import Any, ClassVar

from django.utils.dateparse import parse_datetime
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from clinics.validators import OUT_OF_RANGE, is_plausible


class IdField(serializers.CharField):
    """An opaque string id."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(read_only=True, **kwargs)

    def to_representation(self, value: Any) -> str:
        return str(value)


class Quantity(serializers.DecimalField):
    """A decimal as a string; the unit is in the field's name, and said where something else is sent."""

    def __init__(self, max_digits: int, decimal_places: int, *, unit: str, **kwargs: Any) -> None:
        super().__init__(max_digits, decimal_places, **kwargs)
        self.error_messages["invalid"] = f"Write a number alone, without a unit, in {unit}."


def as_key(text: str) -> int | None:
    """The primary key an opaque id stands for, None if it can be none of ours."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


class ReferenceField(serializers.CharField):
    """The id of a row the caller can see. Another clinic's id is unknown, not forbidden."""

    default_error_messages: ClassVar = {"unknown": "There is no such {what}; use the id of one you can see."}

    def __init__(self, queryset: Any, **kwargs: Any) -> None:
        self.queryset = queryset
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> Any:
        key = as_key(super().to_internal_value(data))
        visible = self.queryset.visible_to(self.context["request"].user)
        row = visible.filter(pk=key).first() if key is not None else None
        if row is None:
            self.fail("unknown", what=self.queryset.model._meta.verbose_name)
        return row

    def to_representation(self, value: Any) -> str:
        return str(value.pk)


@extend_schema_field(OpenApiTypes.DATETIME)
class MomentField(serializers.Field[datetime, str, str, datetime]):
    """ISO 8601 with an offset or Z; answered in UTC. Without an offset it could be any clinic's: refused."""

    default_error_messages: ClassVar = {
        "invalid": "Write the time as ISO 8601 with an offset or Z, for example 2026-11-22T09:30:00Z.",
        "naive": "Add the UTC offset or Z, for example 2026-11-22T09:30:00Z.",
        "range": OUT_OF_RANGE,
    }

    def to_internal_value(self, data: Any) -> datetime:
        try:
            moment = parse_datetime(data) if isinstance(data, str) else None
        except ValueError:
            moment = None
        if moment is None:
            self.fail("invalid")
        if moment.tzinfo is None:
            self.fail("naive")
        if not is_plausible(moment.date()):
            self.fail("range")
        return moment.astimezone(UTC)

    def to_representation(self, value: datetime) -> str:
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
