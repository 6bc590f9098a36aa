"""Findings on what a pump was heard, read or scanned to do: they stand until somebody has looked at the pump."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar

from clinical.findings import Finding, Severity
from clinical.ledger import (
    AlarmReport,
    Fill,
    Interrogation,
    LedgerEvent,
    Motor,
    MotorChange,
    MriScan,
    ProgramChange,
)
from clinical.saying import say
from clinical.units import plain

ALARMS_SOURCE = say("clinical rules, section 4 (alarms)")
MRI_SOURCE = say("clinical rules, section 2 (pump stopped, MRI): MRI guidance, TGA, manuals")
# The volume a programmer shows is computed from the program, so it agrees with the ledger but for rounding and for
# entries that are missing. Our own bound, mL; it informs, and nothing is computed from it.
READING_TOLERANCE_ML = 1.0
# A pump with its replacement indicator on stops so many days later (clinical rules, section 2: life).
STOPS_AFTER_INDICATOR = timedelta(days=90)


class PumpAlarm(StrEnum):
    """Alarms in a pump's log, as a programmer names them (clinical rules, section 4)."""

    LOW_RESERVOIR = "low_reservoir"
    EMPTY_RESERVOIR = "empty_reservoir"
    REPLACEMENT_DUE = "replacement_due"
    END_OF_SERVICE = "end_of_service"
    MOTOR_STALL = "motor_stall"
    STOPPED_48_HOURS = "stopped_48_hours"
    MEMORY_ERROR = "memory_error"
    CRITICAL_MEMORY_ERROR = "critical_memory_error"


LOGGED_WORDS = {
    PumpAlarm.LOW_RESERVOIR: say("low reservoir"),
    PumpAlarm.EMPTY_RESERVOIR: say("empty reservoir"),
    PumpAlarm.REPLACEMENT_DUE: say("replacement due"),
    PumpAlarm.END_OF_SERVICE: say("end of service"),
    PumpAlarm.MOTOR_STALL: say("motor stall"),
    PumpAlarm.STOPPED_48_HOURS: say("stopped 48 hours"),
    PumpAlarm.MEMORY_ERROR: say("memory error"),
    PumpAlarm.CRITICAL_MEMORY_ERROR: say("critical memory error"),
}
# With these the drug may not be flowing: an emergency.
TWO_TONES = frozenset(
    {
        PumpAlarm.EMPTY_RESERVOIR,
        PumpAlarm.END_OF_SERVICE,
        PumpAlarm.MOTOR_STALL,
        PumpAlarm.STOPPED_48_HOURS,
        PumpAlarm.CRITICAL_MEMORY_ERROR,
    }
)
E = TypeVar("E")


def _last(ledger: Sequence[LedgerEvent], kind: type[E]) -> E | None:
    return next((event for event in reversed(ledger) if isinstance(event, kind)), None)


def _looked_at(ledger: Sequence[LedgerEvent], since: datetime) -> bool:
    """Whether the pump was read, refilled or seen to have recovered after a moment."""
    return any(
        event.at > since
        and (
            isinstance(event, Interrogation | Fill)
            or (isinstance(event, MotorChange) and event.motor is Motor.RECOVERED)
        )
        for event in ledger
    )


def of_alarm(ledger: Sequence[LedgerEvent]) -> list[Finding]:
    """A reported alarm, until the pump has been interrogated or refilled. `ledger` is in order."""
    alarm = _last(ledger, AlarmReport)
    if alarm is None or _looked_at(ledger, alarm.at):
        return []
    if alarm.tones == 1:
        return [
            Finding(
                "alarm_one_tone",
                Severity.WARN,
                say(
                    "The pump was heard to alarm with one tone: low reservoir, replacement due within 90 "
                    "days, or a memory error that is not critical. See the patient today and interrogate the "
                    "pump."
                ),
                ALARMS_SOURCE,
                alarm.at,
            )
        ]
    heard = say("with two tones") if alarm.tones == 2 else say("(nobody could tell how)")
    return [
        Finding(
            "alarm_two_tones",
            Severity.HIGH,
            say(
                "The pump was heard to alarm %(heard)s: empty, end of service, motor stall, stopped more "
                "than 48 hours, or a critical memory error. Drug may not be flowing: this is an "
                "emergency. Interrogate the pump now.",
                heard=heard,
            ),
            ALARMS_SOURCE,
            alarm.at,
        )
    ]


def of_mri(ledger: Sequence[LedgerEvent], behaviour: str) -> list[Finding]:
    """A scan after which nobody has looked at the pump. `behaviour` is the catalogue's: stalls, empty-first, verify."""
    scan = _last(ledger, MriScan)
    if scan is None or _looked_at(ledger, scan.at):
        return []
    wrong = behaviour == "empty-first" and scan.reservoir_emptied is not True
    told = {
        "stalls": say(
            "The motor stalls in the scanner and can take 2 to 24 hours to recover. Interrogate the "
            "pump after the scan, and again if the recovery is not in its log. A pump that was "
            "sounding an alarm restarts only once it is interrogated."
        ),
        "empty-first": say(
            "This model must be emptied before a scan and filled again after it. That it was emptied "
            "is not recorded: call the prescriber and the manufacturer now."
        )
        if wrong
        else say("This model must be emptied before a scan and filled again after it."),
    }.get(behaviour, say("What this model does in a scanner is not confirmed: look it up in the manual."))
    return [
        Finding(
            "mri_not_interrogated",
            Severity.HIGH if wrong else Severity.WARN,
            say("The patient had an MRI scan and nobody has interrogated the pump since. %(told)s", told=told),
            MRI_SOURCE,
            scan.at,
        )
    ]


def of_reading(ledger: Sequence[LedgerEvent]) -> list[Finding]:
    """What the last interrogation showed: alarms in the log, and a dose that is not the ledger's."""
    found = []
    reading = _last(ledger, Interrogation)
    if reading is not None and reading.alarms:
        serious = sorted(TWO_TONES & set(reading.alarms))
        names = ", ".join(LOGGED_WORDS[PumpAlarm(alarm)] for alarm in reading.alarms)
        found.append(
            Finding(
                "alarms_in_log",
                Severity.HIGH if serious else Severity.WARN,
                say("The pump's log showed: %(alarms)s. Drug may not be flowing: this is an emergency.", alarms=names)
                if serious
                else say("The pump's log showed: %(alarms)s.", alarms=names),
                ALARMS_SOURCE,
                reading.at,
            )
        )
    found += _of_dose(ledger, reading)
    return found


def reading_differs(gap_ml: float) -> Finding:
    """The last volume that was read is not the ledger's; `gap_ml` is by how much, beyond READING_TOLERANCE_ML."""
    direction = say("more") if gap_ml > 0 else say("less")
    return Finding(
        "reading_differs",
        Severity.WARN,
        say(
            "The programmer showed %(gap_ml)s mL %(direction)s than this ledger makes it. The "
            "programmer computes its volume from the same program, so a fill, a dose or a bolus is "
            "missing here or wrong.",
            gap_ml=f"{abs(gap_ml):.1f}",
            direction=direction,
        ),
        say("arithmetic: programmed volume of the ledger against the programmer's"),
    )


def _of_dose(ledger: Sequence[LedgerEvent], reading: Interrogation | None) -> list[Finding]:
    """A dose that the programmer showed and the ledger does not have, until another is recorded."""
    made = [event for event in ledger if isinstance(event, ProgramChange) and not event.is_planned]
    change = made[-1] if made else None
    if reading is None or reading.daily_dose_mcg is None or (change is not None and change.at > reading.at):
        return []
    recorded = change.program.daily_dose_mcg if change is not None else None
    if recorded == reading.daily_dose_mcg:
        return []
    known = say("%(recorded)s mcg/day", recorded=plain(recorded)) if recorded is not None else say("no dose")
    return [
        Finding(
            "dose_differs",
            Severity.HIGH,
            say(
                "The programmer showed %(daily_dose_mcg)s mcg/day, this ledger has %(known)s: a dose "
                "change is not recorded, or wrong. The dates follow the ledger, so record what the pump "
                "really runs on.",
                daily_dose_mcg=plain(reading.daily_dose_mcg),
                known=known,
            ),
            say("arithmetic: dose of the ledger against the programmer's"),
            reading.at,
        )
    ]


def replacement_indicated_at(ledger: Sequence[LedgerEvent]) -> datetime | None:
    """When an interrogation first showed the replacement indicator."""
    shown = (
        event.at for event in ledger if isinstance(event, Interrogation) and PumpAlarm.REPLACEMENT_DUE in event.alarms
    )
    return min(shown, default=None)


def of_plans(ledger: Sequence[LedgerEvent]) -> list[Finding]:
    """Every planned dose, until somebody has said that it was programmed or another took its place."""
    changes = [event for event in ledger if isinstance(event, ProgramChange)]
    made = max((change.at for change in changes if not change.is_planned), default=None)
    open_plans = [change for change in changes if change.is_planned and (made is None or change.at > made)]
    return [_of_plan(change) for change in open_plans if not _shows(ledger, change)]


def _of_plan(change: ProgramChange) -> Finding:
    dose = change.program.daily_dose_mcg
    return Finding(
        "plan_unconfirmed",
        Severity.INFO,
        say(
            "%(dose)s mcg/day was planned, and nobody has confirmed that the pump was programmed so. "
            "The dates count on it from its moment on: once that has come, confirm it, or mark the "
            "plan as entered in error.",
            dose=plain(dose),
        ),
        say("Brim design, section 1"),
        change.at,
    )


def _shows(ledger: Sequence[LedgerEvent], change: ProgramChange) -> bool:
    """Whether an interrogation has shown the dose since."""
    dose = change.program.daily_dose_mcg
    return any(
        isinstance(event, Interrogation) and event.at >= change.at and event.daily_dose_mcg == dose for event in ledger
    )
