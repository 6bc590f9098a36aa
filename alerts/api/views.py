from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from alerts.api.serializers import AlertSerializer, NotificationSerializer
from alerts.models import Alert, Notification
from clinics.api.fields import as_key
from clinics.api.pagination import Cursor


class NewestFirst(Cursor):
    ordering = "-pk"


def key_filter(request: Request, name: str) -> int | None:
    """An id given as a query parameter, None if absent.

    Raises:
        ValidationError: not an id.
    """
    text = request.query_params.get(name)
    if text is None:
        return None
    key = as_key(text)
    if key is None:
        raise ValidationError({name: ["This is not an id."]})
    return key


@extend_schema(
    parameters=[
        OpenApiParameter("pump", str),
        OpenApiParameter("kind", str),
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
        if "kind" in self.request.query_params:
            alerts = alerts.filter(kind=self.request.query_params["kind"])
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


@extend_schema(parameters=[OpenApiParameter("alert", str), OpenApiParameter("state", str)])
class NotificationList(generics.ListAPIView[Notification]):
    serializer_class = NotificationSerializer
    pagination_class = NewestFirst
    queryset = Notification.objects.all()

    def get_queryset(self) -> QuerySet[Notification]:
        rows = Notification.objects.visible_to(self.request.user)
        alert = key_filter(self.request, "alert")
        if alert is not None:
            rows = rows.filter(alert=alert)
        if "state" in self.request.query_params:
            rows = rows.filter(state=self.request.query_params["state"])
        return rows


class NotificationDetail(generics.RetrieveAPIView[Notification]):
    serializer_class = NotificationSerializer
    queryset = Notification.objects.all()

    def get_queryset(self) -> QuerySet[Notification]:
        return Notification.objects.visible_to(self.request.user)
