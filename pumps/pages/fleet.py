"""How the fleet flows: by model and by clinic as of last night; by drug lot, and pump by pump, for one clinic."""

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from clinical.standing_out import Reason
from clinics import paging
from clinics.models import Clinic
from clinics.pages import user_of
from pumps.services import figures
from pumps.services.standing_out import ClinicView, clinic_view

REASON_WORDS = {
    Reason.RAN_DRY: "nothing aspirated at its last refill",
    Reason.UNSETTLED: "its flow has changed, and too few refills have followed",
    Reason.OUTSIDE_ACCURACY: "outside the device's accuracy",
    Reason.FAR_FROM_MODEL: "far from its model",
}
# The rest of a long list is behind the worklist's search; these are the gravest.
LOTS_SHOWN, PUMPS_SHOWN = 50, 100


def fleet(request: HttpRequest) -> HttpResponse:
    clinics = figures.clinics_of(user_of(request))
    if not clinics:
        raise PermissionDenied("Your role does not include: see clinical.")
    chosen = _chosen(request, clinics)
    context: dict[str, Any] = {
        "clinics": clinics,
        "chosen": chosen,
        "view": figures.fleet_view(clinics),
        **(_one(clinic_view(chosen)) if chosen is not None else {}),
    }
    return render(request, "pumps/fleet.html", context)


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
        "standing": [
            (each.pump, each.standing, "; ".join(REASON_WORDS[reason] for reason in each.standing.reasons))
            for each in found.standing[:PUMPS_SHOWN]
        ],
        "standing_left": len(found.standing[PUMPS_SHOWN:]),
    }
