"""The pumps that stood out of the fleet last night: found batch by batch by the nightly run, read by who prescribes."""

from collections.abc import Sequence

from django.db import transaction
from django.db.models import F

from clinical.calibration import Ratios
from clinical.columns import Fleet
from clinical.segments import Segments
from clinical.standing_out import Reason, pumps_standing_out
from patients.models import Patient
from pumps.batches import Batch
from pumps.models import Pump, StandingOut

_GRAVITY = {reason: place for place, reason in enumerate(Reason)}


@transaction.atomic
def renew(batch: Batch, believing: Fleet, segments: Segments, ratios: Ratios) -> None:
    """Write anew which pumps of a batch stand out; `ratios` are those that follow from what it is `believing`.

    A pump that is no longer in use stands out of nothing.
    """
    ids = batch.ids.tolist()
    found = pumps_standing_out(believing, segments, ratios, batch.accuracy_pct)
    StandingOut.objects.filter(pump__in=ids).delete()
    StandingOut.objects.bulk_create(
        StandingOut(
            pump_id=ids[each.place],
            clinic_id=int(batch.clinic_ids[each.place]),
            reasons=[reason.value for reason in each.reasons],
            gravity=_GRAVITY[each.reasons[0]],
            distance=abs(each.from_model),
        )
        for each in found
        if batch.is_in_use[each.place]
    )


def gravest(clinic_ids: Sequence[int], most: int) -> list[StandingOut]:
    """The gravest of some clinics: those in use there now, the furthest from their model first where it is the same."""
    rows = StandingOut.objects.filter(
        clinic__in=clinic_ids,
        pump__clinic=F("clinic"),
        pump__status=Pump.Status.ACTIVE,
        pump__patient__status=Patient.Status.ACTIVE,
    )
    rows = rows.select_related("pump__model", "pump__patient", "clinic")
    return list(rows.order_by("gravity", F("distance").desc())[:most])
