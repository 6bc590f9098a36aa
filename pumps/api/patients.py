"""The end of a patient's care over the API. The room of pumps answers, since it ends their pumps' reminders."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from clinics.api.permissions import require
from clinics.roles import Permission
from patients.api.serializers import PatientSerializer
from patients.models import Patient
from pumps.services import care


class StatusInput(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=Patient.Status.choices)
    on = serializers.DateField()
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class PatientStatus(APIView):
    """Active, deceased, therapy ended, transferred: with the day and the reason. Alerts close with the end of care."""

    @extend_schema(request=StatusInput, responses=PatientSerializer)
    def post(self, request: Request, pk: int) -> Response:
        patients = Patient.objects.visible_to(request.user).select_related("clinic")
        patient = generics.get_object_or_404(patients, pk=pk)
        require(request, Permission.LOG, patient.clinic_id)
        serializer = StatusInput(data=request.data)
        serializer.is_valid(raise_exception=True)
        changed = care.change_status(patient=patient, now=timezone.now(), **serializer.validated_data)
        return Response(PatientSerializer(changed, context={"request": request}).data)
