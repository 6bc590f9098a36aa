"""The calculators: nothing is stored, and every number has ten significant digits."""

from collections.abc import Sequence
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from clinical.findings import Finding
from pumps.api.bridges import bridging_data, significant
from pumps.api.calculator_serializers import (
    BridgeCalculatorInput,
    BridgeCalculatorOutput,
    CatheterCalculatorInput,
    CatheterCalculatorOutput,
    InitialDoseInput,
    InitialDoseOutput,
    RefillCalculatorInput,
    RefillCalculatorOutput,
    ResidualCalculatorInput,
    ResidualCalculatorOutput,
    ScreeningInput,
    ScreeningOutput,
    TitrationCalculatorInput,
    TitrationCalculatorOutput,
)
from pumps.services import calculators


def taken(serializer: Serializer[Any]) -> dict[str, Any]:
    """What was sent, or 400 with messages per field."""
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


def told(findings: Sequence[Finding]) -> list[dict[str, str]]:
    return [finding.as_json() for finding in findings]


class RefillCalculator(APIView):
    """When a reservoir is low and empty at the programmed rate. Nothing is stored."""

    @extend_schema(request=RefillCalculatorInput, responses=RefillCalculatorOutput)
    def post(self, request: Request) -> Response:
        answer = calculators.refill(**taken(RefillCalculatorInput(data=request.data)))
        data = {
            "rate_ml_per_day": significant(answer.rate_ml_per_day),
            "days_to_low": significant(answer.days_to_low),
            "low_at": answer.low_at,
            "days_to_empty": significant(answer.days_to_empty),
            "empty_at": answer.empty_at,
        }
        return Response(RefillCalculatorOutput(data).data)


class BridgeCalculator(APIView):
    """The bridge bolus of a change of concentration, and what happens without one. Nothing is stored."""

    @extend_schema(request=BridgeCalculatorInput, responses=BridgeCalculatorOutput)
    def post(self, request: Request) -> Response:
        answer = calculators.bridge_bolus(**taken(BridgeCalculatorInput(data=request.data)))
        return Response(BridgeCalculatorOutput(bridging_data(answer)).data)


class ResidualCalculator(APIView):
    """What was aspirated against what should be left. It warns outside the device's accuracy or above 2 mL."""

    @extend_schema(request=ResidualCalculatorInput, responses=ResidualCalculatorOutput)
    def post(self, request: Request) -> Response:
        answer = calculators.residual(**taken(ResidualCalculatorInput(data=request.data)))
        data = {
            "expected_ml": significant(answer.expected_ml),
            "discrepancy_ml": significant(answer.discrepancy_ml),
            "flow_ratio": significant(answer.flow_ratio) if answer.flow_ratio is not None else None,
            "findings": told(answer.findings),
        }
        return Response(ResidualCalculatorOutput(data).data)


class CatheterCalculator(APIView):
    """What a catheter holds, from its implanted length or from what was trimmed. Nothing is stored."""

    @extend_schema(request=CatheterCalculatorInput, responses=CatheterCalculatorOutput)
    def post(self, request: Request) -> Response:
        given = taken(CatheterCalculatorInput(data=request.data))
        volume, findings = calculators.catheter_volume(**given)
        data = {
            "volume_ml": significant(volume),
            "confirmed": given["model"].catheter_confirmed,
            "findings": told(findings),
        }
        return Response(CatheterCalculatorOutput(data).data)


class TitrationCalculator(APIView):
    """A proposed dose against the label: its step, the band for it, and what there is to say. Nothing is stored."""

    @extend_schema(request=TitrationCalculatorInput, responses=TitrationCalculatorOutput)
    def post(self, request: Request) -> Response:
        answer = calculators.titration_step(**taken(TitrationCalculatorInput(data=request.data)))
        data = {
            "change_pct": significant(answer.change_pct),
            "allowed_mcg": {"min": significant(answer.allowed.least), "max": significant(answer.allowed.most)},
            "findings": told(answer.findings),
        }
        return Response(TitrationCalculatorOutput(data).data)


class InitialDoseCalculator(APIView):
    """The first daily dose after a screening bolus that worked. Nothing is stored."""

    @extend_schema(request=InitialDoseInput, responses=InitialDoseOutput)
    def post(self, request: Request) -> Response:
        answer = calculators.initial_dose(**taken(InitialDoseInput(data=request.data)))
        data = {
            "daily_dose_mcg": significant(answer.daily_dose_mcg),
            "factor": significant(answer.factor),
            "why": answer.why,
            "source": answer.source,
        }
        return Response(InitialDoseOutput(data).data)


class ScreeningCalculator(APIView):
    """The next screening bolus, or why there is none. Nothing is stored."""

    @extend_schema(request=ScreeningInput, responses=ScreeningOutput)
    def post(self, request: Request) -> Response:
        answer = calculators.screening_step(**taken(ScreeningInput(data=request.data)))
        data = {
            "outcome": answer.outcome.value,
            "next_dose_mcg": significant(answer.next_dose_mcg) if answer.next_dose_mcg is not None else None,
            "not_before": answer.not_before,
            "why": answer.why,
            "source": answer.source,
        }
        return Response(ScreeningOutput(data).data)
