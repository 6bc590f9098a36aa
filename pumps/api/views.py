"""Pump models, pumps, their forecasts, the worklist."""

from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import generics, status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from clinics.api.fields import MomentField
from clinics.api.filters import text_filter
from clinics.api.pagination import Cursor
from clinics.api.permissions import RolePermission, allows, caller, require
from clinics.roles import Permission
from pumps.api.serializers import (
    ExplantInput,
    ForecastSerializer,
    HandoverInput,
    HandoverOutput,
    LowLevelInput,
    PumpModelSerializer,
    PumpSerializer,
    ReplaceInput,
    WorklistSerializer,
)
from pumps.catheter import catheters_of
from pumps.models import Forecast, Pump, PumpModel
from pumps.services import devices, low_level
from pumps.snapshots import Snapshot, snapshot
from pumps.worklist import tiers
from scheduling.models import Appointment

KNOWN_LATER = "This lies in the future; give a past moment, or `at` for the forecast of a later one."


class PumpModelList(generics.ListAPIView[PumpModel]):
    """The catalogue. A figure whose `*_confirmed` is false is to be verified against the manual."""

    serializer_class = PumpModelSerializer
    queryset = PumpModel.objects.order_by("pk")


class PumpModelDetail(generics.RetrieveAPIView[PumpModel]):
    serializer_class = PumpModelSerializer
    queryset = PumpModel.objects.all()

    def get_object(self) -> PumpModel:
        return generics.get_object_or_404(PumpModel.objects.called(self.kwargs["model"]))


@extend_schema_view(get=extend_schema(parameters=[OpenApiParameter("serial_number", str)]))
class PumpList(generics.ListCreateAPIView[Pump]):
    serializer_class = PumpSerializer
    queryset = Pump.objects.all()

    def get_queryset(self) -> QuerySet[Pump]:
        pumps = Pump.objects.visible_to(self.request.user).select_related("model", "patient__clinic")
        serial_number = text_filter(self.request, "serial_number")
        return pumps if serial_number is None else pumps.filter(serial_number=serial_number)

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        page = self.paginate_queryset(self.get_queryset()) or []
        context = {**self.get_serializer_context(), "catheters": catheters_of(page)}
        return self.get_paginated_response(PumpSerializer(page, many=True, context=context).data)

    def perform_create(self, serializer: BaseSerializer[Pump]) -> None:
        patient = serializer.validated_data["patient"]
        require(self.request, Permission.LOG, patient.clinic_id)
        values = serializer.validated_data
        serializer.instance = devices.implant(now=timezone.now(), by=caller(self.request), **values)


class PumpDetail(generics.RetrieveUpdateAPIView[Pump]):
    serializer_class = PumpSerializer
    permission_classes = [RolePermission]  # noqa: RUF012  DRF declares it so
    needs: ClassVar = {"GET": Permission.SEE, "PUT": Permission.LOG, "PATCH": Permission.LOG}
    queryset = Pump.objects.all()

    def get_queryset(self) -> QuerySet[Pump]:
        return Pump.objects.visible_to(self.request.user).select_related("model", "patient")

    def perform_update(self, serializer: BaseSerializer[Pump]) -> None:
        changes = serializer.validated_data
        pump = serializer.instance
        if pump is None:
            raise TypeError("an update has an instance")
        if changes.get("patient", pump.patient) != pump.patient:
            raise ValidationError({"patient": ["A pump's patient is not changed by an edit."]})
        serializer.instance = devices.correct(pump=pump, changes=changes, now=timezone.now(), by=caller(self.request))


class PumpAction(APIView):
    """Something done to one pump, which decides: another clinic's is 404, a role without the permission 403."""

    def pump(self, request: Request, pk: int, permission: Permission) -> Pump:
        pumps = Pump.objects.visible_to(request.user).select_related("model", "clinic", "patient__clinic")
        pump = generics.get_object_or_404(pumps, pk=pk)
        require(request, permission, pump.clinic_id)
        return pump


class PumpExplant(PumpAction):
    """The pump is out: its ledger closes, its reminders end."""

    @extend_schema(request=ExplantInput, responses=PumpSerializer)
    def post(self, request: Request, pk: int) -> Response:
        pump = self.pump(request, pk, Permission.LOG)
        serializer = ExplantInput(data=request.data)
        serializer.is_valid(raise_exception=True)
        out = devices.explant(pump=pump, now=timezone.now(), by=caller(request), **serializer.validated_data)
        return Response(PumpSerializer(out, context={"request": request}).data)


class PumpReplace(PumpAction):
    """A pump is taken out and another put in on the same day; the answer is the new one."""

    @extend_schema(request=ReplaceInput, responses={201: PumpSerializer})
    def post(self, request: Request, pk: int) -> Response:
        pump = self.pump(request, pk, Permission.LOG)
        serializer = ReplaceInput(data=request.data)
        serializer.is_valid(raise_exception=True)
        new = devices.replace(pump=pump, now=timezone.now(), by=caller(request), **serializer.validated_data)
        return Response(PumpSerializer(new, context={"request": request}).data, status=status.HTTP_201_CREATED)


class PumpLowLevel(PumpAction):
    """Withdrawal before the low date: the low level is raised to 4 mL, unless it is higher. Source: Neurosurgery
    2004;55:390. The forecast and its alerts follow."""

    @extend_schema(request=LowLevelInput, responses=PumpSerializer)
    def post(self, request: Request, pk: int) -> Response:
        pump = self.pump(request, pk, Permission.LOG)
        serializer = LowLevelInput(data=request.data)
        serializer.is_valid(raise_exception=True)
        values = serializer.validated_data
        raised = low_level.raise_low_level(pump=pump, now=timezone.now(), by=caller(request), **values)
        return Response(PumpSerializer(raised, context={"request": request}).data)


class PumpOwner(PumpAction):
    """Who does the next refill: how it went from hand to hand, newest first; and handing it over."""

    @extend_schema(responses=HandoverOutput(many=True))
    def get(self, request: Request, pk: int) -> Response:
        pump = self.pump(request, pk, Permission.SEE)
        return Response(HandoverOutput(pump.handovers.select_related("by"), many=True).data)

    @extend_schema(request=HandoverInput, responses=PumpSerializer)
    def post(self, request: Request, pk: int) -> Response:
        pump = self.pump(request, pk, Permission.BOOK)
        serializer = HandoverInput(data=request.data)
        serializer.is_valid(raise_exception=True)
        handed = devices.hand_over(pump=pump, now=timezone.now(), by=caller(request), **serializer.validated_data)
        return Response(PumpSerializer(handed, context={"request": request}).data)


@extend_schema(
    parameters=[
        OpenApiParameter(
            "at",
            datetime,
            description="Another moment, past or future; without it now, or `known_at`. For the past alone this is "
            "hindsight: what happened until then as it stands today, late entries and corrections included, with "
            "today's settings and prior version.",
        ),
        OpenApiParameter(
            "known_at",
            datetime,
            description="The forecast as it stood at this past moment: entries, plans and corrections recorded until "
            "then, the settings in force and the prior version in use then. With `at`, that moment as it was known "
            "then.",
        ),
    ],
    responses=ForecastSerializer,
)
class PumpForecast(APIView):
    """A pump's dates, volume and flow ratio: as they are now, at another moment, or as they were known at one."""

    def get(self, request: Request, pk: int) -> Response:
        pumps = Pump.objects.visible_to(request.user).select_related("model", "clinic", "forecast__prior_version")
        pump = generics.get_object_or_404(pumps, pk=pk)
        require(request, Permission.SEE, pump.clinic_id)
        now = timezone.now()
        known_at = _moment(request, "known_at")
        if known_at is not None and known_at > now:
            raise ValidationError({"known_at": [KNOWN_LATER]})
        found = snapshot(pump, at=_moment(request, "at") or known_at or now, now=now, known_at=known_at)
        data = ForecastSerializer(_forecast_data(pump, found)).data
        if not allows(request, Permission.SEE_CLINICAL, pump.clinic_id):
            for field in ("flow_ratio", "rate_ml_per_day", "volume_ml", "drug_at_tip", "findings"):
                del data[field]
        return Response(data)


def _moment(request: Request, name: str) -> datetime | None:
    text = request.query_params.get(name)
    if text is None:
        return None
    # A plus sign in an address arrives as a space.
    try:
        return MomentField().to_internal_value(text.replace(" ", "+"))
    except ValidationError as error:
        raise ValidationError({name: error.detail}) from error


def _forecast_data(pump: Pump, found: Snapshot) -> dict[str, Any]:
    volume = found.volume
    return {
        "pump": str(pump.pk),
        "at": found.at,
        "known_at": found.known_at,
        **found.dates,
        "limiting_factor": found.limiting_factor,
        "unknown_reason": found.unknown_reason,
        "prior_version": str(found.prior_version_id),
        "flow_ratio": {
            "mean": _digits(found.flow_ratio.mean),
            "sd": _digits(found.flow_ratio.sd),
            "refills": found.flow_ratio.refills,
        },
        "rate_ml_per_day": _digits(volume.flow_ml_per_day),
        "volume_ml": {
            "programmed": _digits(volume.programmed),
            "expected": _digits(volume.expected),
            "low": _digits(volume.low),
            "high": _digits(volume.high),
        },
        "drug_at_tip": found.tip,
        "findings": found.findings,
    }


def _digits(value: float | None) -> str | None:
    """Six decimals, enough for six significant digits of any volume or ratio shown."""
    return None if value is None else f"{value:.6f}"


class MostUrgentFirst(Cursor):
    ordering = ("worklist_at", "pump_id")


@extend_schema(
    parameters=[
        OpenApiParameter("within_days", int, description="refill-by at most so many days from now; unknown included"),
    ]
)
class Worklist(generics.ListAPIView[Forecast]):
    serializer_class = WorklistSerializer
    pagination_class = MostUrgentFirst
    queryset = Forecast.objects.all()

    def get_queryset(self) -> QuerySet[Forecast]:
        rows = Forecast.objects.visible_to(self.request.user).on_worklist().select_related("pump")
        text = self.request.query_params.get("within_days")
        if text is None:
            return rows
        if not (text.isascii() and text.isdigit() and len(text) <= 5):
            raise ValidationError({"within_days": ["Write a whole number of days, 0 or more."]})
        return rows.filter(worklist_at__lte=timezone.now() + timedelta(days=int(text)))

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        page = self.paginate_queryset(self.get_queryset()) or []
        visits = Appointment.objects.of_pumps([row.pump_id for row in page])
        context = {**self.get_serializer_context(), "tiers": tiers(page, now=timezone.now()), "visits": visits}
        return self.get_paginated_response(WorklistSerializer(page, many=True, context=context).data)
