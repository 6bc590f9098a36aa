"""Visits over the API: the same services as the pages."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import generics, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from clinics.api.filters import choice_filter, key_filter
from clinics.api.permissions import caller, require
from clinics.models import User
from clinics.roles import Permission
from pumps.api.appointment_serializers import (
    AppointmentSerializer,
    BookedOutput,
    BookInput,
    CancelInput,
    MoveInput,
)
from pumps.api.idempotency import once
from pumps.api.ledger_views import IDEMPOTENCY
from pumps.services import booking
from scheduling.models import Appointment
from scheduling.states import State


@extend_schema_view(
    get=extend_schema(
        parameters=[
            OpenApiParameter("pump", str),
            OpenApiParameter("state", str, enum=[state.value for state in State]),
        ],
        responses=AppointmentSerializer(many=True),
    )
)
class AppointmentList(generics.ListAPIView[Appointment]):
    """Visits of the caller's clinics; POST books one. A pump has at most one that is still to come."""

    serializer_class = AppointmentSerializer
    queryset = Appointment.objects.all()

    def get_queryset(self) -> QuerySet[Appointment]:
        rows = Appointment.objects.visible_to(self.request.user)
        pump = key_filter(self.request, "pump")
        if pump is not None:
            rows = rows.filter(pump=pump)
        state = choice_filter(self.request, "state", [state.value for state in State])
        return rows if state is None else rows.filter(state=state)

    @extend_schema(parameters=[IDEMPOTENCY], request=BookInput, responses={201: BookedOutput})
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        visit = once(request, caller(request), lambda: self._book(request))
        return Response(BookedOutput(_read(visit.pk)).data, status=status.HTTP_201_CREATED)

    def _book(self, request: Request) -> Appointment:
        serializer = BookInput(data=request.data, context={"request": request})
        serializer.is_valid(raise_exception=True)
        values = serializer.validated_data
        pump = values.pop("pump")
        require(request, Permission.BOOK, pump.clinic_id)
        return booking.book(pump_id=pump.pk, by=caller(request), now=timezone.now(), **values)


def _read(pk: int) -> Appointment:
    return Appointment.objects.select_related("clinic", "pump").get(pk=pk)


class AppointmentAction(APIView):
    """Something done to one visit, whose clinic decides: another clinic's is 404, a role without booking 403."""

    def visit(self, request: Request, pk: int, permission: Permission = Permission.BOOK) -> Appointment:
        visit = generics.get_object_or_404(Appointment.objects.visible_to(request.user), pk=pk)
        require(request, permission, visit.clinic_id)
        return visit

    def act(self, request: Request, pk: int, action: Callable[[int, User, datetime], Appointment]) -> Response:
        visit = self.visit(request, pk)
        action(visit.pk, caller(request), timezone.now())
        return Response(AppointmentSerializer(_read(visit.pk)).data)


class AppointmentDetail(AppointmentAction):
    """One visit; PATCH moves it, and one that was confirmed has to be confirmed again."""

    @extend_schema(responses=AppointmentSerializer)
    def get(self, request: Request, pk: int) -> Response:
        return Response(AppointmentSerializer(self.visit(request, pk, Permission.SEE)).data)

    @extend_schema(request=MoveInput, responses=BookedOutput)
    def patch(self, request: Request, pk: int) -> Response:
        visit = self.visit(request, pk)
        serializer = MoveInput(data=request.data)
        serializer.is_valid(raise_exception=True)
        values = serializer.validated_data
        booking.move(appointment_id=visit.pk, by=caller(request), now=timezone.now(), **values)
        return Response(BookedOutput(_read(visit.pk)).data)


class AppointmentConfirm(AppointmentAction):
    """The patient says they will come."""

    @extend_schema(request=None, responses=AppointmentSerializer)
    def post(self, request: Request, pk: int) -> Response:
        return self.act(request, pk, lambda pk, by, now: booking.confirm(appointment_id=pk, by=by, now=now))


class AppointmentArrive(AppointmentAction):
    """The patient is here; also one who was taken for absent. The recorded refill makes the visit done."""

    @extend_schema(request=None, responses=AppointmentSerializer)
    def post(self, request: Request, pk: int) -> Response:
        return self.act(request, pk, lambda pk, by, now: booking.arrive(appointment_id=pk, by=by, now=now))


class AppointmentNoShow(AppointmentAction):
    """The patient did not come: an alert until a visit is booked or the pump is refilled."""

    @extend_schema(request=None, responses=AppointmentSerializer)
    def post(self, request: Request, pk: int) -> Response:
        return self.act(request, pk, lambda pk, by, now: booking.no_show(appointment_id=pk, by=by, now=now))


class AppointmentCancel(AppointmentAction):
    """The visit is off, with a reason."""

    @extend_schema(request=CancelInput, responses=AppointmentSerializer)
    def post(self, request: Request, pk: int) -> Response:
        self.visit(request, pk)
        serializer = CancelInput(data=request.data)
        serializer.is_valid(raise_exception=True)
        reason = serializer.validated_data["reason"]
        return self.act(
            request, pk, lambda pk, by, now: booking.cancel(appointment_id=pk, reason=reason, by=by, now=now)
        )
