from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics
from rest_framework.exceptions import ValidationError

from alerts.api.serializers import AlertSerializer, NotificationSerializer
from alerts.models import Alert, Notification
from clinics.api.filters import choice_filter, key_filter
from clinics.api.pagination import Cursor


class NewestFirst(Cursor):
    ordering = "-pk"


@extend_schema(
    parameters=[
        OpenApiParameter("pump", str),
        OpenApiParameter("kind", str, enum=Alert.Kind.values),
        OpenApiParameter("open", bool, description="true: only open alerts; false: only closed ones"),
    ]
)
class AlertList(generics.ListAPIView[Alert]):
    serializer_class = AlertSerializer
    pagination_class = NewestFirst
    queryset = Alert.objects.all()

    def get_queryset(self) -> QuerySet[Alert]:
        alerts = Alert.objects.visible_to(self.request.user)
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
