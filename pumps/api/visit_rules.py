"""What a clinic has set about its visits, over the API: the same service as the page."""

from dataclasses import fields
from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from clinics.api.permissions import administered, caller
from clinics.models import Clinic
from scheduling.models import VisitRules
from scheduling.services import rules
from scheduling.services.rules import MINUTES, MISSED_HOURS, PLACES, REMINDER_DAYS, Wanted
from scheduling.times import CHANNELS


def _wall(help_text: str = "") -> serializers.TimeField:
    return serializers.TimeField(format="%H:%M", input_formats=["%H:%M", "%H:%M:%S"], help_text=help_text)


def _whole(limits: tuple[int, int], **options: Any) -> serializers.IntegerField:
    lowest, highest = limits
    return serializers.IntegerField(min_value=lowest, max_value=highest, **options)


class VisitRulesSerializer(serializers.ModelSerializer[VisitRules]):
    """Times are of the clinic's wall. `missed_after_hours` null: a visit is missed at the end of its day."""

    opens_at = _wall()
    closes_at = _wall()
    minutes = _whole(MINUTES)
    places = _whole(PLACES)
    reminder_days = serializers.ListField(child=_whole(REMINDER_DAYS), help_text="empty: nobody is reminded")
    reminder_channels = serializers.ListField(
        child=serializers.ChoiceField(choices=[way.value for way in CHANNELS]),
        help_text="each patient and contact is reminded by those they consent to",
    )
    remind_from = _wall("reminders leave from then on")
    remind_until = _wall("and until before then")
    missed_after_hours = _whole(MISSED_HOURS, allow_null=True)

    class Meta:
        model = VisitRules
        fields: ClassVar = [field.name for field in fields(Wanted)]


class ClinicVisitRules(APIView):
    """Hours, places and reminders of a clinic's visits. PUT takes all of them; visits that are booked follow."""

    @extend_schema(responses=VisitRulesSerializer)
    def get(self, request: Request, pk: int) -> Response:
        clinic = generics.get_object_or_404(Clinic.objects.visible_to(request.user), pk=pk)
        return Response(VisitRulesSerializer(VisitRules.objects.of([clinic.pk])[clinic.pk]).data)

    @extend_schema(request=VisitRulesSerializer, responses=VisitRulesSerializer)
    def put(self, request: Request, pk: int) -> Response:
        clinic = administered(request, pk)
        serializer = VisitRulesSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        wanted = Wanted(**serializer.validated_data)
        stored = rules.change(clinic=clinic, wanted=wanted, by=caller(request), now=timezone.now())
        return Response(VisitRulesSerializer(stored).data)
