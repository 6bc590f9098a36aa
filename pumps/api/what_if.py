"""The planner on the wire: a pump now beside the pump as tried. Nothing is stored."""

from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from clinical.planning import FORMULAS, Outlook
from clinical.terms import ClinicRules
from clinical.units import plain
from clinics.api.permissions import require
from clinics.roles import Permission
from pumps.api.bridges import bridge_data, significant
from pumps.api.calculators import told
from pumps.api.what_if_serializers import WhatIfInput, WhatIfOutput
from pumps.services.what_if import NOTE, Comparison, of_pump, of_values

DATES = (
    "programmed_low_at",
    "programmed_empty_at",
    "low_at",
    "empty_at",
    "earliest_low_at",
    "drug_expires_at",
    "max_interval_at",
    "refill_by",
)


class WhatIf(APIView):
    """What another dose, program, drug, fill, pump size or margin would mean. Nothing is stored; no prescription."""

    @extend_schema(request=WhatIfInput, responses=WhatIfOutput)
    def post(self, request: Request) -> Response:
        serializer = WhatIfInput(data=request.data, context={"request": request})
        serializer.is_valid(raise_exception=True)
        values, tried = serializer.validated_data, serializer.tried()
        pump = values["pump"]
        if pump is not None:
            require(request, Permission.SEE_CLINICAL, pump.clinic_id)
            found = of_pump(pump, tried, now=timezone.now())
        else:
            found = of_values(tried, zone=ZoneInfo(values["timezone"]), label_set=values["label_set"])
        return Response(WhatIfOutput(_data(found)).data)


def _data(found: Comparison) -> dict[str, Any]:
    has_now = found.now is not None and found.now_rules is not None
    return {
        "note": NOTE,
        "starts_at": found.starts_at,
        "with_refill": found.with_refill,
        "other_model": found.other_model,
        "now": _outlook(found.now, found.now_rules) if has_now else None,
        "tried": _outlook(found.tried, found.tried_rules),
        "bridge": bridge_data(found.bridge) if found.bridge is not None else None,
        "formulas": FORMULAS,
    }


def _outlook(found: Outlook | None, rules: ClinicRules | None) -> dict[str, Any]:
    if found is None or rules is None:
        return {}
    forecast, supply, fill = found.forecast, found.supply, found.setting.fill
    return {
        "daily_dose_mcg": _digits(found.daily_dose_mcg),
        "hourly_mcg": _digits(found.hourly_mcg),
        "rate_ml_per_day": _digits(found.flow_ml_per_day),
        "volume_ml": plain(fill.filled_ml),
        "concentration_mcg_per_ml": plain(fill.concentration_mcg_per_ml),
        "filled_at": fill.at,
        "margin_days": rules.margin_days,
        **{name: getattr(forecast, name) for name in DATES},
        "limiting_factor": forecast.limiting_factor.value,
        "unknown_reason": forecast.unknown_reason,
        "flow_ratio": {
            "mean": _digits(forecast.flow_ratio.mean),
            "sd": _digits(forecast.flow_ratio.sd),
            "refills": forecast.flow_ratio.refills,
        },
        "interval_days": _digits(supply.interval_days),
        "refills_per_year": _digits(supply.refills_per_year),
        "drug_ml_per_year": _digits(supply.drug_ml_per_year),
        "drug_mg_per_year": _digits(supply.drug_mg_per_year),
        "delivered_mg_per_year": _digits(supply.delivered_mg_per_year),
        "findings": told(forecast.findings),
    }


def _digits(value: Decimal | float | None) -> str | None:
    return None if value is None else significant(Decimal(value))
