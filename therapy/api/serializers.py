"""What the course of therapy has in common on the wire."""

from typing import Any

from rest_framework import serializers


def text(longest: int = 500, *, blank: bool = True) -> serializers.CharField:
    if not blank:
        return serializers.CharField(max_length=longest)
    return serializers.CharField(max_length=longest, required=False, allow_blank=True, default="")


class Who(serializers.CharField):
    """A person's name; null where nobody has."""

    def __init__(self) -> None:
        super().__init__(read_only=True, allow_null=True)


class ReasonInput(serializers.Serializer[Any]):
    reason = text(blank=False)


class NoteInput(serializers.Serializer[Any]):
    note = text()
