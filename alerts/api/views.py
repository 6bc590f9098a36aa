from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from alerts.api.serializers import (
    AcknowledgeInput,
    AlertSerializer,
    NotificationSerializer,
    ResolveInput,
    StepSerializer,
)
from alerts.models import Alert, AlertStep, Notification
from alerts.priorities import ORDER, rank
from alerts.services.acknowledging import acknowledge, resolve
from alerts.shown import needed_to_resolve
from clinical.escalation import Priority
from clinics.api.filters import choice_filter, key_filter
from clinics.api.pagination import Cursor
from clinics.api.permissions import caller, require
from clinics.roles import Permission


class NewestFirst(Cursor):
    ordering = "-pk"


class MostUrgentFirst(Cursor):
    """By priority, high first, and within one the newest first, if asked for; else the newest first."""

    ordering = "-pk"

    def get_ordering(self, request: Request, queryset: Any, view: Any) -> tuple[str, ...]:
        return ("rank", "-pk") if request.query_params.get("ordering") == "priority" else ("-pk",)


@extend_schema(
    parameters=[
        OpenApiParameter("pump", str),
        OpenApiParameter("kind", str, enum=Alert.Kind.values),
        OpenApiParameter("open", bool, description="true: only open alerts; false: only closed ones"),
        OpenApiParameter("priority", str, enum=list(Priority)),
        OpenApiParameter("ordering", str, enum=["priority"], description="priority: high first; else newest first"),
    ]
)
class AlertList(generics.ListAPIView[Alert]):
    serializer_class = AlertSerializer
    pagination_class = MostUrgentFirst
    queryset = Alert.objects.all()

    def get_queryset(self) -> QuerySet[Alert]:
        alerts = Alert.objects.visible_to(self.request.user).annotate(rank=rank())
        choice_filter(self.request, "ordering", ["priority"])
        priority = choice_filter(self.request, "priority", list(Priority))
        if priority is not None:
            alerts = alerts.filter(rank=ORDER.index(Priority(priority)))
        pump = key_filter(self.request, "pump")
        if pump is not None:
            alerts = alerts.filter(pump=pump)
        kind = choice_filter(self.request, "kind", Alert.Kind.values)
        if kind is not None:
            alerts = alerts.filter(kind=kind)
        match self.request.query_params.get("open"):
            case "true":
                return alerts.filter(closed_at=None)
            case "false":
                return alerts.exclude(closed_at=None)
            case None:
                return alerts
            case _:
                raise ValidationError({"open": ["Write true or false."]})


class AlertDetail(generics.RetrieveAPIView[Alert]):
    serializer_class = AlertSerializer
    queryset = Alert.objects.all()

    def get_queryset(self) -> QuerySet[Alert]:
        return Alert.objects.visible_to(self.request.user)


def _alert(request: Request, pk: int) -> Alert:
    return generics.get_object_or_404(Alert.objects.visible_to(request.user), pk=pk)


class AlertAcknowledge(APIView):
    """Somebody has it in hand: nobody is told before `until`. It ends by itself and closes nothing."""

    @extend_schema(request=AcknowledgeInput, responses=AlertSerializer)
    def post(self, request: Request, pk: int) -> Response:
        require(request, Permission.BOOK, _alert(request, pk).clinic_id)
        serializer = AcknowledgeInput(data=request.data)
        serializer.is_valid(raise_exception=True)
        alert = acknowledge(alert_id=pk, by=caller(request), now=timezone.now(), **serializer.validated_data)
        return Response(AlertSerializer(alert, context={"request": request}).data)


class AlertResolve(APIView):
    """Close what people report, or what ends by a decision, saying what was done. Everything else: 409."""

    @extend_schema(request=ResolveInput, responses=AlertSerializer)
    def post(self, request: Request, pk: int) -> Response:
        alert = _alert(request, pk)
        require(request, needed_to_resolve(alert), alert.clinic_id)
        serializer = ResolveInput(data=request.data)
        serializer.is_valid(raise_exception=True)
        alert = resolve(alert_id=pk, by=caller(request), now=timezone.now(), **serializer.validated_data)
        return Response(AlertSerializer(alert, context={"request": request}).data)


class OldestFirst(Cursor):
    ordering = "pk"


class AlertSteps(generics.ListAPIView[AlertStep]):
    """An alert's log, oldest first: who was told, why somebody was not, who acknowledged, what closed it."""

    serializer_class = StepSerializer
    pagination_class = OldestFirst
    queryset = AlertStep.objects.none()

    def get_queryset(self) -> QuerySet[AlertStep]:
        return AlertStep.objects.filter(alert=_alert(self.request, self.kwargs["pk"]))


@extend_schema(
    parameters=[
        OpenApiParameter("alert", str),
        OpenApiParameter("state", str, enum=Notification.State.values),
    ]
)
class NotificationList(generics.ListAPIView[Notification]):
    serializer_class = NotificationSerializer
    pagination_class = NewestFirst
    queryset = Notification.objects.all()

    def get_queryset(self) -> QuerySet[Notification]:
        rows = Notification.objects.visible_to(self.request.user)
        alert = key_filter(self.request, "alert")
        if alert is not None:
            rows = rows.filter(alert=alert)
        state = choice_filter(self.request, "state", Notification.State.values)
        if state is not None:
            rows = rows.filter(state=state)
        return rows


class NotificationDetail(generics.RetrieveAPIView[Notification]):
    serializer_class = NotificationSerializer
    queryset = Notification.objects.all()

    def get_queryset(self) -> QuerySet[Notification]:
        return Notification.objects.visible_to(self.request.user)
