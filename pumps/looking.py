"""When the alerts of many pumps have to be looked at next, after their forecasts were renewed."""

from collections.abc import Mapping, Sequence, Set
from datetime import datetime

import numpy as np

from alerts.models import Alert
from alerts.services import lifecycle
from clinical.columns import Flags, Floats, Ints
from clinical.escalation import FULL_INTERVAL, SERVICE_LADDER, Anchor, Tier, earlier
from clinical.forecast import Forecasts
from clinical.units import SECONDS_PER_DAY, to_seconds
from pumps.alerting import ALERTING, DISCREPANT, risk_flags
from pumps.batches import Batch
from scheduling.models import Appointment


def next_looks(batch: Batch, found: Forecasts, *, now: datetime) -> Floats:
    """In seconds, nan for never. A pump with an open alert, or with anything that may open one, is looked at now; any
    other when its first alert can begin. What then holds is decided by `alerting.reconcile`, one pump at a time."""
    present = to_seconds(now)
    policies = lifecycle.policies(np.unique(batch.clinic_ids).tolist())
    is_at_risk = np.isin(batch.ids, np.array(list(risk_flags(batch.ids.tolist())), dtype=np.int64))
    usual = {clinic_id: policy.ladder for clinic_id, policy in policies.items()}
    for_risk = {clinic_id: earlier(policy.ladder, policy.risk_days) for clinic_id, policy in policies.items()}
    first = np.where(
        is_at_risk,
        _first_start(found, batch.clinic_ids, for_risk),
        _first_start(found, batch.clinic_ids, usual),
    )
    service = found.service_ends + min(tier.lead_days for tier in SERVICE_LADDER) * SECONDS_PER_DAY
    starts = np.maximum(np.fmin(first, service), present)
    open_alerts = Alert.objects.open().filter(pump__in=batch.ids.tolist()).values_list("pump_id", flat=True)
    busy = np.isin(batch.ids, np.array(list(open_alerts), dtype=np.int64))
    busy |= (found.dates.reason > 0) | ~np.isnan(found.dates.stopped) | ~np.isnan(found.dates.stalled)
    busy |= _any_of(found, {*ALERTING, *DISCREPANT}) | _booked_too_late(batch, found)
    return np.where(busy, present, np.where(batch.is_in_use, starts, np.nan))


def _any_of(found: Forecasts, codes: Set[str]) -> Flags:
    """The pumps that have a finding of one of the codes."""
    return np.array([any(each.code in codes for each in findings) for findings in found.findings], dtype=np.bool_)


def _booked_too_late(batch: Batch, found: Forecasts) -> Flags:
    """Whether the visit that stands is after the date the refill is now due by."""
    visits = Appointment.objects.standing().filter(pump__in=batch.ids.tolist()).values_list("pump_id", "starts_at")
    booked = {pump_id: to_seconds(starts_at) for pump_id, starts_at in visits}
    starts = np.array([booked.get(pump_id, np.nan) for pump_id in batch.ids.tolist()], dtype=np.float64)
    is_late: Flags = starts > found.dates.refill_by
    return is_late


def _first_start(found: Forecasts, clinics: Ints, ladders: Mapping[int, Sequence[Tier]]) -> Floats:
    """When the first tier of the refill ladder begins, in seconds; as `escalation.starts` has it."""
    dates = found.dates
    anchors = {
        Anchor.REFILL_BY: dates.refill_by,
        Anchor.LOW: np.fmin(dates.programmed_low, dates.earliest_low),
        Anchor.EMPTY: np.fmin(dates.programmed_empty, dates.empty),
    }
    interval = (dates.refill_by - dates.filled) / FULL_INTERVAL.total_seconds()
    scale = np.where(np.isnan(interval), 1.0, np.clip(interval, 0.0, 1.0))
    first = np.full(len(clinics), np.nan)
    for clinic_id, ladder in ladders.items():
        here = clinics == clinic_id
        for tier in ladder:
            start = anchors[tier.anchor] + tier.lead_days * SECONDS_PER_DAY * scale
            first = np.where(here, np.fmin(first, start), first)
    return first
