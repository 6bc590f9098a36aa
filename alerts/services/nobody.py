"""Nobody is on call where somebody is needed: an alert of the clinic, to its administrators."""

from collections.abc import Collection
from datetime import datetime

from django.db import transaction

from alerts.models import Alert
from alerts.services import lifecycle, oncall
from alerts.services.lifecycle import Opening
from clinical.escalation import CLINIC_LADDER, Deadlines
from clinical.saying import say


def open_for(clinic_ids: Collection[int], now: datetime) -> None:
    """Open the alert at each clinic whose tier asked for whoever is on call, where nobody is."""
    for clinic_id in sorted(clinic_ids):
        opening = Opening(
            clinic_id=clinic_id,
            patient_id=None,
            pump_id=None,
            kind=Alert.Kind.NOBODY_ON_CALL,
            deadlines=Deadlines(opened_at=now),
            ladder=CLINIC_LADDER,
            detail=say("An alert asks for whoever is on call, and nobody is."),
        )
        lifecycle.open_or_get(opening, now=now)


def close_settled(now: datetime) -> None:
    """Close it where somebody is on call again, or where no open alert asks for one any more.

    Reads the few open alerts of clinics by their own index.
    """
    with transaction.atomic():
        standing = Alert.objects.open().filter(pump=None, kind=Alert.Kind.NOBODY_ON_CALL)
        alerts = list(standing.select_for_update(skip_locked=True))
        present = oncall.on_call({alert.clinic_id for alert in alerts}, now) if alerts else {}
        for alert in alerts:
            if alert.clinic_id in present:
                lifecycle.close(alert, reason=say("somebody is on call again"), event_id=None, now=now)
            elif not _is_needed(alert.clinic_id):
                lifecycle.close(alert, reason=say("no open alert asks for whoever is on call"), event_id=None, now=now)


def _is_needed(clinic_id: int) -> bool:
    asking = Alert.objects.open().filter(clinic=clinic_id, tiers__contains=[{"on_call": True}])
    return any(
        rung["code"] == tier and rung["on_call"]
        for tiers, tier in asking.values_list("tiers", "tier").iterator()
        for rung in tiers
    )
