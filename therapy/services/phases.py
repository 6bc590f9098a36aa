"""Which phase of therapy a patient is in, since when, and who said so."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from clinical.saying import say
from clinics.errors import Conflict, Impossible
from clinics.models import User
from patients.models import Patient
from pumps.models import Pump
from therapy.models import Phase, PhaseChange, WeaningPlan
from therapy.services.checks import CLOCKS_APART, check_happened, check_writable, said
from therapy.standing import standing_of

# Phases of somebody who has a pump.
WITH_PUMP = (Phase.IMPLANTED, Phase.TITRATION, Phase.MAINTENANCE, Phase.WEANING)


def present(patient: Patient, *, at: datetime | None = None) -> PhaseChange | None:
    """The newest phase that stands, of those that had begun `at` a moment if given."""
    rows = PhaseChange.objects.standing().filter(patient=patient)
    if at is not None:
        # A phase may be said to begin a little ahead of our clock: it is not held back by that.
        rows = rows.filter(began_at__lte=at + CLOCKS_APART)
    return rows.order_by("-began_at", "-pk").first()


def pump_in_use(patient: Patient) -> Pump | None:
    return patient.pumps.filter(status=Pump.Status.ACTIVE).select_related("model", "clinic", "patient").last()


@transaction.atomic
def change(*, patient: Patient, phase: Phase, began_at: datetime, reason: str, by: User, now: datetime) -> PhaseChange:
    """A patient enters another phase. With the end of therapy an open taper ends.

    Raises:
        Impossible: in the future, without a reason, a phase of a pump without one, or the phase they are in already.
        Conflict: therapy cannot be stopped while the pump runs, nor weaned without a signed plan; or it is read-only.
    """
    check_writable(patient)
    check_happened("began_at", began_at, now)
    said("reason", reason, _("Say why."))
    Patient.objects.select_for_update(no_key=True).get(pk=patient.pk)
    before = present(patient)
    if before is not None and before.phase == phase:
        raise Impossible(
            {"phase": [_("The patient is in this phase already: %(label)s.") % {"label": Phase(phase).label.lower()}]}
        )
    if before is not None and began_at < before.began_at:
        raise Impossible({"began_at": [_("Before the present phase began. Mark that one as entered in error first.")]})
    pump = pump_in_use(patient)
    if phase in WITH_PUMP and pump is None:
        raise Impossible({"phase": [_("The patient has no pump in use: enter the pump first.")]})
    if phase == Phase.STOPPED and pump is not None and standing_of(pump, now).program is not None:
        raise Conflict(_("The pump still runs. Sign a weaning plan, and stop therapy when it has come to its end."))
    if phase == Phase.STOPPED and pump is not None and not pump.model.programmable:
        raise Conflict(_("A constant-flow pump runs as long as it holds drug: record that it was explanted first."))
    if phase == Phase.WEANING and not WeaningPlan.objects.filter(patient=patient, state="signed").exists():
        raise Conflict(_("Weaning goes by a signed plan: write one, and have it signed."))
    if phase == Phase.STOPPED:
        told = say("therapy has ended: %(reason)s", reason=reason.strip())[:500]
        ended = {"state": WeaningPlan.State.ENDED, "ended_at": now, "ended_by": by, "ended_reason": told}
        WeaningPlan.objects.open().filter(patient=patient).update(**ended)
    return PhaseChange.objects.create(
        patient=patient, phase=phase, began_at=began_at, reason=reason.strip(), recorded_at=now, recorded_by=by
    )


def follow(patient: Patient, phase: Phase, *, reason: str, by: User, now: datetime) -> None:
    """Enter a phase because of something that was recorded, unless the patient is in it already."""
    before = present(patient)
    if before is None or before.phase != phase:
        PhaseChange.objects.create(
            patient=patient, phase=phase, began_at=now, reason=reason, recorded_at=now, recorded_by=by
        )
