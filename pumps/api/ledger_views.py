"""The ledger: refills, dose changes, the timeline, voids."""

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, PolymorphicProxySerializer, extend_schema, extend_schema_view
from rest_framework import generics, status
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from clinics.api.fields import as_key
from clinics.api.filters import choice_filter
from clinics.api.pagination import Cursor
from clinics.api.permissions import require
from clinics.models import User
from clinics.roles import Permission
from pumps.api.consequence_serializers import ConsequenceOutput, EventKindOutput
from pumps.api.idempotency import once
from pumps.api.ledger_serializers import (
    OF_KIND,
    DoseInput,
    DoseOutput,
    EventInput,
    EventSerializer,
    OtherOutput,
    RefillAnswer,
    RefillInput,
    RefillOutput,
    TimelineOutput,
    VoidInput,
    VoidOutput,
    VoidPreviewInput,
)
from pumps.models import Event, Pump
from pumps.services import consequences, ledger, plans
from pumps.services.entries import Entry, is_drug_data_correction
from pumps.services.kinds import KINDS

IDEMPOTENCY = OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)
Input = RefillInput | DoseInput | EventInput
INPUTS: dict[str, type[RefillInput] | type[DoseInput] | type[EventInput]] = {
    Event.Kind.REFILL.value: RefillInput,
    Event.Kind.DOSE_CHANGE.value: DoseInput,
    **dict.fromkeys(KINDS, EventInput),
}


class NewestFirst(Cursor):
    ordering = ("-occurred_at", "-pk")


class LedgerView(generics.GenericAPIView[Event]):
    """Entries of one pump. The pump decides: another clinic's is 404, a role without clinical sight 403."""

    pagination_class = NewestFirst
    queryset = Event.objects.none()

    def pump(self, permission: Permission) -> Pump:
        pumps = Pump.objects.visible_to(self.request.user).select_related("model", "clinic", "patient")
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
    """Standing entries of some kinds, newest first, and recording another."""

    kinds: Sequence[str] = ()
    input_class: type[RefillInput] | type[DoseInput] | type[EventInput]
    answer_class: type[EventSerializer] | None = None

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        pump = self.pump(Permission.SEE_CLINICAL)
        events = Event.objects.standing().filter(pump=pump, kind__in=self.wanted()).select_related("recorded_by")
        return self.answer_page(events)

    def wanted(self) -> Sequence[str]:
        return self.kinds

    def record(self, request: Request) -> Response:
        pump = self.pump(Permission.LOG)
        event = once(request, self.user(), lambda: self._write(pump, request.data))
        answer = self.get_serializer(event) if self.answer_class is None else self.answer_class(event)
        return Response(answer.data, status=status.HTTP_201_CREATED)

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
            bridge=serializer.beside,
        )


@extend_schema_view(get=extend_schema(responses=RefillOutput(many=True)))
class RefillList(EntryList):
    kinds = (Event.Kind.REFILL,)
    input_class = RefillInput
    serializer_class = RefillOutput
    answer_class = RefillAnswer

    @extend_schema(parameters=[IDEMPOTENCY], request=RefillInput, responses={201: RefillAnswer})
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.record(request)


@extend_schema_view(get=extend_schema(responses=DoseOutput(many=True)))
class DoseChangeList(EntryList):
    kinds = (Event.Kind.DOSE_CHANGE,)
    input_class = DoseInput
    serializer_class = DoseOutput

    @extend_schema(parameters=[IDEMPOTENCY], request=DoseInput, responses={201: DoseOutput})
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.record(request)


KIND_FILTER = OpenApiParameter("kind", str, enum=sorted(KINDS))


@extend_schema_view(get=extend_schema(responses=OtherOutput(many=True), parameters=[KIND_FILTER]))
class EventList(EntryList):
    """Every kind of entry beside refills and dose changes."""

    kinds = tuple(KINDS)
    input_class = EventInput
    serializer_class = OtherOutput

    def wanted(self) -> Sequence[str]:
        kind = choice_filter(self.request, "kind", self.kinds)
        return self.kinds if kind is None else (kind,)

    @extend_schema(parameters=[IDEMPOTENCY], request=EventInput, responses={201: OtherOutput})
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.record(request)


class EntryPreview(LedgerView):
    """What would follow from an entry: the pump before and after, and what would have to be confirmed. Nothing is
    stored."""

    serializer_class = ConsequenceOutput
    input_class: type[RefillInput] | type[DoseInput] | type[EventInput] = RefillInput

    def previewed(self, request: Request) -> Response:
        pump = self.pump(Permission.LOG)
        serializer = self.input_class(data=request.data)
        serializer.is_valid(raise_exception=True)
        found = consequences.of_entry(pump, serializer.entry(), now=timezone.now(), bridge=serializer.beside)
        return Response(ConsequenceOutput(found).data)


class RefillPreview(EntryPreview):
    @extend_schema(request=RefillInput, responses=ConsequenceOutput)
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.previewed(request)


class DosePreview(EntryPreview):
    input_class = DoseInput

    @extend_schema(request=DoseInput, responses=ConsequenceOutput)
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.previewed(request)


class EventPreview(EntryPreview):
    input_class = EventInput

    @extend_schema(request=EventInput, responses=ConsequenceOutput)
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.previewed(request)


class EventKinds(APIView):
    """The kinds of entry beside refills and dose changes, with the fields each has."""

    @extend_schema(responses=EventKindOutput(many=True))
    def get(self, request: Request) -> Response:
        return Response(EventKindOutput(KINDS.values(), many=True).data)


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


class TimelineConfirm(LedgerView):
    """A planned dose change was programmed as planned, once its moment has come. The answer is the confirmation."""

    serializer_class = OtherOutput

    @extend_schema(parameters=[IDEMPOTENCY], request=None, responses={201: OtherOutput})
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        pump = self.pump(Permission.LOG)
        event = generics.get_object_or_404(Event, pump=pump, pk=self.kwargs["event"])
        confirmation = once(request, self.user(), lambda: self._write(pump, event))
        return Response(self.get_serializer(confirmation).data, status=status.HTTP_201_CREATED)

    def _write(self, pump: Pump, event: Event) -> Event:
        now = timezone.now()
        return plans.confirm(pump_id=pump.pk, event=event, user=self.user(), source=Event.Source.API, now=now)


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

    def _replacement(self, pump: Pump, event: Event, given: Any) -> Event | Entry | None:
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
        serializer = INPUTS[event.kind](data=given if event.kind not in KINDS else {"kind": event.kind, **given})
        serializer.is_valid(raise_exception=True)
        if serializer.beside is not None:
            told = "A correction leaves bridge boluses as they are: record or void the bridge as an entry of its own."
            raise ValidationError({"replacement": [told]})
        return serializer.entry()


class TimelineVoidPreview(TimelineVoid):
    """What would follow from marking an entry as an error, or from correcting it. Nothing is stored."""

    @extend_schema(parameters=[], request=VoidPreviewInput, responses={200: ConsequenceOutput})
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        pump = self.pump(Permission.LOG)
        event = generics.get_object_or_404(Event, pump=pump, pk=self.kwargs["event"])
        serializer = VoidPreviewInput(data=request.data)
        serializer.is_valid(raise_exception=True)
        replacement = self._replacement(pump, event, serializer.validated_data["replacement"])
        now = timezone.now()
        if replacement is None or isinstance(replacement, Event):
            found = consequences.of_void(pump, event, now=now)
        else:
            found = consequences.of_entry(pump, replacement, now=now, instead_of=event)
        return Response(ConsequenceOutput(found).data)
