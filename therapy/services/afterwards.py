"""A dose that was made without a signature, as whoever signs it afterwards has to see it."""

from datetime import datetime, timedelta
from decimal import Decimal

from clinical.findings import Finding, of_unknown
from pumps.models import Event, Pump
from therapy.services import drafts
from therapy.services.draft_findings import gravest_first
from therapy.standing import standing_of
from therapy.wanted import Wanted

_JUST = timedelta(microseconds=1)


def looked_back(pump: Pump, event: Event) -> drafts.Draft:
    """A dose change held against what ran just before it, by the rules of today. `pump` comes with model, clinic and
    patient. It has been made: its bridge bolus, if one was due, is asked for where it is recorded.
    """
    standing = standing_of(pump, event.occurred_at - _JUST)
    return drafts.held(
        pump, _made(event), standing, now=event.occurred_at, bridge=None, told=standing.concentration_mcg_per_ml
    )


def findings(pump: Pump, draft: drafts.Draft, now: datetime) -> list[Finding]:
    """What there is to say of the step, and that nothing flows by now, the gravest first."""
    present = standing_of(pump, now)
    is_stopped = present.program is None and present.changed_at is not None
    stopped = [of_unknown("stopped", present.changed_at)] if is_stopped else []
    return gravest_first([*stopped, *draft.findings])


def _made(event: Event) -> Wanted:
    return Wanted(
        mode=event.mode,
        daily_dose_mcg=event.daily_dose_mcg if event.daily_dose_mcg is not None else Decimal(0),
        steps=event.steps,
        boluses=event.boluses,
        patient_bolus_mcg=event.patient_bolus_mcg,
        patient_boluses_per_day=event.patient_boluses_per_day,
        reason=event.reason,
    )
