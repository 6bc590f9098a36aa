from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.contrib.auth.models import AnonymousUser
from django.db import models

from clinics.queries import Row
from clinics.roles import Permission

if TYPE_CHECKING:
    from clinics.models import User


class OfPatient(models.QuerySet[Row]):
    """Rows with a `patient` foreign key; a patient's clinic is theirs."""

    def visible_to(self, user: User | AnonymousUser) -> Self:
        if isinstance(user, AnonymousUser):
            return self.none()
        clinic_ids = user.access.clinic_ids
        return self if clinic_ids is None else self.filter(patient__clinic__in=clinic_ids)

    def standing(self) -> Self:
        """Not entered in error."""
        return self.filter(voided_at=None)


class ProposalQuerySet(OfPatient[Row]):
    def open(self) -> Self:
        """Not yet programmed, and not given up."""
        return self.filter(state__in=["proposed", "signed"])

    def to_sign(self, clinic_ids: list[int]) -> Self:
        return self.filter(clinic__in=clinic_ids, state="proposed").order_by("proposed_at", "pk")


class WeaningQuerySet(OfPatient[Row]):
    def open(self) -> Self:
        return self.filter(state__in=["drafted", "signed"])

    def to_sign(self, clinic_ids: list[int]) -> Self:
        return self.filter(clinic__in=clinic_ids, state="drafted").order_by("drafted_at", "pk")

    def running(self, at: datetime) -> Self:
        return self.filter(state="signed", signed_at__lte=at)


def clinics_with(user: User, permission: Permission, clinic_ids: list[int]) -> list[int]:
    """Of some clinics, those in which the user may do something."""
    return [pk for pk in clinic_ids if user.access.can(permission, pk)]
