"""A dose as somebody proposes it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What somebody proposes. `concentration_mcg_per_ml` only where it changes; the bridge may be declined."""

    mode: str
    daily_dose_mcg: Decimal
    steps: Sequence[Mapping[str, Any]] = ()
    boluses: Sequence[Mapping[str, Any]] = ()
    patient_bolus_mcg: Decimal | None = None
    patient_boluses_per_day: int | None = None
    concentration_mcg_per_ml: Decimal | None = None
    bridge_declined_reason: str = ""
    reason: str = ""
