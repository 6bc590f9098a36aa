from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from alerts.services import delivery, digests, engine
from alerts.services.alone import alone
from alerts.services.engine import Part
from clinics.services import account_mail

# So many runs of delivery go on at once; leases keep them from sending one message twice.
SENDERS = ("deliver", "deliver-2")
# After so long a run ends, and the next one goes on.
LONGEST_RUN = timedelta(minutes=10)


@shared_task
def deliver() -> int:
    """Send everything deliverable, mail about accounts first, as one of two senders; returns how many it dealt with.

    A mail server that hangs holds up two worker slots, not the tick. A message only hurries this; the interval finds
    what is left.
    """
    for name in SENDERS:
        with alone(name) as is_alone:
            if is_alone:
                return _deliver(is_first=name == SENDERS[0])
    return 0


def _deliver(*, is_first: bool) -> int:
    started, sent = timezone.now(), 0
    if is_first:
        account_mail.send_due(for_at_most=delivery.LEASE / 2)
    engine.beat(Part.DELIVER, now=started)
    while (claimed_at := timezone.now()) - started < LONGEST_RUN and (ids := delivery.claim(claimed_at)):
        sent += delivery.deliver_all(ids, clock=timezone.now, claimed_at=claimed_at)
        engine.beat(Part.DELIVER, now=timezone.now())
    if is_first:
        digests.send_due(for_at_most=delivery.LEASE / 2)
    return sent
