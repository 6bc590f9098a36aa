"""The course of a patient's therapy: phases, screening, proposed and signed doses, tapers, and what is measured.

What was entered is never changed: it is declared as entered in error, or followed by something newer.
"""

from therapy.models.course import AdverseEvent, Assessment, Medicine, OfCourse, Phase, PhaseChange, RescuePlan
from therapy.models.doses import Proposal, ProposalState, WeaningPlan
from therapy.models.rules import ProgramTemplate, Protocol
from therapy.models.screening import Trial, TrialBolus

__all__ = [
    "AdverseEvent",
    "Assessment",
    "Medicine",
    "OfCourse",
    "Phase",
    "PhaseChange",
    "ProgramTemplate",
    "Proposal",
    "ProposalState",
    "Protocol",
    "RescuePlan",
    "Trial",
    "TrialBolus",
    "WeaningPlan",
]
