"""What a clinic sets about titration, and the label sets it is held against, over the API."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from clinical.labels import LABEL_SETS
from clinics.api.permissions import administered, caller, require
from clinics.models import Clinic
from clinics.roles import Permission
from pumps.api.ledger_serializers import as_stored
from therapy.api.base import created, taken
from therapy.api.clinic_serializers import LabelSetOutput, ProtocolInput, ProtocolOutput, TemplateSerializer
from therapy.models import ProgramTemplate
from therapy.rules import protocol_of
from therapy.services import protocols


class ClinicProtocol(APIView):
    """A clinic's own protocol, tighter than the label; null where it has none. PUT makes a new version."""

    @extend_schema(responses=ProtocolOutput)
    def get(self, request: Request, pk: int) -> Response:
        clinic = generics.get_object_or_404(Clinic.objects.visible_to(request.user), pk=pk)
        require(request, Permission.SEE, clinic.pk)
        found = protocol_of(clinic.pk)
        return Response(ProtocolOutput(found).data if found is not None else None)

    @extend_schema(request=ProtocolInput, responses=ProtocolOutput)
    def put(self, request: Request, pk: int) -> Response:
        clinic = administered(request, pk)
        given = taken(ProtocolInput, request).validated_data
        made = protocols.store(clinic=clinic, by=caller(request), now=timezone.now(), **given)
        return Response(ProtocolOutput(made).data)


class TemplateList(APIView):
    """Programs a clinic uses again."""

    @extend_schema(responses=TemplateSerializer(many=True))
    def get(self, request: Request, pk: int) -> Response:
        clinic = generics.get_object_or_404(Clinic.objects.visible_to(request.user), pk=pk)
        require(request, Permission.SEE_CLINICAL, clinic.pk)
        rows = ProgramTemplate.objects.filter(clinic=clinic)
        return Response({"next": None, "previous": None, "results": TemplateSerializer(rows, many=True).data})

    @extend_schema(request=TemplateSerializer, responses={201: TemplateSerializer})
    def post(self, request: Request, pk: int) -> Response:
        clinic = generics.get_object_or_404(Clinic.objects.visible_to(request.user), pk=pk)
        require(request, Permission.PROPOSE_DOSE, clinic.pk)
        given: dict[str, Any] = dict(taken(TemplateSerializer, request).validated_data)
        for rows in ("steps", "boluses"):
            given[rows] = [as_stored(row) for row in given[rows]]
        made = protocols.keep_template(clinic=clinic, by=caller(request), now=timezone.now(), **given)
        return created(TemplateSerializer(made))


class TemplateDetail(APIView):
    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request, pk: int, template: int) -> Response:
        clinic = generics.get_object_or_404(Clinic.objects.visible_to(request.user), pk=pk)
        found = generics.get_object_or_404(ProgramTemplate.objects.filter(clinic=clinic), pk=template)
        require(request, Permission.PROPOSE_DOSE, clinic.pk)
        found.delete()
        return Response(status=status.HTTP_204_NO_CONTENT)


class LabelSets(APIView):
    """Every figure of the drug's labels that proposals are held against, with status and source."""

    @extend_schema(responses=LabelSetOutput(many=True))
    def get(self, request: Request) -> Response:
        return Response(LabelSetOutput(LABEL_SETS.values(), many=True).data)
