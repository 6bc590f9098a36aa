from typing import ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import generics
from rest_framework.serializers import BaseSerializer

from clinics.api.filters import text_filter
from clinics.api.permissions import RolePermission, require
from clinics.roles import Permission
from patients.api.serializers import PatientSerializer
from patients.models import Patient


@extend_schema_view(get=extend_schema(parameters=[OpenApiParameter("mrn", str)]))
class PatientList(generics.ListCreateAPIView[Patient]):
    serializer_class = PatientSerializer
    queryset = Patient.objects.all()

    def get_queryset(self) -> QuerySet[Patient]:
        patients = Patient.objects.visible_to(self.request.user).select_related("clinic")
        mrn = text_filter(self.request, "mrn")
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
