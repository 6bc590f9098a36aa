"""Clinics over the API. The room of pumps answers, since a clinic's margin moves its pumps' dates."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics, status
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from alerts.services import lifecycle
from clinics.api.permissions import RolePermission, administered, caller
from clinics.api.serializers import ClinicSerializer
from clinics.models import Clinic
from clinics.roles import Permission
from clinics.services import tenants
from pumps.api.settings_serializers import (
    EffectOutput,
    LadderInput,
    LadderOutput,
    PlannedOutput,
    ProductInput,
    ProductOutput,
    TierSerializer,
    TiersInput,
)
from pumps.models import DrugProduct
from pumps.services import go_live as planning
from pumps.services import settings


class ClinicList(generics.ListCreateAPIView[Clinic]):
    serializer_class = ClinicSerializer
    queryset = Clinic.objects.order_by("pk")

    def get_queryset(self) -> QuerySet[Clinic]:
        return Clinic.objects.visible_to(self.request.user).order_by("pk")

    def perform_create(self, serializer: BaseSerializer[Clinic]) -> None:
        user = self.request.user
        if not user.is_authenticated or not user.access.can_everywhere(Permission.ADMINISTER):
            raise PermissionDenied("A clinic is created by an administrator of all clinics.")
        values = {"label_set": Clinic.LabelSet.US, **serializer.validated_data}
        serializer.instance = tenants.open_clinic(by=user, now=timezone.now(), **values)


class ClinicDetail(generics.RetrieveUpdateAPIView[Clinic]):
    serializer_class = ClinicSerializer
    permission_classes = [RolePermission]  # noqa: RUF012  DRF declares it so
    needs: ClassVar = {"GET": Permission.SEE, "PUT": Permission.ADMINISTER, "PATCH": Permission.ADMINISTER}
    queryset = Clinic.objects.all()

    def get_queryset(self) -> QuerySet[Clinic]:
        return Clinic.objects.visible_to(self.request.user)

    def perform_update(self, serializer: BaseSerializer[Clinic]) -> None:
        clinic = serializer.instance
        if clinic is None:
            raise TypeError("an update has an instance")
        wanted = settings.ClinicSettings(**serializer.validated_data)
        settings.change(clinic=clinic, settings=wanted, now=timezone.now(), by=caller(self.request))
        clinic.refresh_from_db()


class ClinicPreview(APIView):
    """What a change of settings would do today. Nothing is stored."""

    @extend_schema(request=ClinicSerializer, responses=EffectOutput)
    def post(self, request: Request, pk: int) -> Response:
        clinic = administered(request, pk)
        serializer = ClinicSerializer(clinic, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        wanted = settings.ClinicSettings(**serializer.validated_data)
        return Response(EffectOutput(settings.preview(clinic=clinic, settings=wanted, now=timezone.now())).data)


class ProductList(generics.GenericAPIView[DrugProduct]):
    """What a clinic has set for its drug products; POST adds one, or changes the one of that name."""

    serializer_class = ProductOutput
    queryset = DrugProduct.objects.none()

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        clinic = generics.get_object_or_404(Clinic.objects.visible_to(request.user), pk=self.kwargs["pk"])
        page = self.paginate_queryset(DrugProduct.objects.filter(clinic=clinic))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(request=ProductInput, responses={201: ProductOutput})
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        clinic = administered(request, self.kwargs["pk"])
        serializer = ProductInput(data=request.data)
        serializer.is_valid(raise_exception=True)
        wanted = serializer.settings()
        settings.set_product(clinic=clinic, product=wanted, now=timezone.now(), by=caller(request))
        stored = DrugProduct.objects.get(clinic=clinic, name=wanted.name)
        return Response(ProductOutput(stored).data, status=status.HTTP_201_CREATED)


class ProductPreview(APIView):
    """What setting a product would do today. Nothing is stored."""

    @extend_schema(request=ProductInput, responses=EffectOutput)
    def post(self, request: Request, pk: int) -> Response:
        clinic = administered(request, pk)
        serializer = ProductInput(data=request.data)
        serializer.is_valid(raise_exception=True)
        effect = settings.preview_product(clinic=clinic, product=serializer.settings(), now=timezone.now())
        return Response(EffectOutput(effect).data)


class ProductDetail(APIView):
    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request, pk: int, product: int) -> Response:
        clinic = administered(request, pk)
        found = generics.get_object_or_404(DrugProduct.objects.select_related("clinic"), clinic=clinic, pk=product)
        settings.remove_product(product=found, now=timezone.now(), by=caller(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class Tiers(APIView):
    """The clinic's ladder of reminders, mildest first. Open alerts keep the ladder they opened with."""

    @extend_schema(responses=TierSerializer(many=True))
    def get(self, request: Request, pk: int) -> Response:
        clinic = generics.get_object_or_404(Clinic.objects.visible_to(request.user), pk=pk)
        return Response(TierSerializer(lifecycle.ladders([clinic.pk])[clinic.pk], many=True).data)

    @extend_schema(request=TiersInput, responses=TierSerializer(many=True))
    def put(self, request: Request, pk: int) -> Response:
        return Response(TierSerializer(_stored(request, pk, TiersInput).ladder, many=True).data)


class Ladder(APIView):
    """The same with its version, and with how much earlier it begins where a patient's flags raise the risk."""

    @extend_schema(responses=LadderOutput)
    def get(self, request: Request, pk: int) -> Response:
        clinic = generics.get_object_or_404(Clinic.objects.visible_to(request.user), pk=pk)
        return Response(LadderOutput(lifecycle.policies([clinic.pk])[clinic.pk]).data)

    @extend_schema(request=LadderInput, responses=LadderOutput)
    def put(self, request: Request, pk: int) -> Response:
        return Response(LadderOutput(_stored(request, pk, LadderInput)).data)


def _stored(request: Request, pk: int, form: type[TiersInput]) -> lifecycle.Policy:
    """A clinic's policy, as it is once what was sent is stored."""
    clinic = administered(request, pk)
    serializer = form(data=request.data)
    serializer.is_valid(raise_exception=True)
    present = lifecycle.ladders([clinic.pk])[clinic.pk]
    settings.set_ladder(
        clinic=clinic,
        ladder=serializer.ladder(present),
        risk_days=serializer.validated_data.get("risk_days"),
        now=timezone.now(),
        by=caller(request),
    )
    return lifecycle.policies([clinic.pk])[clinic.pk]


class GoLive(APIView):
    """Who would be written to and when, if nothing is refilled before; and switching messages to patients on."""

    @extend_schema(responses=PlannedOutput(many=True))
    def get(self, request: Request, pk: int) -> Response:
        clinic = administered(request, pk)
        return Response(PlannedOutput(planning.planned(clinic, now=timezone.now()), many=True).data)

    @extend_schema(request=None, responses=ClinicSerializer)
    def post(self, request: Request, pk: int) -> Response:
        clinic = tenants.go_live(clinic=administered(request, pk), now=timezone.now(), by=caller(request))
        return Response(ClinicSerializer(clinic).data)
