"""Ledgers of every kind of event for hypothesis: what a clinic could enter, and much that it should not."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from hypothesis import strategies as st

from clinical.ledger import (
    AlarmReport,
    Bridge,
    Emptying,
    Fill,
    Interrogation,
    LedgerEvent,
    Motor,
    MotorChange,
    MriScan,
    ProgramChange,
    PumpBolus,
    ReservoirAccess,
)
from clinical.programs import Bolus, Mode, Program, Step, checked, daily_sum_mcg
from clinical.watching import PumpAlarm
from tests.clinical.ledgers import START, after

# Quarters of an hour over ten months, and a few moments at which much happens at once.
moments = st.one_of(st.integers(0, 96 * 300), st.sampled_from([0, 96, 96 * 30, 96 * 60])).map(
    lambda quarters: START + timedelta(minutes=15 * quarters)
)
offsets = st.sampled_from([0, -5 * 3600, -12 * 3600, 19_800, 20_700, 13 * 3600, 60])
volumes = st.one_of(st.sampled_from(["0", "0.1", "2", "40"]), st.integers(1, 400).map(lambda x: str(x / 10))).map(
    Decimal
)
doses = st.one_of(st.sampled_from(["0.0001", "1", "2003.1"]), st.integers(10, 1500).map(str)).map(Decimal)
weeks: st.SearchStrategy[list[tuple[int, ...]]] = st.sampled_from(
    [[()], [()], [(), (0,)], [(), (5, 6)], [(0, 1, 2, 3, 4), (5, 6)], [(), (2,), (6,)]]
)
times = st.integers(0, 1439)


def by_minute(amounts: st.SearchStrategy[int], needs_one: bool, most: int) -> st.SearchStrategy[list[tuple[int, int]]]:
    """Amounts at minutes of a day, in order."""
    return st.dictionaries(times, amounts, min_size=int(needs_one), max_size=most).map(
        lambda each: sorted(each.items())
    )


@st.composite
def shaped_programs(draw: st.DrawFn) -> Program:
    """Flex or periodic boluses, with weekdays or without; the daily dose is what it adds up to."""
    groups = draw(weeks)
    has_steps = draw(st.booleans())
    steps = [
        Step(minute, Decimal(rate) / 4, days)
        for days in sorted(groups)
        for minute, rate in draw(by_minute(st.integers(0, 120), has_steps, 3 if has_steps else 0))
    ]
    boluses = [
        Bolus(minute, Decimal(dose), days)
        for days in sorted(groups)
        for minute, dose in draw(by_minute(st.integers(1, 60), not has_steps, 2))
    ]
    mode = Mode.FLEX if steps else Mode.PERIODIC_BOLUS
    program = Program(mode, Decimal(1), tuple(steps), tuple(boluses))
    total = daily_sum_mcg(program)
    return Program(Mode.STOPPED, Decimal(0)) if total == 0 else replace(program, daily_dose_mcg=round(total, 12))


@st.composite
def programs(draw: st.DrawFn) -> Program:
    plain = [Mode.SIMPLE_CONTINUOUS, Mode.MINIMUM_RATE]
    program = draw(
        st.one_of(
            st.builds(Program, st.sampled_from(plain), doses),
            shaped_programs(),
            st.just(Program(Mode.STOPPED, Decimal(0))),
        )
    )
    if program.mode is not Mode.STOPPED and draw(st.integers(0, 3)) == 0:
        program = replace(
            program,
            patient_bolus_mcg=Decimal(draw(st.integers(1, 40))),
            patient_boluses_per_day=draw(st.integers(1, 6)),
        )
    return checked(program)


def changes(program: st.SearchStrategy[Program] | None = None) -> st.SearchStrategy[ProgramChange]:
    return st.builds(ProgramChange, moments, program or programs(), offsets, st.booleans())


@st.composite
def fills(draw: st.DrawFn) -> Fill:
    emptying = draw(st.sampled_from([Emptying.EMPTIED] * 3 + [Emptying.PARTIAL, Emptying.TOP_UP]))
    aspirated = None if emptying is Emptying.TOP_UP else draw(st.one_of(st.none(), volumes))
    concentration = Decimal(draw(st.sampled_from([500, 2000])))
    return Fill(
        at=draw(moments),
        filled_ml=draw(volumes),
        aspirated_ml=aspirated,
        concentration_mcg_per_ml=concentration,
        programmed_concentration_mcg_per_ml=draw(st.sampled_from([concentration, Decimal(500)])),
        stability_days=draw(st.one_of(st.none(), st.integers(1, 400))),
        drug_expires_on=draw(st.one_of(st.none(), st.integers(0, 900).map(lambda days: after(days).date()))),
        emptying=emptying,
    )


readings = st.builds(
    Interrogation,
    moments,
    st.one_of(st.none(), volumes),
    st.one_of(st.none(), doses),
    st.one_of(st.none(), offsets),
    st.lists(st.sampled_from(PumpAlarm), max_size=2, unique=True).map(tuple),
    st.one_of(st.none(), st.integers(0, 2000).map(Decimal)),
)
motor_changes = st.builds(MotorChange, moments, st.sampled_from(Motor))
boluses = st.one_of(
    st.builds(PumpBolus, moments, st.integers(1, 2000).map(Decimal), st.none()),
    st.builds(PumpBolus, moments, st.none(), volumes),
)
bridges = st.builds(Bridge, moments, volumes.filter(bool), st.integers(1, 720).map(Decimal))
accesses = st.builds(ReservoirAccess, moments, volumes, volumes)
notes = st.one_of(
    st.builds(MriScan, moments, st.sampled_from([None, True, False])),
    st.builds(AlarmReport, moments, st.sampled_from([None, 1, 2])),
)
events: st.SearchStrategy[LedgerEvent] = st.one_of(
    fills(), changes(), readings, motor_changes, boluses, bridges, accesses, notes
)


def distinct(event: LedgerEvent) -> tuple[object, ...]:
    """Two events of one kind at one moment cannot stand in a ledger."""
    kind = event.motor if isinstance(event, MotorChange) else None
    is_primed = event.volume_ml is not None if isinstance(event, PumpBolus) else None
    return event.at, type(event), kind, is_primed


def ledgers(max_size: int = 12) -> st.SearchStrategy[list[LedgerEvent]]:
    """Any events, often with a fill and a dose to begin with."""
    return ledgers_of(events, max_size)


def ledgers_of(kinds: st.SearchStrategy[LedgerEvent], max_size: int) -> st.SearchStrategy[list[LedgerEvent]]:
    anything = st.lists(kinds, max_size=max_size, unique_by=distinct)
    nothing: list[LedgerEvent] = []
    first: st.SearchStrategy[list[LedgerEvent]] = st.one_of(st.just(nothing), st.tuples(fills(), changes()).map(list))
    return st.tuples(first, anything).map(lambda both: _apart([*both[0], *both[1]]))


def _apart(events: list[LedgerEvent]) -> list[LedgerEvent]:
    return list({distinct(event): event for event in events}.values())
