"""What is believed of the models' flow: from the catalogue, and learned from the refills of the fleet."""

from dataclasses import asdict
from typing import Any

import numpy as np
from django.db import connection, transaction

from clinical import learning
from clinical.depletion import measure
from clinical.learning import Sample
from clinical.ledger import Prior
from clinical.saying import say
from pumps import batches
from pumps.models import PriorVersion, PumpModel

# Clinical rules, section 2: residual measurement noise, U; re-estimated from refills.
NOISE_ML = 0.7
# More pumps of one model would not make its figures better by anything that shows in a date.
PUMPS_OF_A_MODEL = 400
BATCH = 5000
# The same pumps as long as the fleet is the same, whatever the order they came in: ids multiplied by a large prime.
_SAMPLE = """
SELECT id FROM (
    SELECT pump.id, row_number() OVER (PARTITION BY model_id ORDER BY pump.id * 2654435761 %% 4294967291) AS place
    FROM pumps_pump AS pump JOIN patients_patient AS patient ON patient.id = patient_id
    WHERE patient.status <> 'transferred'
) AS shuffled WHERE place <= %s ORDER BY id
"""


def follow_catalogue(reason: str) -> PriorVersion:
    """The newest version, made anew where the catalogue has changed since."""
    newest = PriorVersion.objects.order_by("pk").last()
    believed = _believed()
    if newest is not None and (newest.believed or newest.priors) == believed:
        return newest
    return _learned(believed, reason)


def learn() -> PriorVersion:
    """The newest version, made anew where the fleet's refills now say something else."""
    newest = follow_catalogue(say("catalogue"))
    believed = newest.believed or newest.priors
    priors, pumps = _from_fleet(believed)
    old = {slug: Prior(**fields) for slug, fields in newest.priors.items()}
    if not any(learning.is_news(prior, old[slug]) for slug, prior in priors.items()):
        return newest
    return _stored(priors, believed, pumps, say("learned from the refills of %(pumps)s pumps", pumps=pumps))


def _believed() -> dict[str, Any]:
    """What the catalogue says, by model."""
    return {
        model.slug: {"mean": float(model.flow_ratio_mean), "sd": float(model.flow_ratio_sd), "noise_ml": NOISE_ML}
        for model in PumpModel.objects.all()
    }


def _learned(believed: dict[str, Any], reason: str) -> PriorVersion:
    priors, pumps = _from_fleet(believed)
    return _stored(priors, believed, pumps, reason)


def _stored(priors: dict[str, Prior], believed: dict[str, Any], pumps: int, reason: str) -> PriorVersion:
    learned = {slug: asdict(prior) for slug, prior in priors.items()}
    return PriorVersion.objects.create(priors=learned, believed=believed, pumps=pumps, reason=reason)


@transaction.atomic
def _from_fleet(believed: dict[str, Any]) -> tuple[dict[str, Prior], int]:
    """Priors by model from a sample of the fleet, and how many pumps with measured intervals it has."""
    before = {slug: Prior(**fields) for slug, fields in believed.items()}
    names = sorted(before)
    with connection.cursor() as cursor:
        cursor.execute(_SAMPLE, [PUMPS_OF_A_MODEL])
        ids = [pk for (pk,) in cursor.fetchall()]
    parts = [_intervals(ids[start : start + BATCH], names) for start in range(0, len(ids), BATCH)]
    found = learning.joined(parts) if parts else learning.EMPTY
    return learning.learned(found, names, before), found.pumps


def _intervals(pump_ids: list[int], names: list[str]) -> Sample:
    batch = batches.read(pump_ids)
    places = np.array([names.index(model.slug) for model in batch.models], dtype=np.int64)
    return learning.sample(batch.fleet, measure(batch.fleet).intervals, places[batch.model])
