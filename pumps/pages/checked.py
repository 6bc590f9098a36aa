"""The check of each refill in words: expected, aspirated, and what it says of the pump."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from clinical.checks import RefillCheck, Trend, Uncounted, refill_checks
from clinical.units import plain
from pumps.reading import Reading

# So many refills are seen at once; those before are behind a fold.
SHOWN = 8

WHY_UNCOUNTED = {
    Uncounted.FIRST_FILL: "first fill: nothing before it",
    Uncounted.NOT_EMPTIED: "not emptied, so what was left was not measured",
    Uncounted.NOT_MEASURED: "what was aspirated is not recorded",
    Uncounted.FLOW_UNKNOWN: "no dose or flow is recorded before it",
    Uncounted.DOSE_UNSEEN: "the dose since the fill before is not recorded",
    Uncounted.OPEN_STALL: "a motor stall before it has no recovery recorded",
    Uncounted.PATIENT_BOLUSES: "patient boluses since the fill before were never read",
    Uncounted.NOTHING_FLOWED: "nothing was programmed to flow",
    Uncounted.DRY: "nothing aspirated: the pump may have run dry, so it delivered at least this",
}
TRENDS = {
    Trend.TOO_FEW: "Trend: too few measured refills to tell (four are needed).",
    Trend.STEADY: "Trend: steady. The last three measured refills show about the same flow ratio as those before.",
    Trend.RISING: "Trend: rising. The last three measured refills show a higher flow ratio than those before.",
    Trend.FALLING: "Trend: falling. The last three measured refills show a lower flow ratio than those before.",
}


@dataclass(frozen=True)
class CheckWords:
    """One refill, as a person reads it; empty where there is nothing to say."""

    check: RefillCheck
    aspirated: str
    expected: str
    calibrated: str
    off: str
    discrepancy: str
    accuracy: str
    ratio: str
    counted: str


@dataclass(frozen=True)
class RefillsChecked:
    """A pump's refills, newest first, and the trend as of the newest."""

    newest: Sequence[CheckWords]
    earlier: Sequence[CheckWords]
    trend: str


def refills_checked(reading: Reading) -> RefillsChecked:
    found = refill_checks(reading.device.facts, reading.ledger, accuracy_pct=reading.pump.accuracy_pct)
    rows = [checked_words(check) for check in reversed(found)]
    return RefillsChecked(rows[:SHOWN], rows[SHOWN:], TRENDS[found[-1].trend if found else Trend.TOO_FEW])


def checked_words(check: RefillCheck) -> CheckWords:
    return CheckWords(
        check=check,
        aspirated=_volume(check.aspirated_ml),
        expected=_volume(check.expected_ml),
        calibrated=_volume(check.calibrated_ml),
        off=_off(check),
        discrepancy=_discrepancy(check.discrepancy_ml),
        accuracy=_accuracy(check),
        ratio=f"{check.flow_ratio:.3f}" if check.flow_ratio is not None else "",
        counted="counts" if check.uncounted is None else WHY_UNCOUNTED[check.uncounted],
    )


def _volume(volume_ml: Decimal | None) -> str:
    return f"{plain(volume_ml)} mL" if volume_ml is not None else ""


def _off(check: RefillCheck) -> str:
    if check.z is None:
        return ""
    least = "at least " if check.uncounted is Uncounted.DRY else ""
    return f"{least}{abs(check.z):.1f} sd {'more' if check.z > 0 else 'less'} delivered"


def _discrepancy(discrepancy_ml: Decimal | None) -> str:
    if discrepancy_ml is None:
        return ""
    if discrepancy_ml == 0:
        return "as expected"
    return f"{plain(abs(discrepancy_ml))} mL {'less' if discrepancy_ml > 0 else 'more'} in it"


def _accuracy(check: RefillCheck) -> str:
    if check.is_within_accuracy is None:
        return ""
    side = "within" if check.is_within_accuracy else "outside"
    return f"{'above 2 mL, ' if check.is_above_2_ml else ''}{side} ± {plain(check.accuracy_pct)} %"
