"""What is asked at the needle beside what every refill is asked: what came out, before anything goes in."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinical.checks import RefillCheck
from clinical.ledger import Emptying
from clinical.residual import Residual
from clinical.units import plain
from clinics.errors import Doubt
from pumps.models import Event, Pump
from pumps.services import consequences
from pumps.services.entries import RefillEntry

Checks = Mapping[str, str]
FILL_STOP = gettext_lazy(
    "Swelling, pain or a change of resistance can mean that drug went in beside the port: an overdose that may show "
    "within minutes or hours. Stop filling, call the prescriber now, and keep the patient under watch for drowsiness, "
    "weakness and slow breathing. Source: pocket fill notice 2011."
)


@dataclass(frozen=True)
class Asked(Doubt):
    """A doubt that asks whether something was done: `answer` says that it was."""

    answer: str


class Needle(StrEnum):
    """How somebody knows that the needle is in the port."""

    FELT = "felt"
    SEEN = "seen"
    UNSURE = "unsure"


class Fill(StrEnum):
    """How the filling went."""

    EASY = "easy"
    ODD = "odd"


class Finding(StrEnum):
    """What an aspirated volume says. Exactly 0 is told apart: it may be an empty pump, or a needle beside the port."""

    NOTHING = "nothing"
    MORE_THAN_HELD = "more_than_held"
    LESS = "less"
    MORE = "more"
    OFF_PROGRAM = "off_program"
    AS_EXPECTED = "as_expected"
    NOT_COMPARED = "not_compared"


@dataclass(frozen=True)
class Emptied:
    """`expected_ml` is what this pump should have left in the reservoir; None where that is not known."""

    finding: Finding
    aspirated_ml: Decimal
    expected_ml: Decimal | None
    check: RefillCheck | None


def emptied(pump: Pump, *, aspirated_ml: Decimal, at: datetime, now: datetime) -> Emptied:
    """What came out of a pump that was emptied at a moment, held against what was expected.

    `pump` comes with model, clinic and patient.

    Raises:
        Impossible, Conflict: it cannot have happened, as storing it would say.
    """
    last = Event.objects.standing().filter(pump=pump).latest_before(Event.Kind.REFILL, at)
    # What is filled later does not matter for what came out: it stands here as at the refill before.
    concentration = last.concentration_mcg_per_ml if last is not None else None
    told = last.programmed_concentration_mcg_per_ml if last is not None else None
    entry = RefillEntry(
        refilled_at=at,
        filled_ml=pump.model.reservoir_ml,
        concentration_mcg_per_ml=concentration if concentration is not None else Decimal(1),
        programmed_concentration_mcg_per_ml=told,
        aspirated_ml=aspirated_ml,
    )
    found = consequences.of_entry(pump, entry, now=now)
    expected_ml = found.residual.calibrated_ml if found.residual is not None else None
    return Emptied(_finding(found.residual, found.check, aspirated_ml), aspirated_ml, expected_ml, found.check)


def _finding(residual: Residual | None, check: RefillCheck | None, aspirated_ml: Decimal) -> Finding:
    """By the pump's own history first; what only the program does not explain informs, as in the review of a refill.

    Source: clinical rules, section 2 (discrepancy, ASRA 2017).
    """
    impossible = _impossible(residual, aspirated_ml)
    if impossible is not None:
        return impossible
    if residual is None:
        return Finding.NOT_COMPARED
    if residual.is_off or (check is not None and check.is_finding):
        return Finding.LESS if aspirated_ml < residual.calibrated_ml else Finding.MORE
    if check is not None and (check.is_above_2_ml or check.is_within_accuracy is False):
        return Finding.OFF_PROGRAM
    return Finding.AS_EXPECTED


def _impossible(residual: Residual | None, aspirated_ml: Decimal) -> Finding | None:
    """What should not come out of a reservoir at all: nothing, or more than it held."""
    if aspirated_ml == 0:
        return Finding.NOTHING
    is_too_much = residual is not None and residual.flow_ratio is not None and residual.flow_ratio < 0
    return Finding.MORE_THAN_HELD if is_too_much else None


def doubts_of(entry: RefillEntry, residual: Residual | None, checks: Checks) -> list[Doubt]:
    """What is asked of a guided visit beside the doubts of its refill."""
    found = _of_aspirated(entry, residual)
    if checks.get("fill") == Fill.ODD:
        answer = _("The filling was stopped, the prescriber was called, and the patient is watched")
        question = " ".join((str(FILL_STOP), _("Was this done?")))
        found.append(Asked("fill_odd", "fill", question, answer))
    return found


def _of_aspirated(entry: RefillEntry, residual: Residual | None) -> list[Doubt]:
    if entry.emptying != Emptying.EMPTIED or entry.aspirated_ml is None:
        return []
    found = _impossible(residual, entry.aspirated_ml)
    if found is Finding.NOTHING:
        message = _(
            "Nothing was aspirated. Either the pump was empty, or the needle was not in the port: what is filled "
            "beside the port goes into the patient at once. Is the needle in the port for certain, and has somebody "
            "asked about signs of withdrawal?"
        )
        return [Doubt("aspirated_nothing", "aspirated_ml", message)]
    if found is Finding.MORE_THAN_HELD:
        message = _(
            "%(aspirated)s mL came out, more than the pump can have held since the fill before. Read the syringe "
            "again. Is every top-up recorded, and is the fluid the drug?"
        ) % {"aspirated": plain(entry.aspirated_ml)}
        return [Doubt("aspirated_more_than_held", "aspirated_ml", message)]
    return []
