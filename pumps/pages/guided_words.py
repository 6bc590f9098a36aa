"""What an aspirated volume may mean, and what to do, before anything goes into the pump."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from clinical.residual import DISCREPANCY_ML
from clinical.units import plain
from pumps.pages.checked import checked_words
from pumps.services.visit_checks import Emptied, Finding


@dataclass(frozen=True)
class Said:
    """A finding in words: its severity and the word for it, what it may mean, and what to do, step by step."""

    severity: str
    word: str
    says: str
    steps: list[str]
    source: str = ""
    asks_about_signs: bool = False

    @property
    def is_to_look_at(self) -> bool:
        """Whether it is looked at before anything is filled."""
        return self.severity not in ("good", "info")


def said(found: Emptied) -> Said:
    words = {
        Finding.AS_EXPECTED: _as_expected,
        Finding.OFF_PROGRAM: _off_program,
        Finding.NOTHING: _nothing,
        Finding.LESS: _less,
        Finding.MORE: _more,
        Finding.MORE_THAN_HELD: _more_than_held,
        Finding.NOT_COMPARED: _not_compared,
    }
    return words[found.finding](found)


def _volumes(found: Emptied) -> dict[str, str]:
    def words(volume: object) -> str:
        return plain(volume) if volume is not None else "?"  # type: ignore[arg-type]  # a Decimal, where there is one

    gap = abs(found.expected_ml - found.aspirated_ml) if found.expected_ml is not None else None
    return {
        "aspirated": words(found.aspirated_ml),
        "expected": words(found.expected_ml),
        "gap": words(gap),
        "limit": plain(DISCREPANCY_ML),
    }


def _as_expected(found: Emptied) -> Said:
    says = _("%(aspirated)s mL is within %(limit)s mL of the %(expected)s mL expected of this pump. Go on.")
    return Said("good", _("As expected"), says % _volumes(found), [], "ASRA 2017")


def _off_program(found: Emptied) -> Said:
    """In the words of the review, which shows the same check."""
    if found.check is None:
        return _as_expected(found)
    check = checked_words(found.check)
    says = _(
        "%(aspirated)s mL is within %(limit)s mL of the %(expected)s mL expected of this pump, but not as programmed: "
        "%(off)s, %(accuracy)s. That alone is no finding. Read the syringe again; if it is right, go on and follow the "
        "trend."
    ) % {**_volumes(found), "off": check.discrepancy, "accuracy": check.accuracy}
    return Said("info", _("Off its program"), says, [], "ASRA 2017")


def _nothing(found: Emptied) -> Said:
    expected = _("%(expected)s mL were expected.") % _volumes(found) if found.expected_ml else ""
    says = _("0 mL: the pump was empty, or the needle is not in the port.")
    return Said(
        "block",
        _("Nothing came out"),
        f"{says} {expected}".strip(),
        [
            _("Fill nothing yet. Check the needle again; see it by ultrasound or X-ray if it is not certain."),
            _("Ask about signs of withdrawal, and look at the pump's alarms. Withdrawal is an emergency."),
            _("Call the prescriber before the pump is filled and started again."),
        ],
        "ASRA 2017",
        asks_about_signs=True,
    )


def _less(found: Emptied) -> Said:
    says = _(
        "%(aspirated)s mL is %(gap)s mL less than the %(expected)s mL expected of this pump. It may have given too "
        "much, or the refill before went in beside the port."
    )
    return Said(
        "warn",
        _("Less than expected"),
        says % _volumes(found),
        [
            _("Read the syringe again, and aspirate until nothing more comes."),
            _("Look for signs of overdose: drowsiness, weakness, slow breathing."),
            _("Compare the program on the pump with the one in Brim, and tell the prescriber if it is right as read."),
        ],
        "ASRA 2017",
        asks_about_signs=True,
    )


def _more(found: Emptied) -> Said:
    says = _(
        "%(aspirated)s mL is %(gap)s mL more than the %(expected)s mL expected of this pump. It may have given too "
        "little: a slow or stalled motor, or a catheter that is kinked, blocked or torn."
    )
    return Said(
        "warn",
        _("More than expected"),
        says % _volumes(found),
        [
            _("Read the syringe again."),
            _("Interrogate the pump: alarms, stalls, the program as it runs."),
            _("Ask about signs of withdrawal: tightness, itching, sweating, fever. Tell the prescriber."),
        ],
        "Sgouros 2010",
        asks_about_signs=True,
    )


def _more_than_held(found: Emptied) -> Said:
    says = _("%(aspirated)s mL is more than the pump can have held since the fill before.")
    return Said(
        "high",
        _("More than was put in"),
        says % _volumes(found),
        [
            _("Read the syringe again."),
            _("Look whether every top-up and refill is recorded."),
            _("If it is right, fill nothing yet and call the prescriber: the fluid may not be the drug."),
        ],
        "ASRA 2017",
    )


def _not_compared(found: Emptied) -> Said:
    says = _("%(aspirated)s mL cannot be compared: what should be in the pump is not known.")
    return Said("info", _("Not compared"), says % _volumes(found), [])
