"""Whom to telephone first, of one clinic or of several: the top of their call lists, at a bounded cost."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from alerts.models import Alert
from clinics.models import Clinic
from pumps.models import Forecast
from pumps.services.call_lists import Line, facts_of, line_of, most_urgent_first, to_phone, visits_to_remind_of
from scheduling.models import VisitRules

# Whom to call first is looked for among so many that are due first, and so many visits that come first.
LOOKED_AT = 200


@dataclass(frozen=True)
class ToCall:
    """The first ones to telephone; `count` is of those found, `is_more` that not all were looked at."""

    lines: Sequence[Line]
    count: int
    is_more: bool


def to_call(clinics: Sequence[Clinic], now: datetime, most: int) -> ToCall:
    """Whom these clinics have to telephone first, as `call_list` has it for each: most urgent first.

    Bounded, however many clinics there are and however many are due: LOOKED_AT rows of each of three indexes.
    """
    ids = [clinic.pk for clinic in clinics]
    alerts = list(Alert.objects.refills_first_due(ids)[:LOOKED_AT])
    stopped = list(Alert.objects.stopped_first(ids)[:LOOKED_AT])
    rules = VisitRules.objects.of(ids)
    visits = list(visits_to_remind_of(rules, now).order_by("starts_at", "pk")[:LOOKED_AT])
    by_pump: dict[int | None, list[Alert]] = defaultdict(list)
    for alert in (*alerts, *stopped):
        by_pump[alert.pump_id].append(alert)
    pumps = {*by_pump, *(visit.pump_id for visit in visits)}
    fleet = Forecast.objects.on_worklist().filter(pump__in=pumps)
    rows = list(fleet.select_related("pump__patient", "pump__clinic", "clinic"))
    facts = facts_of(clinics, rows, rules, now)
    lines = (line_of(row, by_pump.get(row.pump_id, []), facts[row.clinic_id]) for row in rows)
    found = to_phone(most_urgent_first(lines))
    return ToCall(found[:most], len(found), LOOKED_AT in (len(alerts), len(stopped), len(visits)))
