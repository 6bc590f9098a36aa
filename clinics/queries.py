"""QuerySets through which every clinic-owned row is reached."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Self, TypeVar

from django.contrib.auth.models import AnonymousUser
from django.db import models

if TYPE_CHECKING:
    from clinics.models import User

# The row type comes from the model a queryset is made the manager of.
Row = TypeVar("Row", bound=models.Model)


class WallDay(models.Func):
    """The day a moment falls on at the clinic of its row. Needs the row's clinic, which is few rows."""

    template = "(timezone(%(expressions)s))::date"

    def __init__(self, moment: str) -> None:
        super().__init__(models.F("clinic__timezone"), models.F(moment), output_field=models.DateField())


class ClinicOwned(models.QuerySet[Row]):
    """Rows with a `clinic` foreign key."""

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Only the rows of clinics the user belongs to. Everyone else's rows do not exist for them."""
        if isinstance(user, AnonymousUser):
            return self.none()
        clinic_ids = user.access.clinic_ids
        return self if clinic_ids is None else self.filter(clinic_id__in=clinic_ids)


class ClinicQuerySet(models.QuerySet[Row]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        if isinstance(user, AnonymousUser):
            return self.none()
        clinic_ids = user.access.clinic_ids
        return self if clinic_ids is None else self.filter(pk__in=clinic_ids)


class MembershipQuerySet(models.QuerySet[Row]):
    def of_clinic(self, clinic_id: int) -> Self:
        """Memberships that count in a clinic: its own and those of all clinics."""
        return self.filter(models.Q(clinic_id=clinic_id) | models.Q(clinic=None))


class InvitationQuerySet(models.QuerySet[Row]):
    def open(self, now: datetime) -> Self:
        """Invitations that can still be accepted."""
        return self.filter(accepted_at=None, withdrawn_at=None, expires_at__gt=now)


class ApiKeyQuerySet(models.QuerySet[Row]):
    def active(self) -> Self:
        return self.filter(revoked_at=None)


class AccountMailQuerySet(models.QuerySet[Row]):
    def due(self, now: datetime) -> Self:
        return self.filter(sent_at=None, due_at__lte=now, expires_at__gt=now).order_by("due_at")
