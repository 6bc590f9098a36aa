"""The facts about pumps: what does not change between events, and the events themselves, as values."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise

from clinical.programs import Program


@dataclass(frozen=True)
class Prior:
    """What is believed of a pump's flow ratio before its own refills speak.

    Flow ratio (delivered / programmed) ~ N(mean, sd^2); `noise_ml` is the standard deviation of one
    measured residual volume in mL. Source: clinical-rules, section 2, calibration model. Ours, learned from a fleet
    (`clinical.learning`), 0 until then: `first_ml` is how much more than it delivered a pump's very first interval
    seems to have, on average (what every emptying leaves behind telescopes from one refill to the next, but not in the
    first; nor does what fills a new catheter), and `drift` the standard deviation of what the ratio changes in a year.
    """

    mean: float
    sd: float
    noise_ml: float
    first_ml: float = 0.0
    drift: float = 0.0


@dataclass(frozen=True)
class PumpFacts:
    """What does not change between events.

    `factory_flow_ml_per_day` is set for constant-flow pumps only; `programmable` says which kind it is.
    """

    low_reservoir_ml: Decimal
    prior: Prior
    programmable: bool = True
    factory_flow_ml_per_day: Decimal | None = None


class Emptying(StrEnum):
    """What was done to the reservoir before it was filled.

    After `emptied` the residue is taken as 0. After `partial` some was left (only part could be aspirated), at a
    `top_up` nothing was taken out: what was there stays, and counts with what is injected.
    """

    EMPTIED = "emptied"
    PARTIAL = "partial"
    TOP_UP = "top_up"


@dataclass(frozen=True)
class Fill:
    """A refill. `aspirated_ml` is None at the first fill; the residue after emptying is taken as 0.

    `concentration_mcg_per_ml` is of the drug that went in, the programmed one is what the pump was told.
    """

    at: datetime
    filled_ml: Decimal
    aspirated_ml: Decimal | None
    concentration_mcg_per_ml: Decimal
    programmed_concentration_mcg_per_ml: Decimal
    stability_days: int | None = None
    drug_expires_on: date | None = None
    formulation: str = ""
    emptying: Emptying = Emptying.EMPTIED


@dataclass(frozen=True)
class ProgramChange:
    """A dose program, running on a clock `clock_offset_s` seconds ahead of UTC. It ends a stop and a bridge.

    `is_planned` says that it was recorded before its moment: somebody has to confirm that it was programmed.
    """

    at: datetime
    program: Program
    clock_offset_s: int
    is_planned: bool = False


class Motor(StrEnum):
    """What a pump's motor does apart from its program."""

    STOPPED = "stopped"
    RESTARTED = "restarted"
    STALLED = "stalled"
    RECOVERED = "recovered"


@dataclass(frozen=True)
class MotorChange:
    """A stop and the restart with the same program; a stall and its recovery. Stall time delivers nothing."""

    at: datetime
    motor: Motor


@dataclass(frozen=True)
class PumpBolus:
    """Drug the pump gives at once beside its program: a single bolus in mcg, or a priming bolus in mL."""

    at: datetime
    dose_mcg: Decimal | None = None
    volume_ml: Decimal | None = None


@dataclass(frozen=True)
class Bridge:
    """A bridge bolus: for `duration_hours` the pump gives `volume_ml` in place of its program."""

    at: datetime
    volume_ml: Decimal
    duration_hours: Decimal


@dataclass(frozen=True)
class BridgeEnd:
    """When a bridge is over and the program goes on; derived from `Bridge`, never recorded."""

    at: datetime


@dataclass(frozen=True)
class ReservoirAccess:
    """Drug taken out of or put into the reservoir outside a refill, mL."""

    at: datetime
    aspirated_ml: Decimal
    injected_ml: Decimal


@dataclass(frozen=True)
class Interrogation:
    """What the programmer showed: the volume it computes (mL), the dose, the pump's clock, the alarms in its log.

    `patient_bolus_mcg` is what patient boluses gave altogether since the last fill, or the last reading of it if later.
    """

    at: datetime
    volume_ml: Decimal | None = None
    daily_dose_mcg: Decimal | None = None
    clock_offset_s: int | None = None
    alarms: tuple[str, ...] = ()
    patient_bolus_mcg: Decimal | None = None


@dataclass(frozen=True)
class MriScan:
    """`reservoir_emptied` is None where nobody said."""

    at: datetime
    reservoir_emptied: bool | None = None


@dataclass(frozen=True)
class AlarmReport:
    """A pump was heard to alarm: with one tone or two; None where nobody could tell."""

    at: datetime
    tones: int | None


LedgerEvent = (
    Fill
    | ProgramChange
    | MotorChange
    | PumpBolus
    | Bridge
    | BridgeEnd
    | ReservoirAccess
    | Interrogation
    | MriScan
    | AlarmReport
)

# What comes first of events at one moment: a bridge ends, the pump is read, it is filled, then programmed.
_RANK: dict[type, int] = {
    BridgeEnd: 0,
    Interrogation: 1,
    Fill: 2,
    ReservoirAccess: 3,
    ProgramChange: 4,
    MotorChange: 5,
    PumpBolus: 6,
    Bridge: 7,
    MriScan: 8,
    AlarmReport: 9,
}


def in_order(ledger: Sequence[LedgerEvent]) -> list[LedgerEvent]:
    """By moment, what is filled before what is programmed; with the end of each bridge in its place.

    A bridge that begins while another lasts takes its place, so only the later one has an end.
    """
    events = [event for event in ledger if not isinstance(event, BridgeEnd)]
    bridges = sorted((event for event in events if isinstance(event, Bridge)), key=lambda bridge: bridge.at)
    replaced = {id(one) for one, following in pairwise(bridges) if bridge_end(one) > following.at}
    ends = [BridgeEnd(bridge_end(bridge)) for bridge in bridges if id(bridge) not in replaced]
    return sorted([*events, *ends], key=lambda event: (event.at, _RANK[type(event)], _motor_rank(event)))


def _motor_rank(event: LedgerEvent) -> int:
    """Of one moment the stop before the restart, the stall before its recovery, whichever was entered first."""
    return list(Motor).index(event.motor) if isinstance(event, MotorChange) else 0


def bridge_end(bridge: Bridge) -> datetime:
    return bridge.at + timedelta(seconds=round(bridge.duration_hours * 3600))
