"""How long after it was due each message left: what the engine's delay is judged by."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db import connection


@dataclass(frozen=True)
class Delay:
    """Of the messages that left in an hour: how many, and by how many seconds after they were due."""

    hour: datetime
    messages: int
    median_s: float
    longest_s: float


# The index `notification_sent` serves the range; at most an hour a row. A message that was tried again counts from when
# it was to be tried next; what is shown on screen leaves with its row and says nothing of delivery.
_BY_HOUR = """
SELECT
    date_trunc('hour', sent_at) AS hour,
    count(*),
    percentile_cont(0.5) WITHIN GROUP (ORDER BY greatest(extract(epoch FROM sent_at - due_at), 0)),
    max(greatest(extract(epoch FROM sent_at - due_at), 0))
FROM alerts_notification
WHERE sent_at >= %s AND state = 'sent' AND channel <> 'screen' AND clinic_id = ANY(%s)
GROUP BY hour ORDER BY hour
"""


def delays(clinics: Collection[int], *, since: datetime) -> list[Delay]:
    """By hour, oldest first; only hours in which something left. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_BY_HOUR, [since, list(clinics)])
        return [Delay(hour, count, float(median), float(longest)) for hour, count, median, longest in cursor.fetchall()]
