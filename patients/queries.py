from __future__ import annotations

import re
from datetime import datetime
from typing import Self

from django.contrib.postgres.search import SearchQuery
from django.db.models import QuerySet

from clinics.queries import ClinicOwned, Row


class PatientQuerySet(ClinicOwned[Row]):
    def matching(self, text: str) -> Self:
        """Patients with every word of `text` beginning a word of name, mrn or phone."""
        words = re.findall(r"\w+", text)
        if not words:
            return self.none()
        query = SearchQuery(" & ".join(f"{word}:*" for word in words), config="simple", search_type="raw")
        return self.filter(search=query)

    def by_name(self) -> Self:
        return self.order_by("family_name", "given_name", "pk")


class ContactQuerySet(QuerySet[Row]):
    def standing(self) -> Self:
        return self.filter(ended_at=None)

    def with_consent(self) -> Self:
        """Those who may be written to, as far as it depends on them."""
        return self.standing().filter(email_reminders=True, email_undeliverable_since=None).exclude(email="")


class TransferQuerySet(QuerySet[Row]):
    def open(self, now: datetime) -> Self:
        """Offers that can still be accepted."""
        return self.filter(accepted_at=None, withdrawn_at=None, expires_at__gt=now)
