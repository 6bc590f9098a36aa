"""Clinics over the API. The room of pumps answers, since a clinic's margin moves its pumps' dates."""

from typing import ClassVar

from django.db.models import QuerySet
from django.utils import timezone
from rest_framework import generics
from rest_framework.exceptions import PermissionDenied
from rest_framework.serializers import BaseSerializer

from clinics.api.permissions import RolePermission
from clinics.api.serializers import ClinicSerializer
from clinics.models import Clinic
from clinics.roles import Permission
from pumps.services import settings


class ClinicList(generics.ListCreateAPIView[Clinic]):
    serializer_class = ClinicSerializer
    queryset = Clinic.objects.order_by("pk")

    def get_queryset(self) -> QuerySet[Clinic]:
        return Clinic.objects.visible_to(self.request.user).order_by("pk")

    def perform_create(self, serializer: BaseSerializer[Clinic]) -> None:
        user = self.request.user
        if not user.is_authenticated or not user.access.can_everywhere(Permission.ADMINISTER):
            raise PermissionDenied("A clinic is created by an administrator of all clinics.")
        serializer.save()


class ClinicDetail(generics.RetrieveUpdateAPIView[Clinic]):
    serializer_class = ClinicSerializer
    permission_classes = [RolePermission]  # noqa: RUF012  DRF declares it so
    needs: ClassVar = {"GET": Permission.SEE, "PUT": Permission.ADMINISTER, "PATCH": Permission.ADMINISTER}
    queryset = Clinic.objects.all()

    def get_queryset(self) -> QuerySet[Clinic]:
        return Clinic.objects.visible_to(self.request.user)

    def perform_update(self, serializer: BaseSerializer[Clinic]) -> None:
        clinic = serializer.instance
        if clinic is None:
            raise TypeError("an update has an instance")
        wanted = settings.ClinicSettings(**serializer.validated_data)
        settings.change(clinic=clinic, settings=wanted, now=timezone.now())
        clinic.refresh_from_db()
