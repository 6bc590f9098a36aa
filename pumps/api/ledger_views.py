"""The ledger: refills, dose changes, the timeline, voids."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, PolymorphicProxySerializer, extend_schema, extend_schema_view
from rest_framework import generics, status
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from clinics.api.fields import as_key
from clinics.api.pagination import Cursor
from clinics.api.permissions import require
from clinics.models import User
from clinics.roles import Permission
from pumps.api.idempotency import once
from pumps.api.ledger_serializers import (
    OF_KIND,
    DoseInput,
    DoseOutput,
    RefillInput,
    RefillOutput,
    TimelineOutput,
    VoidInput,
    VoidOutput,
)
from pumps.models import Event, Pump
from pumps.services import ledger
from pumps.services.entries import is_drug_data_correction

IDEMPOTENCY = OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)
INPUTS: dict[str, type[RefillInput] | type[DoseInput]] = {
    Event.Kind.REFILL.value: RefillInput,
    Event.Kind.DOSE_CHANGE.value: DoseInput,
}


class NewestFirst(Cursor):
    ordering = ("-occurred_at", "-pk")


class LedgerView(generics.GenericAPIView[Event]):
    """Entries of one pump. The pump decides: another clinic's is 404, a role without clinical sight 403."""

    pagination_class = NewestFirst
    queryset = Event.objects.none()

    def pump(self, permission: Permission) -> Pump:
        pumps = Pump.objects.visible_to(self.request.user).select_related("model", "clinic")
        pump = generics.get_object_or_404(pumps, pk=self.kwargs["pk"])
        require(self.request, permission, pump.clinic_id)
        return pump

    def user(self) -> User:
        user = self.request.user
        if not isinstance(user, User):
            raise PermissionDenied
        return user

    def answer_page(self, events: QuerySet[Event]) -> Response:
        page = self.paginate_queryset(events)
        return self.get_paginated_response(self.get_serializer(page, many=True).data)


class EntryList(LedgerView):
    """Standing entries of one kind, newest first, and recording another."""

    kind = ""
    input_class: type[RefillInput] | type[DoseInput]

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        pump = self.pump(Permission.SEE_CLINICAL)
        events = Event.objects.standing().filter(pump=pump, kind=self.kind).select_related("recorded_by")
        return self.answer_page(events)

    def record(self, request: Request) -> Response:
        pump = self.pump(Permission.LOG)
        event = once(request, self.user(), lambda: self._write(pump, request.data))
        return Response(self.get_serializer(event).data, status=status.HTTP_201_CREATED)

    def _write(self, pump: Pump, data: Any) -> Event:
        serializer = self.input_class(data=data)
        serializer.is_valid(raise_exception=True)
        return ledger.record(
            pump_id=pump.pk,
            entry=serializer.entry(),
            user=self.user(),
            source=Event.Source.API,
            now=timezone.now(),
            confirmed=serializer.confirmed,
        )


@extend_schema_view(get=extend_schema(responses=RefillOutput(many=True)))
class RefillList(EntryList):
    kind = Event.Kind.REFILL
    input_class = RefillInput
    serializer_class = RefillOutput

    @extend_schema(parameters=[IDEMPOTENCY], request=RefillInput, responses={201: RefillOutput})
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.record(request)


@extend_schema_view(get=extend_schema(responses=DoseOutput(many=True)))
class DoseChangeList(EntryList):
    kind = Event.Kind.DOSE_CHANGE
    input_class = DoseInput
    serializer_class = DoseOutput

    @extend_schema(parameters=[IDEMPOTENCY], request=DoseInput, responses={201: DoseOutput})
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.record(request)


class Timeline(LedgerView):
    """The whole ledger, newest first, entries made in error included."""

    serializer_class = TimelineOutput

    @extend_schema(
        responses=PolymorphicProxySerializer(
            component_name="TimelineEntry", serializers={**OF_KIND}, resource_type_field_name="kind", many=True
        )
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        pump = self.pump(Permission.SEE_CLINICAL)
        events = Event.objects.filter(pump=pump).select_related("recorded_by", "voided_by")
        return self.answer_page(events)


class TimelineVoid(LedgerView):
    """Mark an entry as entered in error. A pharmacist may correct the drug data of a refill, nothing else."""

    serializer_class = VoidOutput

    @extend_schema(parameters=[IDEMPOTENCY], request=VoidInput, responses={201: VoidOutput})
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        pump = self.pump(Permission.LOG_DRUG_DATA)
        event = generics.get_object_or_404(Event, pump=pump, pk=self.kwargs["event"])
        void = once(request, self.user(), lambda: self._write(pump, event, request.data))
        return Response(self.get_serializer(void).data, status=status.HTTP_201_CREATED)

    def _write(self, pump: Pump, event: Event, data: Any) -> Event:
        serializer = VoidInput(data=data)
        serializer.is_valid(raise_exception=True)
        replacement = self._replacement(pump, event, serializer.validated_data["replacement"])
        if not is_drug_data_correction(event, replacement):
            require(self.request, Permission.LOG, pump.clinic_id)
        return ledger.void(
            pump_id=pump.pk,
            event_id=event.pk,
            reason=serializer.validated_data["reason"],
            user=self.user(),
            source=Event.Source.API,
            now=timezone.now(),
            replacement=replacement,
            confirmed=serializer.confirmed,
        )

    def _replacement(self, pump: Pump, event: Event, given: Any) -> Event | ledger.Entry | None:
        """Null, an entry already recorded (its id), or the fields of the entry to record instead."""
        if given is None:
            return None
        if isinstance(given, str):
            key = as_key(given)
            standing = Event.objects.standing().filter(pump=pump).exclude(pk=event.pk)
            found = standing.filter(pk=key).first() if key is not None else None
            if found is None:
                raise ValidationError({"replacement": ["This pump has no such standing entry."]})
            return found
        if not isinstance(given, dict) or event.kind not in INPUTS:
            raise ValidationError({"replacement": ["Give null, an entry's id, or the fields of the right entry."]})
        serializer = INPUTS[event.kind](data=given)
        serializer.is_valid(raise_exception=True)
        return serializer.entry()
