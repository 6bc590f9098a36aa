"""What waits for a prescriber's signature."""

from collections.abc import Sequence
from dataclasses import dataclass

from clinics.models import Clinic, User
from clinics.roles import Permission
from pumps.models import DoseSignature
from pumps.services import signing
from therapy.models import Proposal, WeaningPlan

# So many of each are shown; the oldest come first.
MOST = 200


@dataclass(frozen=True)
class Waiting:
    proposals: Sequence[Proposal]
    weaning_plans: Sequence[WeaningPlan]
    doses: Sequence[DoseSignature]


def signs_in(user: User) -> list[int]:
    """The clinics in which the user may sign."""
    if user.access.can_everywhere(Permission.SIGN_DOSE):
        return list(Clinic.objects.values_list("pk", flat=True))
    return [pk for pk in user.access.by_clinic if user.access.can(Permission.SIGN_DOSE, pk)]


def how_many(user: User) -> int:
    """How many wait for the user's signature: three counts of what is open alone."""
    clinic_ids = signs_in(user)
    if not clinic_ids:
        return 0
    asked = (Proposal.objects.to_sign(clinic_ids), WeaningPlan.objects.to_sign(clinic_ids), signing.to_sign(clinic_ids))
    return sum(rows.count() for rows in asked)


def to_sign(user: User) -> Waiting:
    clinic_ids = signs_in(user)
    proposals = Proposal.objects.to_sign(clinic_ids)
    proposals = proposals.select_related("patient", "pump", "clinic", "protocol", "proposed_by", "signed_by")
    plans = WeaningPlan.objects.to_sign(clinic_ids).select_related("patient", "clinic", "drafted_by", "signed_by")
    return Waiting(list(proposals[:MOST]), list(plans[:MOST]), list(signing.to_sign(clinic_ids)[:MOST]))
