"""The course of a patient's care over the API. The room of pumps answers, since it ends their pumps' reminders."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from clinics.api.fields import MomentField, ReferenceField
from clinics.api.permissions import caller, require
from clinics.models import Clinic
from clinics.roles import Permission
from patients.api import views as patients
from patients.api.serializers import PatientSerializer
from patients.models import Patient, Transfer
from pumps.services import care, transfers


class PatientDetail(patients.PatientDetail):
    """A change of flags makes the alerts of the patient's pumps begin earlier or later."""

    def perform_update(self, serializer: BaseSerializer[Patient]) -> None:
        patient = serializer.instance
        if patient is None:
            raise TypeError("an update has an instance")
        serializer.instance = care.change_patient(
            patient=patient, changes=serializer.validated_data, by=caller(self.request), now=timezone.now()
        )


class StatusInput(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=Patient.Status.choices)
    on = serializers.DateField()
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class OfferInput(serializers.Serializer[Any]):
    message = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class OfferOutput(serializers.Serializer[Transfer]):
    """An open offer. Whoever may enter patients in another clinic takes the patient over with the token."""

    token = serializers.SerializerMethodField()
    link = serializers.SerializerMethodField()
    offered_at = MomentField()
    expires_at = MomentField()

    def get_token(self, transfer: Transfer) -> str:
        return transfers.token_of(transfer)

    def get_link(self, transfer: Transfer) -> str:
        return transfers.link_of(transfer)


class TakeOverInput(serializers.Serializer[Any]):
    token = serializers.CharField(max_length=200)
    clinic = ReferenceField(Clinic.objects.all())
    mrn = serializers.CharField(max_length=64)


class PatientTransfer(APIView):
    """Offer a patient's record to another clinic of this Brim; DELETE withdraws the offer."""

    def _patient(self, request: Request, pk: int) -> Patient:
        patient = generics.get_object_or_404(Patient.objects.visible_to(request.user).select_related("clinic"), pk=pk)
        require(request, Permission.LOG, patient.clinic_id)
        return patient

    @extend_schema(request=OfferInput, responses={201: OfferOutput})
    def post(self, request: Request, pk: int) -> Response:
        patient = self._patient(request, pk)
        serializer = OfferInput(data=request.data)
        serializer.is_valid(raise_exception=True)
        offered = transfers.offer(
            patient=patient, message=serializer.validated_data["message"], by=caller(request), now=timezone.now()
        )
        return Response(OfferOutput(offered).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request, pk: int) -> Response:
        patient = self._patient(request, pk)
        offered = generics.get_object_or_404(Transfer.objects.open(timezone.now()), patient=patient)
        transfers.withdraw(transfer=offered, by=caller(request), now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


class TakeOver(APIView):
    """Take a patient over with the token of an offer: the record comes with its ledger, and reminders begin here."""

    @extend_schema(request=TakeOverInput, responses={201: PatientSerializer})
    def post(self, request: Request) -> Response:
        serializer = TakeOverInput(data=request.data, context={"request": request})
        serializer.is_valid(raise_exception=True)
        values = serializer.validated_data
        require(request, Permission.LOG, values["clinic"].pk)
        offered = transfers.behind(values["token"], now=timezone.now())
        if offered is None:
            raise serializers.ValidationError({"token": [transfers.GONE]})
        taken = transfers.accept(
            transfer=offered, clinic=values["clinic"], mrn=values["mrn"], by=caller(request), now=timezone.now()
        )
        return Response(PatientSerializer(taken, context={"request": request}).data, status=status.HTTP_201_CREATED)


class PatientStatus(APIView):
    """Active, deceased, therapy ended, transferred: with the day and the reason. Alerts close with the end of care."""

    @extend_schema(request=StatusInput, responses=PatientSerializer)
    def post(self, request: Request, pk: int) -> Response:
        patients = Patient.objects.visible_to(request.user).select_related("clinic")
        patient = generics.get_object_or_404(patients, pk=pk)
        require(request, Permission.LOG, patient.clinic_id)
        serializer = StatusInput(data=request.data)
        serializer.is_valid(raise_exception=True)
        values = serializer.validated_data
        changed = care.change_status(patient=patient, now=timezone.now(), by=caller(request), **values)
        return Response(PatientSerializer(changed, context={"request": request}).data)
