"""How the fleet flows: by model and by clinic as of last night; by drug lot, and pump by pump, for one clinic."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinical.standing_out import Reason
from clinics import paging
from clinics.models import Clinic
from clinics.pages import user_of
from pumps.pictures.ratios import Row, of_models, ratio_picture
from pumps.services import figures
from pumps.services.standing_out import ClinicView, clinic_view

REASON_WORDS = {
    Reason.RAN_DRY: gettext_lazy("nothing aspirated at its last refill"),
    Reason.UNSETTLED: gettext_lazy("its flow has changed, and too few refills have followed"),
    Reason.OUTSIDE_ACCURACY: gettext_lazy("outside the device's accuracy"),
    Reason.FAR_FROM_MODEL: gettext_lazy("far from its model"),
}
# The rest of a long list is behind the worklist's search; these are the gravest.
LOTS_SHOWN, PUMPS_SHOWN = 50, 100
# What is seen of a ratio alone.
FAR = {Reason.OUTSIDE_ACCURACY, Reason.FAR_FROM_MODEL}


def fleet(request: HttpRequest) -> HttpResponse:
    clinics = figures.clinics_of(user_of(request))
    if not clinics:
        raise PermissionDenied(_("Your role does not include: see clinical."))
    chosen = _chosen(request, clinics)
    context: dict[str, Any] = {
        "clinics": clinics,
        "chosen": chosen,
        "view": figures.fleet_view(clinics),
    }
    if chosen is not None:
        context |= _one(clinic_view(chosen))
    else:
        context["picture"] = ratio_picture(of_models(context["view"].models))
    return render(request, "pumps/fleet.html", context)


def said(reasons: Iterable[str]) -> str:
    """Why a pump stands out, in words."""
    return "; ".join(str(REASON_WORDS[Reason(reason)]) for reason in reasons)


def _chosen(request: HttpRequest, clinics: Sequence[Clinic]) -> Clinic | None:
    """The clinic asked for; the only one of somebody who has one."""
    asked = paging.read_id(request.GET.get("clinic", ""))
    if asked is None:
        return clinics[0] if len(clinics) == 1 else None
    found = next((clinic for clinic in clinics if clinic.pk == asked), None)
    if found is None:
        raise Http404
    return found


def _one(found: ClinicView) -> dict[str, Any]:
    return {
        "one": found,
        "lots": found.lots[:LOTS_SHOWN],
        "lots_left": len(found.lots[LOTS_SHOWN:]),
        "standing": [(each.pump, each.standing, said(each.standing.reasons)) for each in found.standing[:PUMPS_SHOWN]],
        "standing_left": len(found.standing[PUMPS_SHOWN:]),
        "picture": ratio_picture(_of_pumps(found)),
    }


def _of_pumps(found: ClinicView) -> list[Row]:
    """Each pump that was gone through; those that stand out by name."""
    return [
        Row(
            name=one.model.model,
            prior_mean=one.mean,
            prior_sd=one.sd,
            ratios=one.measured,
            outliers=_outliers(found, one.model.pk),
        )
        for one in found.ratios
    ]


def _outliers(found: ClinicView, model_id: int) -> list[tuple[float, str]]:
    """The pumps of a model whose ratio stands out, the furthest from its model first."""
    far = [
        each
        for each in found.standing
        if each.pump.model_id == model_id and each.standing.refills and FAR & set(each.standing.reasons)
    ]
    far.sort(key=lambda each: -abs(each.standing.from_model))
    return [(each.standing.ratio, each.pump.patient.family_name) for each in far]
