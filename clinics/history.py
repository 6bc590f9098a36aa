"""Who changed what, kept in the transaction of the change."""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import models

from clinical.units import plain
from clinics.models import Change, Clinic, User

Details = dict[str, list[str]]


def kept(instance: models.Model, fields: Iterable[str]) -> dict[str, Any]:
    """The values of some fields before a change."""
    return {field: getattr(instance, field) for field in fields}


def differences(before: dict[str, Any], after: dict[str, Any]) -> Details:
    """Fields that changed, each with what was there and what is, as text."""
    return {
        field: [written(old), written(after[field])]
        for field, old in before.items()
        if written(old) != written(after[field])
    }


def written(value: Any) -> str:
    """A value as the history shows it."""
    if value is None or value == "":
        return "blank"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, list | tuple):
        return ", ".join(written(part) for part in value) or "none"
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value)


def note(
    *, clinic: Clinic | None, by: User | None, at: datetime, subject: str, summary: str, details: Details | None = None
) -> Change:
    """Keep a change. `subject` is such as "patient:7"."""
    return Change.objects.create(
        clinic=clinic, by=by, at=at, subject=subject, summary=summary[:300], details=details or {}
    )


def subject_of(instance: models.Model) -> str:
    return f"{instance._meta.model_name}:{instance.pk}"
