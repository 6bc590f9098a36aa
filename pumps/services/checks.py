"""The refills of a pump, each held against what was expected of it."""

from datetime import datetime

from clinical.checks import RefillCheck, refill_checks
from pumps import folding
from pumps.models import Forecast, Pump


def refills_of(pump: Pump) -> dict[datetime, RefillCheck]:
    """By moment, with the prior the forecast was made with; a pump has one refill a moment. `pump.model` is read."""
    version = Forecast.objects.select_related("prior_version").get(pump=pump).prior_version
    ledger = folding.ledgers([pump.pk]).get(pump.pk, [])
    found = refill_checks(folding.device(pump, version).facts, ledger, accuracy_pct=pump.accuracy_pct)
    return {check.at: check for check in found}
