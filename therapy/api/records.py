"""Phases, assessments, adverse events, medicines and the rescue plan of a patient over the API."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response

from clinics.api.permissions import caller
from clinics.roles import Permission
from therapy.api.base import OfPatientView, created, taken
from therapy.api.record_serializers import (
    AdverseInput,
    AdverseOutput,
    AssessmentInput,
    AssessmentOutput,
    EndMedicineInput,
    MedicineInput,
    MedicineOutput,
    OfCourseOutput,
    PhaseInput,
    PhaseOutput,
    RescuePlanInput,
    RescuePlanOutput,
)
from therapy.api.serializers import ReasonInput
from therapy.models import AdverseEvent, Assessment, Medicine, OfCourse, Phase, PhaseChange, TrialBolus
from therapy.services import phases, records
from therapy.services.checks import void


class RecordList(OfPatientView):
    """Rows of one kind, newest first, those entered in error with their reasons."""

    serializer_class: type[OfCourseOutput]
    model: type[OfCourse]

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        patient = self.patient(Permission.SEE_CLINICAL)
        return self.page(self.model._default_manager.filter(patient=patient).select_related("recorded_by", "voided_by"))


class RecordVoid(OfPatientView):
    """Mark a row as entered in error, with the reason. It stays, and counts no more."""

    serializer_class: type[OfCourseOutput]
    model: type[OfCourse]
    needs = Permission.LOG

    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        rows = self.model._default_manager.filter(patient=self.patient(self.needs)).select_related("patient")
        row = generics.get_object_or_404(rows, pk=self.kwargs["row"])
        given = taken(ReasonInput, request).validated_data
        void(row, reason=given["reason"], by=caller(request), now=timezone.now())
        return Response(self.get_serializer(row).data)


@extend_schema_view(get=extend_schema(responses=PhaseOutput(many=True)))
class PhaseList(RecordList):
    """Which phase of therapy a patient is in: the newest that stands."""

    serializer_class = PhaseOutput
    model = PhaseChange

    @extend_schema(request=PhaseInput, responses={201: PhaseOutput})
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        patient, now = self.patient(Permission.PROPOSE_DOSE), timezone.now()
        given = taken(PhaseInput, request).validated_data
        given["began_at"] = given["began_at"] or now
        given["phase"] = Phase(given["phase"])
        return created(PhaseOutput(phases.change(patient=patient, by=caller(request), now=now, **given)))


@extend_schema(request=ReasonInput, responses=PhaseOutput)
class PhaseVoid(RecordVoid):
    serializer_class = PhaseOutput
    model = PhaseChange
    needs = Permission.PROPOSE_DOSE


@extend_schema_view(get=extend_schema(responses=AssessmentOutput(many=True)))
class AssessmentList(RecordList):
    serializer_class = AssessmentOutput
    model = Assessment

    @extend_schema(request=AssessmentInput, responses={201: AssessmentOutput})
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        patient, now = self.patient(Permission.LOG), timezone.now()
        serializer = taken(AssessmentInput, request)
        given = dict(serializer.validated_data)
        given["measured_at"] = given["measured_at"] or now
        given["ashworth"] = serializer.grades
        if given["bolus"] is not None:
            boluses = TrialBolus.objects.filter(trial__patient=patient)
            given["bolus"] = generics.get_object_or_404(boluses, pk=given["bolus"])
        return created(AssessmentOutput(records.assess(patient=patient, by=caller(request), now=now, **given)))


@extend_schema(request=ReasonInput, responses=AssessmentOutput)
class AssessmentVoid(RecordVoid):
    serializer_class = AssessmentOutput
    model = Assessment


@extend_schema_view(get=extend_schema(responses=AdverseOutput(many=True)))
class AdverseList(RecordList):
    serializer_class = AdverseOutput
    model = AdverseEvent

    @extend_schema(request=AdverseInput, responses={201: AdverseOutput})
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        patient = self.patient(Permission.LOG)
        given = taken(AdverseInput, request).validated_data
        now = timezone.now()
        return created(AdverseOutput(records.report_adverse(patient=patient, by=caller(request), now=now, **given)))


@extend_schema(request=ReasonInput, responses=AdverseOutput)
class AdverseVoid(RecordVoid):
    serializer_class = AdverseOutput
    model = AdverseEvent


@extend_schema_view(get=extend_schema(responses=MedicineOutput(many=True)))
class MedicineList(RecordList):
    """Medicines beside the pump, each with what it does together with baclofen."""

    serializer_class = MedicineOutput
    model = Medicine

    @extend_schema(request=MedicineInput, responses={201: MedicineOutput})
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        patient = self.patient(Permission.LOG_DRUG_DATA)
        given = taken(MedicineInput, request).validated_data
        now = timezone.now()
        return created(MedicineOutput(records.add_medicine(patient=patient, by=caller(request), now=now, **given)))


class MedicineEnd(OfPatientView):
    serializer_class = MedicineOutput

    @extend_schema(request=EndMedicineInput, responses=MedicineOutput)
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        rows = Medicine.objects.filter(patient=self.patient(Permission.LOG_DRUG_DATA)).select_related("patient")
        row = generics.get_object_or_404(rows, pk=self.kwargs["row"])
        given = taken(EndMedicineInput, request).validated_data
        return Response(MedicineOutput(records.end_medicine(medicine=row, **given)).data)


@extend_schema(request=ReasonInput, responses=MedicineOutput)
class MedicineVoid(RecordVoid):
    serializer_class = MedicineOutput
    model = Medicine
    needs = Permission.LOG_DRUG_DATA


class PatientRescuePlan(OfPatientView):
    """The oral rescue plan that counts; null before there is one."""

    serializer_class = RescuePlanOutput

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        plan = records.rescue_plan(self.patient(Permission.SEE_CLINICAL))
        return Response(RescuePlanOutput(plan).data if plan is not None else None)

    @extend_schema(request=RescuePlanInput, responses=RescuePlanOutput)
    def put(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        patient = self.patient(Permission.LOG)
        given = taken(RescuePlanInput, request).validated_data
        now = timezone.now()
        return Response(
            RescuePlanOutput(records.write_rescue_plan(patient=patient, by=caller(request), now=now, **given)).data
        )
