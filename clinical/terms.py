"""What holds for a pump beside its ledger: the device, what its clinic has set, and the deadlines that follow."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np

from clinical.columns import Floats
from clinical.labels import LABEL_SETS, LabelSet
from clinical.ledger import Fill, LedgerEvent, PumpFacts
from clinical.units import SECONDS_PER_DAY, start_of_day, to_seconds


@dataclass(frozen=True)
class Product:
    """What a clinic has set for a drug product: days it is stable in a pump, the longest interval; None where unset."""

    name: str
    stability_days: int | None = None
    max_refill_interval_days: int | None = None


@dataclass(frozen=True)
class ClinicRules:
    """What the clinic sets. Margin and interval in days; the timezone turns calendar days into moments.

    `products` is by name in lower case, as `product_key` makes it.
    """

    timezone: ZoneInfo
    margin_days: int
    max_refill_interval_days: int
    labels: LabelSet = LABEL_SETS["us"]
    products: Mapping[str, Product] = field(default_factory=dict)

    def product_of(self, fill: Fill) -> Product | None:
        """The clinic's product that was filled, None where it has set none of that name."""
        return self.products.get(product_key(fill.formulation))

    def stability_of(self, fill: Fill) -> int | None:
        """Days the drug of a fill is stable in the pump: as recorded with it, else as set for the product."""
        if fill.stability_days is not None:
            return fill.stability_days
        product = self.product_of(fill)
        return product.stability_days if product is not None else None

    def longest_interval_of(self, fill: Fill) -> int:
        """The longest interval after a fill in days: the product's, else the clinic's."""
        product = self.product_of(fill)
        if product is None or product.max_refill_interval_days is None:
            return self.max_refill_interval_days
        return product.max_refill_interval_days


def product_key(name: str) -> str:
    """Names of products are the same whatever their case and spaces."""
    return " ".join(name.split()).casefold()


@dataclass(frozen=True)
class Device:
    """A pump as the forecast needs it. Flow limits in mL/day, None where the catalogue has none."""

    facts: PumpFacts
    implanted_on: date
    service_life_years: int | None
    min_flow_ml_per_day: Decimal | None
    max_flow_ml_per_day: Decimal | None
    mri_behaviour: str = "verify"


# By number in the column `labels`.
LABELS = tuple(LABEL_SETS.values())
DEVICE_COLUMNS = ("margin_s", "life_ends_at", "min_flow", "max_flow", "labels")
DRUG_COLUMNS = ("stable_until", "expires_at", "interval_until", "filled_concentration")


@dataclass(frozen=True)
class Terms:
    """Columns beside those of a `Fleet`, nan where there is none: one entry a pump, and one an event (set for fills).

    Moments and the margin in seconds, flows in mL/day, the filled concentration in mcg/mL; `labels` indexes LABELS.
    """

    margin_s: Floats
    life_ends_at: Floats
    min_flow: Floats
    max_flow: Floats
    labels: Floats
    stable_until: Floats
    expires_at: Floats
    interval_until: Floats
    filled_concentration: Floats


def terms(devices: Sequence[Device], ledgers: Sequence[Sequence[LedgerEvent]], rules: Sequence[ClinicRules]) -> Terms:
    """Columns for devices and their ledgers, these in order (`ledger.in_order`)."""
    pumps = [_device_numbers(device, each) for device, each in zip(devices, rules, strict=True)]
    events = [drug_numbers(event, each) for ledger, each in zip(ledgers, rules, strict=True) for event in ledger]
    by_pump = np.array(pumps, dtype=np.float64).reshape(len(pumps), len(DEVICE_COLUMNS)).T
    by_event = np.array(events, dtype=np.float64).reshape(len(events), len(DRUG_COLUMNS)).T
    return Terms(*by_pump, *by_event)


def _device_numbers(device: Device, rules: ClinicRules) -> tuple[float, ...]:
    return (
        rules.margin_days * SECONDS_PER_DAY,
        life_ends_at(device.implanted_on, device.service_life_years, rules.timezone),
        np.nan if device.min_flow_ml_per_day is None else float(device.min_flow_ml_per_day),
        np.nan if device.max_flow_ml_per_day is None else float(device.max_flow_ml_per_day),
        LABELS.index(rules.labels),
    )


def life_ends_at(implanted_on: date, service_life_years: int | None, timezone: ZoneInfo) -> float:
    """The end of a device's life in seconds, the first moment of that day at the clinic; nan where it is not known."""
    if service_life_years is None:
        return np.nan
    last_day = 28 if (implanted_on.month, implanted_on.day) == (2, 29) else implanted_on.day
    ends_on = date(implanted_on.year + service_life_years, implanted_on.month, last_day)
    return to_seconds(start_of_day(ends_on, timezone))


_NOTHING = (np.nan,) * len(DRUG_COLUMNS)


def drug_numbers(fill: LedgerEvent, rules: ClinicRules) -> tuple[float, ...]:
    """A row in the order of DRUG_COLUMNS; of an event that is no fill, nan."""
    if not isinstance(fill, Fill):
        return _NOTHING
    stability = rules.stability_of(fill)
    at = to_seconds(fill.at)
    # The day's first moment: the drug is not relied on for any part of its last day.
    expires_on = fill.drug_expires_on
    return (
        np.nan if stability is None else at + stability * SECONDS_PER_DAY,
        np.nan if expires_on is None else to_seconds(start_of_day(expires_on, rules.timezone)),
        at + rules.longest_interval_of(fill) * SECONDS_PER_DAY,
        float(fill.concentration_mcg_per_ml),
    )
