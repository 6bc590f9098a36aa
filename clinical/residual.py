"""What is expected in a reservoir when it is emptied, and how what was aspirated compares with it."""

from dataclasses import dataclass
from decimal import Decimal

# Either way: 2.0 mL is within, 2.1 is not (clinical rules, section 2: discrepancy, ASRA 2017).
DISCREPANCY_ML = Decimal(2)
HUNDREDTH = Decimal("0.01")


@dataclass(frozen=True)
class Residual:
    """Volumes in mL. `expected_ml` is at the programmed flow, `calibrated_ml` at the pump's own flow ratio.

    `flow_ratio` is delivered / programmed since the fill, None where nothing was programmed to flow.
    """

    expected_ml: Decimal
    calibrated_ml: Decimal
    aspirated_ml: Decimal
    flow_ratio: Decimal | None

    @property
    def discrepancy_ml(self) -> Decimal:
        """Expected - aspirated, at the programmed flow."""
        return self.expected_ml - self.aspirated_ml

    @property
    def is_off(self) -> bool:
        """Whether the pump's own flow does not explain what was aspirated within 2 mL."""
        return abs(self.calibrated_ml - self.aspirated_ml) > DISCREPANCY_ML


def is_outside_accuracy(discrepancy_ml: Decimal, deliverable_ml: Decimal, accuracy_pct: Decimal) -> bool:
    """Whether what was delivered is further than `accuracy_pct` from what should have been; the limit is within.

    `deliverable_ml` is what was programmed to flow, as far as the reservoir held it.
    Source: clinical rules, section 2 (device accuracy limits): safety notices, manuals.
    """
    return abs(discrepancy_ml) * 100 > accuracy_pct * deliverable_ml and deliverable_ml > 0


def residual(
    *, held_ml: float, programmed_ml: float, ratio: float, aspirated_ml: Decimal, first_ml: float = 0.0
) -> Residual:
    """Compare an aspirated volume with what was held (filled and added) less what was programmed to flow, mL.

    `ratio` is what is believed of the pump's flow ratio, `first_ml` what its very first interval seems to deliver
    beyond that (`ledger.Prior`). Expected volumes are rounded to 0.01 mL, never below 0.
    """

    def left(at_ratio: float, beside_ml: float = 0.0) -> Decimal:
        return Decimal(max(held_ml - at_ratio * programmed_ml - beside_ml, 0.0)).quantize(HUNDREDTH)

    delivered = Decimal(held_ml) - aspirated_ml
    flow_ratio = (delivered / Decimal(programmed_ml)).quantize(Decimal("0.0001")) if programmed_ml > 0 else None
    return Residual(left(1.0), left(ratio, first_ml), aspirated_ml, flow_ratio)
