from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Self

from django.db.models import Q

from clinics.queries import ClinicOwned, Row


class AlertQuerySet(ClinicOwned[Row]):
    def open(self) -> Self:
        return self.filter(closed_at=None)

    def due(self, now: datetime) -> Self:
        """Open alerts on which somebody has to be told now."""
        return self.open().filter(next_due_at__lte=now).order_by("next_due_at")

    def refills_first_due(self, clinic_ids: Collection[int]) -> Self:
        """Open alerts of refills at some clinics, by the date they work towards: a range of an index."""
        rows = self.open().filter(kind="refill_due", clinic__in=clinic_ids)
        return rows.order_by("refill_by", "pk")

    def stopped_first(self, clinic_ids: Collection[int]) -> Self:
        """Open alerts of pumps that are stopped or stalled at some clinics, the oldest first: a range of one index."""
        rows = self.open().filter(kind__in=("pump_stopped", "pump_stalled"), clinic__in=clinic_ids)
        return rows.order_by("opened_at", "pk")


# No lease ends later than this from now, as far as clocks may differ: one that does was taken by a clock that was
# ahead, and holds nothing.
LONGEST_LEASE = timedelta(minutes=2)
# So often a mail server may refuse a message for now before it counts as late.
TRIES = 3


class NotificationQuerySet(ClinicOwned[Row]):
    def deliverable(self, now: datetime) -> Self:
        """Queued and due, or left in a sender's hands beyond its lease."""
        lapsed = Q(lease_until__lte=now) | Q(lease_until__gt=now + LONGEST_LEASE)
        return self.filter(Q(state="queued", due_at__lte=now) | Q(lapsed, state="sending")).order_by("due_at")

    def late(self, since: datetime) -> Self:
        """Due since then and not sent, left by a sender since then, or tried again and again; but a clinic's own
        program that does not answer is the clinic's to mend, and shown with its webhooks."""
        return self.filter(
            Q(state="queued", due_at__lte=since)
            | Q(state="queued", attempts__gte=TRIES) & ~Q(channel="webhook")
            | Q(state="sending", lease_until__lte=since)
        )


class WebhookQuerySet(ClinicOwned[Row]):
    def standing(self) -> Self:
        return self.filter(ended_at=None)
