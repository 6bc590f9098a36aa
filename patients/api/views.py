from typing import ClassVar

from django.db.models import QuerySet
from rest_framework import generics
from rest_framework.serializers import BaseSerializer

from clinics.api.permissions import RolePermission, require
from clinics.roles import Permission
from patients.api.serializers import PatientSerializer
from patients.models import Patient


class PatientList(generics.ListCreateAPIView[Patient]):
    serializer_class = PatientSerializer
    queryset = Patient.objects.all()

    def get_queryset(self) -> QuerySet[Patient]:
        patients = Patient.objects.visible_to(self.request.user).select_related("clinic")
        mrn = self.request.query_params.get("mrn")
        return patients if mrn is None else patients.filter(mrn=mrn)

    def perform_create(self, serializer: BaseSerializer[Patient]) -> None:
        require(self.request, Permission.LOG, serializer.validated_data["clinic"].pk)
        serializer.save()


class PatientDetail(generics.RetrieveUpdateAPIView[Patient]):
    serializer_class = PatientSerializer
    permission_classes = [RolePermission]  # noqa: RUF012  DRF declares it so
    needs: ClassVar = {"GET": Permission.SEE, "PUT": Permission.LOG, "PATCH": Permission.LOG}
    queryset = Patient.objects.all()

    def get_queryset(self) -> QuerySet[Patient]:
        return Patient.objects.visible_to(self.request.user).select_related("clinic")
