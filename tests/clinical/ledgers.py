"""Short builders of clinical facts."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from clinical.ledger import Fill, Prior, ProgramChange, PumpFacts
from clinical.programs import Bolus, Mode, Program, Step, checked
from clinical.terms import ClinicRules, Device

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
RULES = ClinicRules(ZoneInfo("America/New_York"), 7, 180)


def after(days: float) -> datetime:
    return START + timedelta(days=days)


def facts(low: str = "2", *, factory_flow: str | None = None, programmable: bool = True) -> PumpFacts:
    flow = Decimal(factory_flow) if factory_flow is not None else None
    return PumpFacts(Decimal(low), Prior(1.0, 0.05, 0.7), programmable, flow)


def a_device(low: str = "2", **fields: object) -> Device:
    device = Device(facts(low), date(2025, 1, 7), 7, Decimal("0.048"), Decimal(24))
    return Device(**{**device.__dict__, **fields})


def fill(
    days: float,
    filled: str = "40",
    aspirated: str | None = None,
    concentration: str = "500",
    *,
    programmed: str | None = None,
    stability_days: int | None = None,
    expires_on: date | None = None,
) -> Fill:
    return Fill(
        at=after(days),
        filled_ml=Decimal(filled),
        aspirated_ml=Decimal(aspirated) if aspirated is not None else None,
        concentration_mcg_per_ml=Decimal(concentration),
        programmed_concentration_mcg_per_ml=Decimal(programmed or concentration),
        stability_days=stability_days,
        drug_expires_on=expires_on,
    )


def dose(days: float, mcg: str = "200", *, offset_s: int = 0) -> ProgramChange:
    return ProgramChange(after(days), checked(Program(Mode.SIMPLE_CONTINUOUS, Decimal(mcg))), offset_s)


def stop(days: float) -> ProgramChange:
    return ProgramChange(after(days), checked(Program(Mode.STOPPED, Decimal(0))), 0)


def shaped(
    days: float,
    mcg: str,
    steps: list[tuple[int, str]],
    boluses: list[tuple[int, str]] | None = None,
    *,
    offset_s: int = 0,
) -> ProgramChange:
    program = Program(
        Mode.FLEX if steps else Mode.PERIODIC_BOLUS,
        Decimal(mcg),
        tuple(Step(start, Decimal(rate)) for start, rate in steps),
        tuple(Bolus(at, Decimal(amount)) for at, amount in boluses or []),
    )
    return ProgramChange(after(days), checked(program), offset_s)
