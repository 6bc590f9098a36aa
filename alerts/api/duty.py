"""Who is on call, over the API: read by everybody of a clinic, changed by administrators, handed over by whoever is."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from alerts.api.duty_serializers import (
    ClinicOnCallOutput,
    HandOverInput,
    OnCallOutput,
    RotaInput,
    RotaOutput,
    StandInInput,
    StandInOutput,
)
from alerts.models import OnCallRota, StandIn
from alerts.services import oncall, rotas
from clinics.api.permissions import administered, caller
from clinics.models import Clinic, User


def _checked(serializer: serializers.Serializer[Any]) -> dict[str, Any]:
    serializer.is_valid(raise_exception=True)
    values: dict[str, Any] = serializer.validated_data
    return values


def _visible(request: Request, pk: int) -> Clinic:
    return generics.get_object_or_404(Clinic.objects.visible_to(request.user), pk=pk)


class OnCallList(APIView):
    """Who is on call now, in each of the caller's clinics."""

    @extend_schema(responses=OnCallOutput(many=True))
    def get(self, request: Request) -> Response:
        clinics = list(Clinic.objects.visible_to(request.user))
        found = oncall.on_call([clinic.pk for clinic in clinics], timezone.now())
        people = User.objects.in_bulk(found.values())
        rows = [{"clinic": clinic, "user": people.get(found.get(clinic.pk, 0))} for clinic in clinics]
        return Response({"next": None, "previous": None, "results": OnCallOutput(rows, many=True).data})


class ClinicOnCall(APIView):
    """Who is on call in a clinic now, first, and in the next four weeks; and the newest rota."""

    @extend_schema(responses=ClinicOnCallOutput)
    def get(self, request: Request, pk: int) -> Response:
        clinic = _visible(request, pk)
        rota = OnCallRota.objects.filter(clinic=clinic).last()
        found = {"clinic": clinic, "spells": oncall.schedule(clinic, timezone.now()), "rota": rota}
        return Response(ClinicOnCallOutput(found).data)


class Rota(APIView):
    """A new rota, which takes over from the one before when it begins."""

    @extend_schema(request=RotaInput, responses=RotaOutput)
    def put(self, request: Request, pk: int) -> Response:
        clinic = administered(request, pk)
        values = _checked(RotaInput(data=request.data))
        rota = rotas.set_rota(clinic=clinic, by=caller(request), now=timezone.now(), **values)
        return Response(RotaOutput(rota).data)


class StandInList(APIView):
    """Who stands in within the next four weeks; and somebody more."""

    @extend_schema(responses=StandInOutput(many=True))
    def get(self, request: Request, pk: int) -> Response:
        clinic, now = _visible(request, pk), timezone.now()
        rows = StandIn.objects.filter(clinic=clinic).between(now, now + oncall.AHEAD)
        return Response({"next": None, "previous": None, "results": StandInOutput(rows, many=True).data})

    @extend_schema(request=StandInInput, responses={201: StandInOutput})
    def post(self, request: Request, pk: int) -> Response:
        clinic = administered(request, pk)
        values = _checked(StandInInput(data=request.data))
        made = rotas.stand_in(
            clinic=clinic, user_id=values.pop("user"), by=caller(request), now=timezone.now(), **values
        )
        return Response(StandInOutput(made).data, status=status.HTTP_201_CREATED)


class StandInDetail(APIView):
    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request, pk: int, stand_in: int) -> Response:
        """It ends now, or never begins."""
        clinic = administered(request, pk)
        one = generics.get_object_or_404(StandIn.objects.filter(clinic=clinic), pk=stand_in)
        rotas.end_stand_in(stand_in_id=one.pk, by=caller(request), now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


class HandOver(APIView):
    """Whoever is on call, or an administrator for them, gives the rest of the turn to somebody else."""

    @extend_schema(request=HandOverInput, responses={201: StandInOutput})
    def post(self, request: Request, pk: int) -> Response:
        clinic = _visible(request, pk)
        values = _checked(HandOverInput(data=request.data))
        made = rotas.hand_over(
            clinic=clinic, to_user_id=values["user"], reason=values["reason"], by=caller(request), now=timezone.now()
        )
        return Response(StandInOutput(made).data, status=status.HTTP_201_CREATED)
