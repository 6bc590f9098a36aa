"""The check of each refill in words: expected, aspirated, and what it says of the pump."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinical.checks import RefillCheck, Trend, Uncounted, refill_checks
from clinical.units import plain
from pumps.reading import Reading

# So many refills are seen at once; those before are behind a fold.
SHOWN = 8

WHY_UNCOUNTED = {
    Uncounted.FIRST_FILL: gettext_lazy("first fill: nothing before it"),
    Uncounted.NOT_EMPTIED: gettext_lazy("not emptied, so what was left was not measured"),
    Uncounted.NOT_MEASURED: gettext_lazy("what was aspirated is not recorded"),
    Uncounted.FLOW_UNKNOWN: gettext_lazy("no dose or flow is recorded before it"),
    Uncounted.DOSE_UNSEEN: gettext_lazy("the dose since the fill before is not recorded"),
    Uncounted.OPEN_STALL: gettext_lazy("a motor stall before it has no recovery recorded"),
    Uncounted.PATIENT_BOLUSES: gettext_lazy("patient boluses since the fill before were never read"),
    Uncounted.NOTHING_FLOWED: gettext_lazy("nothing was programmed to flow"),
    Uncounted.DRY: gettext_lazy("nothing aspirated: the pump may have run dry, so it delivered at least this"),
}
TRENDS = {
    Trend.TOO_FEW: gettext_lazy("Trend: too few measured refills to tell (four are needed)."),
    Trend.STEADY: gettext_lazy(
        "Trend: steady. The last three measured refills show about the same flow ratio as those before."
    ),
    Trend.RISING: gettext_lazy(
        "Trend: rising. The last three measured refills show a higher flow ratio than those before."
    ),
    Trend.FALLING: gettext_lazy(
        "Trend: falling. The last three measured refills show a lower flow ratio than those before."
    ),
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
    return RefillsChecked(rows[:SHOWN], rows[SHOWN:], str(TRENDS[found[-1].trend if found else Trend.TOO_FEW]))


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
        counted=_("counts") if check.uncounted is None else str(WHY_UNCOUNTED[check.uncounted]),
    )


def _volume(volume_ml: Decimal | None) -> str:
    return _("%(volume_ml)s mL") % {"volume_ml": plain(volume_ml)} if volume_ml is not None else ""


def _off(check: RefillCheck) -> str:
    if check.z is None:
        return ""
    z = {"z": f"{abs(check.z):.1f}"}
    if check.uncounted is Uncounted.DRY:
        return _("at least %(z)s sd more delivered") % z if check.z > 0 else _("at least %(z)s sd less delivered") % z
    return _("%(z)s sd more delivered") % z if check.z > 0 else _("%(z)s sd less delivered") % z


def _discrepancy(discrepancy_ml: Decimal | None) -> str:
    if discrepancy_ml is None:
        return ""
    if discrepancy_ml == 0:
        return _("as expected")
    off = {"ml": plain(abs(discrepancy_ml))}
    return _("%(ml)s mL less in it") % off if discrepancy_ml > 0 else _("%(ml)s mL more in it") % off


def _accuracy(check: RefillCheck) -> str:
    if check.is_within_accuracy is None:
        return ""
    accuracy = {"pct": plain(check.accuracy_pct)}
    if check.is_within_accuracy:
        told = _("above 2 mL, within ± %(pct)s %%") if check.is_above_2_ml else _("within ± %(pct)s %%")
    else:
        told = _("above 2 mL, outside ± %(pct)s %%") if check.is_above_2_ml else _("outside ± %(pct)s %%")
    return told % accuracy
