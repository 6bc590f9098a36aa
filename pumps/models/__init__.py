from pumps.models.catalogue import PriorVersion, PumpModel
from pumps.models.draft import VisitDraft
from pumps.models.forecast import FleetCheck, FleetFigure, FleetPart, Forecast, StandingOut
from pumps.models.ledger import Event, IdempotencyKey
from pumps.models.product import DrugProduct
from pumps.models.pump import Handover, Pump, RefillOwner
from pumps.models.signing import DoseSignature

__all__ = [
    "DoseSignature",
    "DrugProduct",
    "Event",
    "FleetCheck",
    "FleetFigure",
    "FleetPart",
    "Forecast",
    "Handover",
    "IdempotencyKey",
    "PriorVersion",
    "Pump",
    "PumpModel",
    "RefillOwner",
    "StandingOut",
    "VisitDraft",
]
