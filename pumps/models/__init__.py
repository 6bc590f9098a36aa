from pumps.models.catalogue import PriorVersion, PumpModel
from pumps.models.forecast import FleetCheck, FleetFigure, FleetPart, Forecast
from pumps.models.ledger import Event, IdempotencyKey
from pumps.models.product import DrugProduct
from pumps.models.pump import Handover, Pump, RefillOwner

__all__ = [
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
]
