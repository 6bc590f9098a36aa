"""Findings: what a person should know about a pump, each with a stable code and its source."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from math import isnan

from clinical.labels import LabelSet
from clinical.units import plain


class Severity(StrEnum):
    INFO = "info"
    WARN = "warn"
    HIGH = "high"
    # Of a proposal: only with an override by a prescriber.
    BLOCK = "block"


@dataclass(frozen=True)
class Finding:
    """`since` is the moment of the event it is about, None where it is about no single one."""

    code: str
    severity: Severity
    message: str
    source: str
    since: datetime | None = None

    def as_json(self) -> dict[str, str]:
        stated = {
            "code": self.code,
            "severity": self.severity.value,
            "message": self.message,
            "source": self.source,
        }
        return stated if self.since is None else {**stated, "since": self.since.isoformat()}


def of_unknown(reason: str, since: datetime | None) -> Finding:
    """Why a pump's dates are not (all) known; `since` is the stop or the stall behind it."""
    messages = {
        "no_fill": "No fill is recorded, so nothing is known about the volume. Record the last refill.",
        "no_dose": "No dose is recorded, so the flow is not known. Record the dose the pump is programmed to.",
        "no_factory_flow": "The pump's factory flow is not recorded. Enter it (mL/day, printed on the pump's label).",
        "dose_unseen": "The first dose recorded is later than the last fill. It is taken to have run since the fill; "
        "record the dose the pump was programmed to then.",
        "stopped": "The pump is stopped: no drug is flowing. Abrupt stop of intrathecal baclofen can be fatal.",
        "stall": "A motor stall has no recovery recorded: drug may not be flowing, and withdrawal is possible. "
        "Interrogate the pump, and record the recovery. The dates below take the pump to run.",
    }
    sources = {
        "stopped": "Lioresal Intrathecal and Gablofen labels, boxed warning",
        "stall": "clinical rules, section 2 (pump stopped, MRI): MRI guidance, TGA, manuals",
    }
    return Finding(reason, Severity.HIGH, messages[reason], sources.get(reason, "Brim design, section 2"), since)


ASPIRATED_ZERO = Finding(
    "aspirated_zero",
    Severity.HIGH,
    "Nothing was aspirated at the last refill: the pump may have run dry. Ask about withdrawal "
    "(spasms, itching, fever, confusion). What it delivered is only known as a lower bound, "
    "so the refill only bounds the pump's flow ratio from below.",
    "clinical rules, section 2 (discrepancy); Neurosurgery 2004;55:390",
)


def not_reprogrammed(filled: float, programmed: float, at: datetime) -> Finding:
    """The pump was not told which drug it holds. Concentrations in mcg/mL; `at` is the fill."""
    return Finding(
        "concentration_not_programmed",
        Severity.HIGH,
        f"The pump holds {_number(filled)} mcg/mL but is programmed for {_number(programmed)} mcg/mL: the patient gets "
        f"{filled / programmed:.2f} times the programmed dose. Check the pump and call the prescriber now.",
        "clinical rules, section 2 (programmed flow)",
        at,
    )


def off_market(concentration: float, labels: LabelSet) -> Finding:
    """A filled concentration (mcg/mL) that is not sold for pumps."""
    return Finding(
        "concentration_off_market",
        Severity.WARN,
        f"{_number(concentration)} mcg/mL is not a concentration on the market for pumps "
        f"({', '.join(plain(sold) for sold in labels.market_concentrations_mcg_per_ml)}): check that it is a dilution "
        "made on purpose.",
        labels.source,
    )


def of_dose(dose: float, labels: LabelSet) -> list[Finding]:
    """Findings on a daily dose (mcg/day), programmed or proposed. A dose is flagged, never refused."""
    low, high = labels.dose_range_mcg
    found = []
    if not float(low) <= dose <= float(high):
        found.append(
            Finding(
                "dose_out_of_range",
                Severity.WARN,
                f"{_number(dose)} mcg/day is outside the range in the label, {low} to {high} mcg/day.",
                labels.source_of("dose_range_mcg"),
            )
        )
    if dose > float(labels.limited_experience_mcg):
        found.append(
            Finding(
                "dose_above_1000",
                Severity.WARN,
                f"{_number(dose)} mcg/day: there is limited experience above {labels.limited_experience_mcg} mcg/day.",
                labels.source_of("limited_experience_mcg"),
            )
        )
    return found


def _number(value: float) -> str:
    return plain(Decimal(repr(value)))


def flow_out_of_range(flow_ml_per_day: float, lowest: float, highest: float) -> Finding:
    """A flow the pump model is not made for. Limits in mL/day from the catalogue, nan where unknown."""
    limits = " to ".join("?" if isnan(limit) else _number(limit) for limit in (lowest, highest))
    return Finding(
        "flow_out_of_range",
        Severity.WARN,
        f"The programmed flow of {flow_ml_per_day:.4g} mL/day is outside this model's {limits} mL/day.",
        "pump catalogue",
    )


def deviates(deviation: float) -> Finding:
    """The pump's flow has changed, and too few refills have followed to know it well again. In standard deviations."""
    causes = (
        "over-delivery, or a pocket fill at the refill before"
        if deviation > 0
        else "under-delivery, a motor stall or a catheter problem"
    )
    direction = "more" if deviation > 0 else "less"
    return Finding(
        "calibrated_deviation",
        Severity.WARN,
        f"At one of the last refills the pump had delivered clearly {direction} than its own history predicts "
        f"({abs(deviation):.1f} standard deviations): consider {causes}. Its flow is learned anew from there, "
        "and the earliest date is widened meanwhile.",
        "pocket fill notice 2011; Sgouros 2010",
    )


NO_SHELF_LIFE = Finding(
    "drug_expiry_unknown",
    Severity.INFO,
    "Neither the drug's stability in the pump nor the lot's expiry is recorded, so no drug date counts.",
    "clinical rules, section 2 (stability in the pump)",
)
