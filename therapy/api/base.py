"""What every call about the course of therapy begins with."""

from typing import Any

from django.db.models import QuerySet
from rest_framework import generics, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer, Serializer

from clinics.api.pagination import Cursor
from clinics.api.permissions import require
from clinics.roles import Permission
from patients.models import Patient
from pumps.models import Pump


class NewestFirst(Cursor):
    ordering = "-pk"


def taken(input_class: type[Serializer[Any]], request: Request) -> Any:
    """What was sent, checked: 400 with messages per field."""
    serializer = input_class(data=request.data, context={"request": request})
    serializer.is_valid(raise_exception=True)
    return serializer


def created(answer: BaseSerializer[Any]) -> Response:
    return Response(answer.data, status=status.HTTP_201_CREATED)


class OfPatientView(generics.GenericAPIView[Any]):
    """Rows of one patient, who decides: another clinic's is 404."""

    pagination_class = NewestFirst
    queryset = Patient.objects.none()

    def patient(self, permission: Permission) -> Patient:
        visible = Patient.objects.visible_to(self.request.user).select_related("clinic")
        patient = generics.get_object_or_404(visible, pk=self.kwargs["pk"])
        require(self.request, permission, patient.clinic_id)
        return patient

    def page(self, rows: QuerySet[Any]) -> Response:
        page = self.paginate_queryset(rows)
        return self.get_paginated_response(self.get_serializer(page, many=True).data)


class OfPumpView(generics.GenericAPIView[Any]):
    """Rows of one pump, who decides."""

    pagination_class = NewestFirst
    queryset = Pump.objects.none()

    def pump(self, permission: Permission) -> Pump:
        pumps = Pump.objects.visible_to(self.request.user).select_related("model", "clinic", "patient")
        pump = generics.get_object_or_404(pumps, pk=self.kwargs["pk"])
        require(self.request, permission, pump.clinic_id)
        return pump

    def page(self, rows: QuerySet[Any]) -> Response:
        page = self.paginate_queryset(rows)
        return self.get_paginated_response(self.get_serializer(page, many=True).data)
