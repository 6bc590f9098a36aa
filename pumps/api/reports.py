"""Symptoms and alarms reported over the API. The room of pumps answers, since a report names a pump."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from alerts.api.serializers import ReportOutput
from alerts.api.views import NewestFirst
from alerts.models import Report
from alerts.services.reports import LONGEST_NOTE, report
from clinical.symptoms import BY_CODE
from clinics.api.fields import MomentField, ReferenceField
from clinics.api.filters import choice_filter, key_filter
from clinics.api.permissions import caller, require
from clinics.roles import Permission
from pumps.models import Pump


class ReportInput(serializers.Serializer[Any]):
    """`symptoms` for signs of withdrawal or overdose; `began_at` left out: now."""

    pump = ReferenceField(Pump.objects.select_related("patient"))
    kind = serializers.ChoiceField(choices=Report.Kind.choices)
    symptoms = serializers.ListField(
        child=serializers.ChoiceField(choices=list(BY_CODE)), max_length=len(BY_CODE), required=False, default=list
    )
    note = serializers.CharField(max_length=LONGEST_NOTE, required=False, allow_blank=True, default="")
    began_at = MomentField(required=False, allow_null=True, default=None)


@extend_schema(
    parameters=[
        OpenApiParameter("pump", str),
        OpenApiParameter("alert", str),
        OpenApiParameter("kind", str, enum=Report.Kind.values),
    ]
)
class ReportList(generics.GenericAPIView[Report]):
    """What was reported at the clinics whose clinical data the caller sees, newest first. POST tells those who have to
    act at once; of the same pump and kind once more, it counts with the open alert and tells them again."""

    serializer_class = ReportOutput
    pagination_class = NewestFirst
    queryset = Report.objects.none()

    def get_queryset(self) -> QuerySet[Report]:
        user = caller(self.request)
        reports = Report.objects.visible_to(user)
        if not user.access.can_everywhere(Permission.SEE_CLINICAL):
            seen = [pk for pk in user.access.by_clinic if user.access.can(Permission.SEE_CLINICAL, pk)]
            reports = reports.filter(clinic__in=seen)
        for name in ("pump", "alert"):
            key = key_filter(self.request, name)
            if key is not None:
                reports = reports.filter(**{name: key})
        kind = choice_filter(self.request, "kind", Report.Kind.values)
        return reports if kind is None else reports.filter(kind=kind)

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(request=ReportInput, responses={201: ReportOutput})
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        serializer = ReportInput(data=request.data, context={"request": request})
        serializer.is_valid(raise_exception=True)
        pump, now = serializer.validated_data["pump"], timezone.now()
        require(request, Permission.BOOK, pump.clinic_id)
        stored = report(
            pump_id=pump.pk,
            patient=pump.patient,
            kind=Report.Kind(serializer.validated_data["kind"]),
            symptoms=serializer.validated_data["symptoms"],
            note=serializer.validated_data["note"],
            began_at=serializer.validated_data["began_at"] or now,
            now=now,
            by=caller(request),
        )
        return Response(ReportOutput(stored).data, status=status.HTTP_201_CREATED)
