from decimal import Decimal as D

import pytest

from clinical import calculators
from clinical.calculators import NoCatheter, ResidualAnswer


def residual(filled: str, programmed: str, aspirated: str, accuracy: str = "14.5") -> ResidualAnswer:
    return calculators.residual(
        filled_ml=D(filled), programmed_ml=D(programmed), aspirated_ml=D(aspirated), accuracy_pct=D(accuracy)
    )


@pytest.mark.parametrize(
    ("filled", "programmed", "aspirated", "expected", "discrepancy", "ratio", "codes"),
    [
        ("40", "35", "3", "5", "2", "1.057143", []),  # 2.0 is within
        ("40", "35", "2.9", "5", "2.1", "1.06", ["discrepancy"]),  # 2.1 is not
        ("40", "35", "7", "5", "-2", "0.942857", []),
        ("40", "35", "7.1", "5", "-2.1", "0.94", ["discrepancy"]),
        ("20", "10", "8.55", "10", "1.45", "1.145", []),  # exactly 14.5 % is within
        ("20", "10", "8.54", "10", "1.46", "1.146", ["discrepancy"]),
        ("20", "10", "11.46", "10", "-1.46", "0.854", ["discrepancy"]),
        ("20", "18", "0", "2", "2", "1.111111", ["aspirated_zero"]),
        ("20", "25", "0", "0", "0", "0.8", ["aspirated_zero"]),  # it ran dry: no under-delivery
        ("20", "0", "20", "20", "0", None, []),
        ("20", "0", "17", "20", "3", None, ["discrepancy"]),
    ],
)
def test_what_is_left_against_what_should_be(
    filled: str, programmed: str, aspirated: str, expected: str, discrepancy: str, ratio: str | None, codes: list[str]
) -> None:
    found = residual(filled, programmed, aspirated)
    assert (found.expected_ml, found.discrepancy_ml) == (D(expected), D(discrepancy))
    assert [finding.code for finding in found.findings] == codes
    if ratio is None:
        assert found.flow_ratio is None
    else:
        assert found.flow_ratio is not None
        assert abs(found.flow_ratio - D(ratio)) < D("1e-6")


def test_the_likely_causes_depend_on_the_side() -> None:
    [less], [more] = residual("40", "35", "1").findings, residual("40", "35", "9").findings
    assert "over-delivery, or a pocket fill" in less.message
    assert "under-delivery, a motor stall or a catheter problem" in more.message
    assert less.severity == more.severity == "warn"


def test_accuracy_is_the_models() -> None:
    """1.3 mL of 12 mL is 10.8 %: outside MedStream's 10 %, inside Prometra's 15 %."""
    assert residual("20", "12", "6.7", "10").findings
    assert not residual("20", "12", "6.7", "15").findings


def test_a_catheters_volume_from_either_length() -> None:
    """Prometra: (110 - 30) x 0.0026 = 0.208 mL. Medtronic has no length in the catalogue: 80 x 0.0022 = 0.176 mL."""
    prometra = {"ml_per_cm": D("0.0026"), "length_cm": D(110)}
    assert calculators.catheter_volume(**prometra, trimmed_cm=D(30)) == D("0.208")
    assert calculators.catheter_volume(**prometra, trimmed_cm=D(0)) == D("0.286")
    assert calculators.catheter_volume(**prometra, implanted_length_cm=D(80)) == D("0.208")
    assert calculators.catheter_volume(ml_per_cm=D("0.0022"), length_cm=None, implanted_length_cm=D(80)) == D("0.176")


@pytest.mark.parametrize(
    ("per_cm", "length", "implanted", "trimmed", "field"),
    [
        ("0.0026", "110", None, None, "implanted_length_cm"),
        ("0.0026", "110", "80", "30", "trimmed_cm"),
        (None, None, "80", None, "model"),
        ("0.0022", None, None, "30", "trimmed_cm"),
        ("0.0026", "110", None, "110", "trimmed_cm"),
        ("0.0026", "110", "110.1", None, "implanted_length_cm"),
    ],
)
def test_what_is_missing_is_named(
    per_cm: str | None, length: str | None, implanted: str | None, trimmed: str | None, field: str
) -> None:
    def number(text: str | None) -> D | None:
        return D(text) if text is not None else None

    with pytest.raises(NoCatheter) as caught:
        calculators.catheter_volume(
            ml_per_cm=number(per_cm),
            length_cm=number(length),
            implanted_length_cm=number(implanted),
            trimmed_cm=number(trimmed),
        )
    assert caught.value.field == field
