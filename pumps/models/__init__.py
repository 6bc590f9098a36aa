from pumps.models.catalogue import PriorVersion, PumpModel
from pumps.models.forecast import FleetCheck, Forecast
from pumps.models.ledger import Event, IdempotencyKey
from pumps.models.pump import Pump

__all__ = ["Event", "FleetCheck", "Forecast", "IdempotencyKey", "PriorVersion", "Pump", "PumpModel"]
