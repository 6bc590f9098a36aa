"""Label sets: what the drug's labels say, by country, each figure with its source.

A figure here never refuses what happened to a pump; it raises a finding or a question.
"""

from dataclasses import dataclass
from decimal import Decimal

# Age in years from which a patient is no child: the child band applies below whatever the origin (clinical rules, 3).
ADULT_AGE = 18
LABEL = "Lioresal Intrathecal and Gablofen labels"


# A decrease beyond this share of the present dose asks for a look: withdrawal. Source: clinical rules, section 4.
DECREASE_PCT = Decimal(20)


@dataclass(frozen=True)
class LabelSet:
    """One country's rules. Concentrations mcg/mL, doses mcg/day, steps in % of the present dose, upper ends inclusive.

    `titration_step_pct` and `maintenance_step_pct` are by band: `spinal` and `cerebral` for adults, `child`.
    """

    code: str
    name: str
    source: str
    market_concentrations: tuple[Decimal, ...]
    dose_range_mcg: tuple[Decimal, Decimal]
    limited_experience_mcg: Decimal
    titration_step_pct: dict[str, Decimal]
    maintenance_step_pct: dict[str, Decimal]

    def sells(self, concentration_mcg_per_ml: Decimal) -> bool:
        """Whether a concentration is on the market for pumps (50 mcg/mL is for screening only)."""
        return concentration_mcg_per_ml in self.market_concentrations


_STEPS = {"spinal": Decimal(30), "cerebral": Decimal(15), "child": Decimal(15)}
_CAPS = {"spinal": Decimal(40), "cerebral": Decimal(20), "child": Decimal(20)}
_RANGE = (Decimal(12), Decimal(2003))

LABEL_SETS = {
    "us": LabelSet(
        code="us",
        name="US labels",
        source=LABEL,
        market_concentrations=(Decimal(500), Decimal(1000), Decimal(2000)),
        dose_range_mcg=_RANGE,
        limited_experience_mcg=Decimal(1000),
        titration_step_pct=_STEPS,
        maintenance_step_pct=_CAPS,
    ),
    "uk": LabelSet(
        code="uk",
        name="UK monograph",
        source="UK monograph for parenteral baclofen",
        market_concentrations=(Decimal(500), Decimal(2000)),
        dose_range_mcg=_RANGE,
        limited_experience_mcg=Decimal(1000),
        titration_step_pct=_STEPS,
        maintenance_step_pct=_CAPS,
    ),
}


def band(origin: str, age_years: int) -> str:
    """The band of steps that applies: `child` under 18, else the origin of the spasticity."""
    return "child" if age_years < ADULT_AGE else origin
