"""A screening over the API, bolus by bolus."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response

from clinics.api.permissions import caller
from clinics.roles import Permission
from therapy.api.base import OfPatientView, created, taken
from therapy.api.screening_serializers import (
    JudgeInput,
    TrialBolusInput,
    TrialBolusOutput,
    TrialInput,
    TrialWithBoluses,
)
from therapy.api.serializers import NoteInput
from therapy.models import Trial, TrialBolus
from therapy.services import screening


class TrialView(OfPatientView):
    serializer_class = TrialWithBoluses

    def trial(self, permission: Permission) -> Trial:
        rows = Trial.objects.filter(patient=self.patient(permission)).select_related("patient__clinic", "protocol")
        return generics.get_object_or_404(rows, pk=self.kwargs["screening"])


class TrialList(TrialView):
    @extend_schema(responses=TrialWithBoluses(many=True))
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        rows = Trial.objects.filter(patient=self.patient(Permission.SEE_CLINICAL))
        return self.page(rows.select_related("began_by", "ended_by", "protocol").prefetch_related("boluses__judged_by"))

    @extend_schema(request=TrialInput, responses={201: TrialWithBoluses})
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        patient = self.patient(Permission.LOG)
        given = taken(TrialInput, request).validated_data
        return created(
            TrialWithBoluses(screening.begin(patient=patient, by=caller(request), now=timezone.now(), **given))
        )


class TrialDetail(TrialView):
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return Response(TrialWithBoluses(self.trial(Permission.SEE_CLINICAL)).data)


class TrialBoluses(TrialView):
    """Record a bolus. Too soon, too much, or after a response: 409, unless a prescriber overrides with a reason."""

    @extend_schema(request=TrialBolusInput, responses={201: TrialBolusOutput})
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        trial, now = self.trial(Permission.LOG), timezone.now()
        given = taken(TrialBolusInput, request).validated_data
        given["given_at"] = given["given_at"] or now
        return created(TrialBolusOutput(screening.give(trial=trial, by=caller(request), now=now, **given)))


class TrialJudge(TrialView):
    """Whether the patient responded, and for how long; a response ends the screening."""

    @extend_schema(request=JudgeInput, responses=TrialWithBoluses)
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        trial = self.trial(Permission.LOG)
        bolus = generics.get_object_or_404(TrialBolus.objects.filter(trial=trial), pk=self.kwargs["bolus"])
        given = taken(JudgeInput, request).validated_data
        screening.judge(bolus=bolus, by=caller(request), now=timezone.now(), **given)
        return Response(TrialWithBoluses(self.trial(Permission.LOG)).data)


class TrialGiveUp(TrialView):
    @extend_schema(request=NoteInput, responses=TrialWithBoluses)
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        trial = self.trial(Permission.LOG)
        given = taken(NoteInput, request).validated_data
        screening.give_up(trial=trial, by=caller(request), now=timezone.now(), **given)
        return Response(TrialWithBoluses(self.trial(Permission.LOG)).data)
