"""A pump read as its page reads it."""

from datetime import datetime

from pumps import reading
from pumps.models import Forecast, Pump
from tests.builders import NOW


def read(pump: Pump, now: datetime = NOW) -> reading.Reading:
    fresh = Pump.objects.select_related("model", "clinic", "patient").get(pk=pump.pk)
    return reading.read(fresh, Forecast.objects.select_related("prior_version").get(pump=pump), now)
