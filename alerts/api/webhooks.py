"""A clinic's webhooks on the wire, for its administrators."""

from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from alerts.models import WebhookAddress
from alerts.services import webhooks
from clinics.api.fields import IdField, MomentField
from clinics.api.pagination import Cursor
from clinics.api.permissions import administered, caller


class NewestFirst(Cursor):
    ordering = "-pk"


class WebhookSerializer(serializers.ModelSerializer[WebhookAddress]):
    """`error` is of the latest call, blank where it was taken."""

    id = IdField()
    created_at = MomentField(read_only=True)
    called_at = MomentField(read_only=True, allow_null=True)
    failing_since = MomentField(read_only=True, allow_null=True)

    class Meta:
        model = WebhookAddress
        fields: ClassVar = ["id", "url", "created_at", "called_at", "failing_since", "error"]
        read_only_fields: ClassVar = ["error"]


class NewWebhookSerializer(WebhookSerializer):
    """With the secret, which is answered once."""

    secret = serializers.CharField(read_only=True)

    class Meta(WebhookSerializer.Meta):
        fields: ClassVar = [*WebhookSerializer.Meta.fields, "secret"]


class TrialOutput(serializers.Serializer[Any]):
    taken = serializers.BooleanField()
    error = serializers.CharField()


class WebhookList(generics.GenericAPIView[WebhookAddress]):
    """The addresses of a clinic, and a new one."""

    serializer_class = WebhookSerializer
    pagination_class = NewestFirst
    queryset = WebhookAddress.objects.none()

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        clinic = administered(request, self.kwargs["pk"])
        page = self.paginate_queryset(WebhookAddress.objects.standing().filter(clinic=clinic))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(request=WebhookSerializer, responses={201: NewWebhookSerializer})
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        clinic = administered(request, self.kwargs["pk"])
        serializer = WebhookSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        made, secret = webhooks.add(
            clinic=clinic, url=serializer.validated_data["url"], by=caller(request), now=timezone.now()
        )
        return Response({**WebhookSerializer(made).data, "secret": secret}, status=status.HTTP_201_CREATED)


class WebhookAction(APIView):
    def address(self, request: Request, pk: int, webhook: int) -> WebhookAddress:
        clinic = administered(request, pk)
        rows = WebhookAddress.objects.standing().select_related("clinic")
        return generics.get_object_or_404(rows, clinic=clinic, pk=webhook)


class WebhookDetail(WebhookAction):
    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request, pk: int, webhook: int) -> Response:
        webhooks.remove(address=self.address(request, pk, webhook), by=caller(request), now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


class WebhookRenew(WebhookAction):
    """A new secret. For a day the old one signs as well."""

    @extend_schema(request=None, responses=NewWebhookSerializer)
    def post(self, request: Request, pk: int, webhook: int) -> Response:
        address = self.address(request, pk, webhook)
        secret = webhooks.renew(address=address, by=caller(request), now=timezone.now())
        return Response({**WebhookSerializer(address).data, "secret": secret})


class WebhookTest(WebhookAction):
    """Call the address now."""

    @extend_schema(request=None, responses=TrialOutput)
    def post(self, request: Request, pk: int, webhook: int) -> Response:
        address = self.address(request, pk, webhook)
        error = webhooks.send_test(address=address, by=caller(request), now=timezone.now())
        return Response({"taken": not error, "error": error})
