"""Who changed what, kept in the transaction of the change."""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import models

from clinical.saying import say
from clinical.units import plain
from clinics.models import Change, Clinic, User

Details = dict[str, list[str]]
# The names of fields as pages say them (`field_words`), so that they are said in the reader's language.
# fmt: off
FIELD_NAMES = (
    say("mrn"), say("given name"), say("family name"), say("date of birth"), say("email"), say("phone"),
    say("language"), say("email reminders"), say("phone reminders"), say("spasticity origin"), say("flags"),
    say("allergies status"), say("allergies"), say("kind"), say("name"), say("relationship"), say("model"),
    say("serial number"), say("implanted on"), say("explanted on"), say("explant reason"), say("catheter volume ml"),
    say("low reservoir alarm ml"), say("low level reason"), say("low level noticed on"), say("flow accuracy pct"),
    say("factory flow ml per day"), say("status"), say("reason"), say("roles"), say("opens at"), say("closes at"),
    say("minutes"), say("places"), say("reminder days"), say("reminder channels"), say("remind from"),
    say("remind until"), say("missed after hours"), say("stability days"), say("max refill interval days"),
    say("source"), say("timezone"), say("label set"), say("patient facing name"), say("emergency number"),
    say("refill margin days"), say("opening days"), say("second factor required"), say("consent"), say("tiers"),
    say("risk days"), say("next refill by"),
)
# fmt: on


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
        return say("blank")
    if isinstance(value, bool):
        return say("yes") if value else say("no")
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, list | tuple):
        return ", ".join(written(part) for part in value) or say("none")
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


def undone(changes: Iterable[Change]) -> dict[str, str]:
    """What stood before some changes, which come newest first: of each field they changed, the oldest text."""
    return {field: old for change in changes for field, (old, _) in change.details.items()}


def read_back(instance: models.Model, field: str, text: str) -> Any:
    """The value of a field that `written` wrote; None for "blank".

    Raises:
        ValidationError: the text is no value of the column.
        TypeError: there is no such column.
    """
    column = instance._meta.get_field(field)
    if not isinstance(column, models.Field):
        raise TypeError(f"{field} is no column")
    return None if text == written(None) else column.to_python(text)


def subject_of(instance: models.Model) -> str:
    return f"{instance._meta.model_name}:{instance.pk}"
