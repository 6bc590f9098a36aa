"""A patient's course goes with them to another clinic: what was measured and kept, not what is still being decided."""

from datetime import datetime
from typing import Any

from clinical.saying import say
from clinics.models import User
from patients.models import Patient
from pumps.services.transfers import copied
from therapy.models import (
    AdverseEvent,
    Assessment,
    Medicine,
    OfCourse,
    PhaseChange,
    Proposal,
    ProposalState,
    RescuePlan,
    Trial,
    WeaningPlan,
)

RECORDS: tuple[type[OfCourse], ...] = (PhaseChange, AdverseEvent, Medicine, RescuePlan)


def copy_course(sender: Any, *, old: Patient, new: Patient, by: User, now: datetime, **kwargs: Any) -> None:
    """Within the transaction in which the other clinic takes the patient over. What is an error comes as one.

    Proposals and tapers are of prescribers of the clinic that made them: what is open ends. A signed taper's planned
    doses come with the ledger.
    """
    told = say("The patient was taken over by another clinic")
    Proposal.objects.open().filter(patient=old).update(
        state=ProposalState.WITHDRAWN, withdrawn_at=now, withdrawn_by=by, withdrawn_reason=told
    )
    WeaningPlan.objects.open().filter(patient=old).update(
        state=WeaningPlan.State.ENDED, ended_at=now, ended_by=by, ended_reason=told
    )
    for model in RECORDS:
        for row in model._default_manager.filter(patient=old).order_by("pk"):
            copied(row, patient=new)
    boluses: dict[int, Any] = {}
    for trial in Trial.objects.filter(patient=old).order_by("pk"):
        # The protocol is the old clinic's own.
        again = copied(trial, patient=new, protocol=None)
        for bolus in trial.boluses.all():
            boluses[bolus.pk] = copied(bolus, trial=again)
    for row in Assessment.objects.filter(patient=old).order_by("pk"):
        copied(row, patient=new, bolus=boluses.get(row.bolus_id) if row.bolus_id is not None else None)
