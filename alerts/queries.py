from __future__ import annotations

from datetime import datetime
from typing import Self

from django.db.models import Q

from clinics.queries import ClinicOwned, Row


class AlertQuerySet(ClinicOwned[Row]):
    def open(self) -> Self:
        return self.filter(closed_at=None)

    def due(self, now: datetime) -> Self:
        """Open alerts on which somebody has to be told now."""
        return self.open().filter(next_due_at__lte=now).order_by("next_due_at")


class NotificationQuerySet(ClinicOwned[Row]):
    def deliverable(self, now: datetime) -> Self:
        """Queued and due, or left in a sender's hands beyond its lease."""
        return self.filter(Q(state="queued", due_at__lte=now) | Q(state="sending", lease_until__lte=now)).order_by(
            "due_at"
        )


class WebhookQuerySet(ClinicOwned[Row]):
    def standing(self) -> Self:
        return self.filter(ended_at=None)
