"""The check of every refill of a pump."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from clinics.roles import Permission
from pumps.api.check_serializers import RefillCheckedOutput
from pumps.api.ledger_views import LedgerView
from pumps.models import Event
from pumps.services.checks import refills_of


class ResidualList(LedgerView):
    """Every standing refill of a pump with its check, newest first."""

    serializer_class = RefillCheckedOutput

    @extend_schema(responses=RefillCheckedOutput(many=True))
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        pump = self.pump(Permission.SEE_CLINICAL)
        page = self.paginate_queryset(Event.objects.standing().filter(pump=pump, kind=Event.Kind.REFILL)) or []
        checks = refills_of(pump)
        events = {event.occurred_at: event.pk for event in page}
        found = [checks[at] for at in events if at in checks]
        context = {**self.get_serializer_context(), "events": events}
        return self.get_paginated_response(RefillCheckedOutput(found, many=True, context=context).data)
