"""How the fleet flows, on the wire."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from clinical.standing_out import Reason
from clinics.api.fields import IdField, MomentField
from clinics.api.filters import key_filter
from clinics.api.permissions import caller, require
from clinics.models import Clinic
from clinics.roles import Permission
from pumps.services import figures
from pumps.services.standing_out import clinic_view


def digits(source: str | None = None) -> serializers.DecimalField:
    """A number that was computed: six decimals. From `source` where that is not the field's name."""
    return serializers.DecimalField(16, 6, source=source, allow_null=True)


class FigureOutput(serializers.Serializer[Any]):
    """Of pumps in use: the mean and spread of the `measured` ones' own flow ratios; null without any."""

    pumps = serializers.IntegerField(source="figure.pumps")
    measured = serializers.IntegerField(source="figure.measured")
    refills = serializers.IntegerField(source="figure.refills")
    flow_ratio_mean = digits("figure.ratio_mean")
    flow_ratio_sd = digits("figure.ratio_sd")
    unsettled = serializers.IntegerField(source="figure.unsettled")


class BelievedOutput(serializers.Serializer[Any]):
    mean = digits()
    sd = digits()
    noise_ml = digits()


class ModelFigureOutput(FigureOutput):
    """`catalogue_*` is what the catalogue says; `learned` what every pump of the model starts from."""

    model = serializers.CharField(source="model.slug")
    catalogue_mean = digits("model.flow_ratio_mean")
    catalogue_sd = digits("model.flow_ratio_sd")
    learned = BelievedOutput(allow_null=True)


class ClinicFigureOutput(FigureOutput):
    clinic = IdField(source="clinic.pk")


class VersionOutput(serializers.Serializer[Any]):
    """From the refills of how many pumps of the whole installation, and when, the `learned` figures were made."""

    id = IdField(source="pk")
    pumps = serializers.IntegerField()
    reason = serializers.CharField()
    created_at = MomentField()


class LotOutput(serializers.Serializer[Any]):
    """How the fills of a lot flowed relative to what each pump had shown before: 1 is as expected."""

    lot_number = serializers.CharField()
    relative_ratio = digits("ratio.relative")
    standard_error = digits("ratio.error")
    refills = serializers.IntegerField(source="ratio.intervals")
    pumps = serializers.IntegerField(source="ratio.pumps")
    stands_out = serializers.BooleanField(source="ratio.stands_out")


class StandingOutput(serializers.Serializer[Any]):
    """A pump that stands out; `sd_from_model` in standard deviations between pumps of its model."""

    pump = IdField(source="pump.pk")
    reasons = serializers.ListField(
        source="standing.reasons", child=serializers.ChoiceField([reason.value for reason in Reason])
    )
    flow_ratio = digits("standing.ratio")
    refills = serializers.IntegerField(source="standing.refills")
    sd_from_model = digits("standing.from_model")


class ClinicViewOutput(serializers.Serializer[Any]):
    """One clinic as of now: `pumps_looked_at` of its `pumps` in use."""

    clinic = IdField(source="clinic.pk")
    pumps = serializers.IntegerField(source="all_pumps")
    pumps_looked_at = serializers.IntegerField(source="of_pumps")
    lots = LotOutput(many=True, help_text="of at least 3 pumps, the furthest from 1 first; at most 500")
    other_lots = serializers.IntegerField(help_text="lots of fewer pumps, which cannot tell")
    standing_out = StandingOutput(source="standing", many=True)


class FleetOutput(serializers.Serializer[Any]):
    computed_at = MomentField(allow_null=True, help_text="the night of the figures; null before the first")
    prior_version = VersionOutput(source="version")
    models = ModelFigureOutput(many=True)
    clinics = ClinicFigureOutput(many=True)


class FleetAnswer(FleetOutput):
    one_clinic = ClinicViewOutput(allow_null=True, help_text="where a clinic is asked for")


class Fleet(APIView):
    """Flow ratios by model and clinic, of the clinics whose clinical data the caller sees; `?clinic=` adds its drug
    lots and the pumps that stand out."""

    @extend_schema(
        parameters=[OpenApiParameter("clinic", str, description="the clinic to look at, pump by pump")],
        responses=FleetAnswer,
    )
    def get(self, request: Request) -> Response:
        clinics = figures.clinics_of(caller(request))
        asked = self._asked(request)
        if not clinics:
            raise PermissionDenied("Your role does not include: see clinical.")
        data = FleetOutput(figures.fleet_view(clinics)).data
        one = ClinicViewOutput(clinic_view(asked)).data if asked is not None else None
        return Response({**data, "one_clinic": one})

    def _asked(self, request: Request) -> Clinic | None:
        key = key_filter(request, "clinic")
        if key is None:
            return None
        found = Clinic.objects.visible_to(request.user).filter(pk=key).first()
        if found is None:
            raise NotFound
        require(request, Permission.SEE_CLINICAL, found.pk)
        return found
