from __future__ import annotations

from datetime import datetime
from typing import Self

from django.db.models import F, Q

from clinics.queries import ClinicOwned, Row


class StandInQuerySet(ClinicOwned[Row]):
    def between(self, begins: datetime, ends: datetime) -> Self:
        """Those that hold at some moment from `begins` until before `ends`; one ended before it began never does."""
        is_kept = Q(ended_at=None) | Q(ended_at__gt=begins) & Q(ended_at__gt=F("begins_at"))
        return self.filter(is_kept, ends_at__gt=begins, begins_at__lt=ends).order_by("begins_at", "pk")


class DigestQuerySet(ClinicOwned[Row]):
    def deliverable(self, now: datetime) -> Self:
        """Queued and due, or left in a sender's hands beyond its lease."""
        return self.filter(Q(state="queued", due_at__lte=now) | Q(state="sending", lease_until__lte=now)).order_by(
            "due_at", "pk"
        )
