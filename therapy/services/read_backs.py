"""What a pump showed, as it is kept; and what of a program has to be shown."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from clinical import reading_back
from clinical.findings import Finding
from clinical.reading_back import Settings
from clinical.units import plain
from clinics.models import User


def most_of(rows: Sequence[Mapping[str, Any]], key: str) -> Decimal | None:
    return max((Decimal(row[key]) for row in rows), default=None)


def whole(value: int | None) -> Decimal | None:
    return Decimal(value) if value is not None else None


def kept(differing: Mapping[str, Finding], read: Settings, by: User, now: datetime) -> dict[str, Any]:
    told = [finding.message for finding in differing.values()]
    return {"at": now.isoformat(), "by": str(by), "read": written(read), "told": told}


def written(read: Settings) -> dict[str, str]:
    values = {name: getattr(read, name) for name in reading_back.WORDS}
    written = {name: plain(value) for name, value in values.items() if value is not None}
    return {"mode": read.mode, **written}
