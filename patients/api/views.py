from typing import Any, ClassVar

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import generics, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from clinics.api.filters import text_filter
from clinics.api.permissions import RolePermission, caller, require
from clinics.roles import Permission
from patients import services
from patients.api.serializers import ContactSerializer, PatientSerializer
from patients.models import Contact, Patient


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
        serializer.instance = services.enter(by=caller(self.request), now=timezone.now(), **serializer.validated_data)


class PatientDetail(generics.RetrieveUpdateAPIView[Patient]):
    """How a change is stored is the room above's: it moves when alerts begin."""

    serializer_class = PatientSerializer
    permission_classes = [RolePermission]  # noqa: RUF012  DRF declares it so
    needs: ClassVar = {"GET": Permission.SEE, "PUT": Permission.LOG, "PATCH": Permission.LOG}
    queryset = Patient.objects.all()

    def get_queryset(self) -> QuerySet[Patient]:
        return Patient.objects.visible_to(self.request.user).select_related("clinic")


class ContactView(generics.GenericAPIView[Contact]):
    """Caregivers and care homes of one patient, who decides: another clinic's is 404."""

    serializer_class = ContactSerializer
    queryset = Contact.objects.none()

    def patient(self, permission: Permission) -> Patient:
        visible = Patient.objects.visible_to(self.request.user).select_related("clinic")
        patient = generics.get_object_or_404(visible, pk=self.kwargs["pk"])
        require(self.request, permission, patient.clinic_id)
        return patient


class ContactList(ContactView):
    @extend_schema(responses=ContactSerializer(many=True))
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        contacts = Contact.objects.filter(patient=self.patient(Permission.SEE)).order_by("pk")
        page = self.paginate_queryset(contacts)
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(request=ContactSerializer, responses={201: ContactSerializer})
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        patient = self.patient(Permission.LOG)
        serializer = ContactSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        contact = services.add_contact(
            patient=patient, by=caller(request), now=timezone.now(), **serializer.validated_data
        )
        return Response(ContactSerializer(contact).data, status=status.HTTP_201_CREATED)


class ContactDetail(ContactView):
    def contact(self, permission: Permission) -> Contact:
        contacts = Contact.objects.filter(patient=self.patient(permission)).select_related("patient__clinic")
        return generics.get_object_or_404(contacts, pk=self.kwargs["contact"])

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return Response(ContactSerializer(self.contact(Permission.SEE)).data)

    def patch(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        contact = self.contact(Permission.LOG)
        serializer = ContactSerializer(contact, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        changed = services.change_contact(
            contact=contact, changes=serializer.validated_data, by=caller(request), now=timezone.now()
        )
        return Response(ContactSerializer(changed).data)

    def delete(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The contact is told nothing any more; it is kept, since messages to it are."""
        services.end_contact(contact=self.contact(Permission.LOG), by=caller(request), now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)
