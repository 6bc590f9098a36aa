"""Rows of a course of therapy, for tests."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from clinical.reading_back import Settings
from clinics.models import User
from pumps.models import Pump
from tests.builders import NOW
from therapy.models import Proposal
from therapy.services import proposals
from therapy.wanted import Wanted


def wanted(dose: str = "220", **fields: Any) -> Wanted:
    values = {"mode": "simple_continuous", "daily_dose_mcg": Decimal(dose), "reason": "still stiff", **fields}
    return Wanted(**values)


def a_proposal(pump: Pump, by: User, dose: str = "220", *, now: datetime = NOW, **fields: Any) -> Proposal:
    return proposals.propose(pump_id=pump.pk, wanted=wanted(dose, **fields), by=by, now=now)


def a_signed_proposal(
    pump: Pump, by: User, signer: User, dose: str = "220", *, now: datetime = NOW, **fields: Any
) -> Proposal:
    made = a_proposal(pump, by, dose, now=now, **fields)
    return proposals.sign(proposal_id=made.pk, override_reason="", by=signer, now=now)


def confirm(proposal: Proposal, by: User, dose: str = "220", concentration: str = "500", **fields: Any) -> Any:
    fields.setdefault("mode", proposal.mode)
    read = Settings(Decimal(dose), Decimal(concentration), **fields)
    return proposals.confirm(proposal_id=proposal.pk, read=read, by=by, source="page", now=NOW)
