"""Findings: what a person should know about a pump, each with a stable code and its source."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from math import isnan

from clinical.labels import LabelSet
from clinical.saying import say
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
        "no_fill": say("No fill is recorded, so nothing is known about the volume. Record the last refill."),
        "no_dose": say("No dose is recorded, so the flow is not known. Record the dose the pump is programmed to."),
        "no_factory_flow": say(
            "The pump's factory flow is not recorded. Enter it (mL/day, printed on the pump's label)."
        ),
        "dose_unseen": say(
            "The first dose recorded is later than the last fill. It is taken to have run since the "
            "fill; record the dose the pump was programmed to then."
        ),
        "stopped": say("The pump is stopped: no drug is flowing. Abrupt stop of intrathecal baclofen can be fatal."),
        "stall": say(
            "A motor stall has no recovery recorded: drug may not be flowing, and withdrawal is "
            "possible. Interrogate the pump, and record the recovery. The dates below take the pump "
            "to run."
        ),
    }
    sources = {
        "stopped": say("Lioresal Intrathecal and Gablofen labels, boxed warning"),
        "stall": say("clinical rules, section 2 (pump stopped, MRI): MRI guidance, TGA, manuals"),
    }
    return Finding(reason, Severity.HIGH, messages[reason], sources.get(reason, say("Brim design, section 2")), since)


ASPIRATED_ZERO = Finding(
    "aspirated_zero",
    Severity.HIGH,
    say(
        "Nothing was aspirated at the last refill: the pump may have run dry. Ask about "
        "withdrawal (spasms, itching, fever, confusion). What it delivered is only known as a "
        "lower bound, so the refill only bounds the pump's flow ratio from below."
    ),
    say("clinical rules, section 2 (discrepancy); Neurosurgery 2004;55:390"),
)


def not_reprogrammed(filled: float, programmed: float, at: datetime) -> Finding:
    """The pump was not told which drug it holds. Concentrations in mcg/mL; `at` is the fill."""
    return Finding(
        "concentration_not_programmed",
        Severity.HIGH,
        say(
            "The pump holds %(filled)s mcg/mL but is programmed for %(programmed)s mcg/mL: the "
            "patient gets %(times)s times the programmed dose. Check the pump and call the "
            "prescriber now.",
            filled=_number(filled),
            programmed=_number(programmed),
            times=f"{filled / programmed:.2f}",
        ),
        say("clinical rules, section 2 (programmed flow)"),
        at,
    )


def off_market(concentration: float, labels: LabelSet) -> Finding:
    """A filled concentration (mcg/mL) that is not sold for pumps."""
    return Finding(
        "concentration_off_market",
        Severity.WARN,
        say(
            "%(concentration)s mcg/mL is not a concentration on the market for pumps "
            "(%(sold)s): check that it is a dilution made on purpose.",
            concentration=_number(concentration),
            sold=", ".join(plain(sold) for sold in labels.market_concentrations_mcg_per_ml),
        ),
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
                say(
                    "%(dose)s mcg/day is outside the range in the label, %(low)s to %(high)s mcg/day.",
                    dose=_number(dose),
                    low=low,
                    high=high,
                ),
                labels.source_of("dose_range_mcg"),
            )
        )
    if dose > float(labels.limited_experience_mcg):
        found.append(
            Finding(
                "dose_above_1000",
                Severity.WARN,
                say(
                    "%(dose)s mcg/day: there is limited experience above %(limited_experience_mcg)s mcg/day.",
                    dose=_number(dose),
                    limited_experience_mcg=labels.limited_experience_mcg,
                ),
                labels.source_of("limited_experience_mcg"),
            )
        )
    return found


def _number(value: float) -> str:
    return plain(Decimal(repr(value)))


def flow_out_of_range(flow_ml_per_day: float, lowest: float, highest: float) -> Finding:
    """A flow the pump model is not made for. Limits in mL/day from the catalogue, nan where unknown."""
    low, high = ("?" if isnan(limit) else _number(limit) for limit in (lowest, highest))
    return Finding(
        "flow_out_of_range",
        Severity.WARN,
        say(
            "The programmed flow of %(flow_ml_per_day)s mL/day is outside this model's %(low)s to %(high)s mL/day.",
            flow_ml_per_day=f"{flow_ml_per_day:.4g}",
            low=low,
            high=high,
        ),
        say("pump catalogue"),
    )


def deviates(deviation: float) -> Finding:
    """The pump's flow has changed, and too few refills have followed to know it well again. In standard deviations."""
    causes = (
        say("over-delivery, or a pocket fill at the refill before")
        if deviation > 0
        else say("under-delivery, a motor stall or a catheter problem")
    )
    direction = say("more") if deviation > 0 else say("less")
    return Finding(
        "calibrated_deviation",
        Severity.WARN,
        say(
            "At one of the last refills the pump had delivered clearly %(direction)s than its own "
            "history predicts (%(deviation)s standard deviations): consider %(causes)s. Its flow is "
            "learned anew from there, and the earliest date is widened meanwhile.",
            direction=direction,
            deviation=f"{abs(deviation):.1f}",
            causes=causes,
        ),
        say("pocket fill notice 2011; Sgouros 2010"),
    )


NO_SHELF_LIFE = Finding(
    "drug_expiry_unknown",
    Severity.INFO,
    say("Neither the drug's stability in the pump nor the lot's expiry is recorded, so no drug date counts."),
    say("clinical rules, section 2 (stability in the pump)"),
)
