"""A dose on its way into a pump: propose, sign, program, read back. Only what was read back reaches the ledger.

`block` findings need an override by a prescriber, with a reason that stays visible (clinical rules, section 3).
"""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from clinical import reading_back
from clinical.findings import Finding
from clinical.reading_back import Settings
from clinical.saying import say
from clinical.units import plain
from clinics import saying
from clinics.errors import Conflict, Overtaken
from clinics.models import User
from pumps.models import Event, Pump
from pumps.services.entries import DoseEntry, EventEntry
from therapy.models import Proposal, ProposalState
from therapy.services.checks import Blocked, check_signs, check_writable, said
from therapy.services.drafts import Draft, drafted
from therapy.services.read_backs import kept, most_of, whole, written
from therapy.services.recording import record_signed
from therapy.standing import Standing
from therapy.wanted import Wanted


@transaction.atomic
def propose(*, pump_id: int, wanted: Wanted, by: User, now: datetime) -> Proposal:
    """
    Raises:
        Impossible, Conflict: as `drafted`; without a reason; or another proposal of the pump is open.
    """
    said("reason", wanted.reason, _("Say why the dose is changed."))
    pump = Pump.objects.select_for_update(no_key=True, of=("self",)).select_related("model", "clinic", "patient")
    found = drafted(pump.get(pk=pump_id), wanted, now=now)
    try:
        with transaction.atomic():
            return Proposal.objects.create(**_columns(found, pump.get(pk=pump_id)), proposed_at=now, proposed_by=by)
    except IntegrityError as error:
        raise Conflict(
            _("A dose is proposed for this pump already: sign, program or withdraw that one first.")
        ) from error


def _columns(found: Draft, pump: Pump) -> dict[str, Any]:
    wanted = found.wanted
    return {
        "clinic": pump.clinic,
        "patient": pump.patient,
        "pump": pump,
        "mode": wanted.mode,
        "daily_dose_mcg": wanted.daily_dose_mcg,
        "steps": list(wanted.steps),
        "boluses": list(wanted.boluses),
        "patient_bolus_mcg": wanted.patient_bolus_mcg,
        "patient_boluses_per_day": wanted.patient_boluses_per_day,
        "concentration_mcg_per_ml": found.concentration_mcg_per_ml,
        "bridge_declined_reason": wanted.bridge_declined_reason.strip() if found.bridge is not None else "",
        "reason": wanted.reason.strip(),
        "current_daily_dose_mcg": found.standing.daily_dose_mcg,
        "current_concentration_mcg_per_ml": found.told_before,
        **_held_against(found),
    }


def _held_against(found: Draft) -> dict[str, Any]:
    """What a signature is given on, beside the dose itself."""
    return {
        "label_set": found.rules.labels.code,
        "label_version": found.rules.labels.version,
        "protocol": found.rules.protocol,
        "phase": found.phase.value,
        "allowed": [plain(found.allowed.least), plain(found.allowed.most)] if found.allowed is not None else [],
        "bridge": found.bridge_json,
        "compared": [[line.name, line.old, line.new] for line in found.lines],
        "findings": found.findings_json,
        "second_person": list(found.second_person),
    }


def wanted_of(proposal: Proposal) -> Wanted:
    """What was proposed."""
    return Wanted(
        mode=proposal.mode,
        daily_dose_mcg=proposal.daily_dose_mcg,
        steps=proposal.steps,
        boluses=proposal.boluses,
        patient_bolus_mcg=proposal.patient_bolus_mcg,
        patient_boluses_per_day=proposal.patient_boluses_per_day,
        concentration_mcg_per_ml=proposal.concentration_mcg_per_ml,
        bridge_declined_reason=proposal.bridge_declined_reason,
        reason=proposal.reason,
    )


def _locked(proposal_id: int, *states: str) -> Proposal:
    """A proposal in one of some states, locked after its pump, so that its ledger stands still meanwhile.

    Raises:
        Conflict: it is in another state, its pump is not in use any more, or the record is read-only.
    """
    pump_id = Proposal.objects.values_list("pump_id", flat=True).get(pk=proposal_id)
    Pump.objects.select_for_update(no_key=True).get(pk=pump_id)
    rows = Proposal.objects.select_for_update(of=("self",))
    found = rows.select_related("pump__model", "pump__clinic", "pump__patient", "patient", "clinic").get(pk=proposal_id)
    check_writable(found.patient)
    if found.state not in states:
        raise Conflict(
            _("This proposal is not open for that: %(state)s.") % {"state": found.get_state_display().lower()}
        )
    return found


def sign(*, proposal_id: int, override_reason: str, by: User, now: datetime) -> Proposal:
    """A prescriber signs; held against the rules and the ledger once more, as they are now.

    Raises:
        Blocked: a `block` finding, and no reason to override it.
        Overtaken: something about it is not as it was shown; what is shown from now on is new, and stored.
        Conflict: a dose or a stop was recorded since it was proposed, or it is not open.
    """
    signed = _signed(proposal_id, override_reason, by, now)
    if signed is None:
        raise Overtaken(
            _(
                "What there is to say of this dose has changed since it was shown: rules, bridge or "
                "findings. Look at it again, and sign it then. Nothing is signed yet."
            )
        )
    return signed


@transaction.atomic
def _signed(proposal_id: int, override_reason: str, by: User, now: datetime) -> Proposal | None:
    """The signed proposal; None where it was renewed instead, since it is not what was shown."""
    proposal = _locked(proposal_id, ProposalState.PROPOSED)
    found = _as_now(proposal, now)
    _check_unchanged(proposal, found.standing, since=proposal.proposed_at)
    if _is_stale(proposal, found):
        _renew(proposal, found)
        proposal.save()
        return None
    blocks = [
        say("%(message)s Source: %(source)s.", message=finding.message, source=finding.source)
        for finding in found.blocks
    ]
    if blocks and not override_reason.strip():
        raise Blocked(blocks)
    if blocks:
        check_signs(by, proposal.clinic_id)
    _renew(proposal, found)
    proposal.override_reason = override_reason.strip() if blocks else ""
    proposal.state, proposal.signed_at, proposal.signed_by = ProposalState.SIGNED, now, by
    proposal.save()
    return proposal


def _as_now(proposal: Proposal, now: datetime) -> Draft:
    before = proposal.current_concentration_mcg_per_ml
    return drafted(proposal.pump, wanted_of(proposal), now=now, concentration_before=before)


def _renew(proposal: Proposal, found: Draft) -> None:
    for field, value in _held_against(found).items():
        setattr(proposal, field, value)


SERIOUS = ("block", "high", "warn")
# A rule that time alone lifts, or its own words, are no news.
_SHOWN = ("label_set", "label_version", "phase", "allowed", "bridge", "compared")


def _is_stale(proposal: Proposal, found: Draft) -> bool:
    """Whether somebody who saw the proposal has not seen what holds now."""
    fresh = _held_against(found)
    if any(getattr(proposal, field) != fresh[field] for field in _SHOWN) or proposal.protocol != fresh["protocol"]:
        return True
    seen = {finding["code"] for finding in proposal.findings}
    new = {finding["code"] for finding in fresh["findings"] if finding["severity"] in SERIOUS}
    return not (new <= seen and {*fresh["second_person"]} <= {*proposal.second_person})


# Entries after which a proposal is not about the pump any more that it was made for.
OTHERWISE = (
    Event.Kind.DOSE_CHANGE,
    Event.Kind.STOP,
    Event.Kind.RESTART,
    Event.Kind.STALL,
    Event.Kind.VOID,
)


def _check_unchanged(proposal: Proposal, standing: Standing, *, since: datetime) -> None:
    """
    Raises:
        Conflict: a dose or a stop was recorded, or marked as an error, since then.
    """
    recorded = Event.objects.filter(pump=proposal.pump_id, recorded_at__gt=since, kind__in=OTHERWISE)
    if standing.daily_dose_mcg != proposal.current_daily_dose_mcg or recorded.exists():
        raise Conflict(
            _(
                "The dose was changed since, or the pump stopped, or such an entry marked as an error. "
                "Withdraw this proposal, and propose anew."
            )
        )


@transaction.atomic
def withdraw(*, proposal_id: int, reason: str, by: User, now: datetime) -> Proposal:
    """
    Raises:
        Impossible: without a reason.
        Conflict: it is programmed, or withdrawn already.
    """
    proposal = _locked(proposal_id, ProposalState.PROPOSED, ProposalState.SIGNED)
    proposal.withdrawn_reason = said("reason", reason, _("Say why it is withdrawn."))
    proposal.state, proposal.withdrawn_at, proposal.withdrawn_by = ProposalState.WITHDRAWN, now, by
    proposal.save()
    return proposal


def signed_settings(proposal: Proposal) -> Settings:
    """What the pump has to show. A stopped pump shows no dose: 0."""
    bridge, told = proposal.bridge, proposal.concentration_mcg_per_ml
    if told is None:
        # Proposed before the first fill, for whatever that is.
        fills = Event.objects.standing().filter(pump=proposal.pump_id, kind=Event.Kind.REFILL)
        told = fills.order_by("-occurred_at").values_list("programmed_concentration_mcg_per_ml", flat=True).first()
    return Settings(
        daily_dose_mcg=proposal.daily_dose_mcg,
        concentration_mcg_per_ml=told,
        bridge_volume_ml=Decimal(bridge["volume_ml"]) if bridge else None,
        bridge_hours=Decimal(bridge["hours"]) if bridge else None,
        patient_bolus_mcg=proposal.patient_bolus_mcg,
        patient_boluses_per_day=whole(proposal.patient_boluses_per_day),
        step_count=whole(len(proposal.steps) or None),
        highest_rate_mcg_per_h=most_of(proposal.steps, "rate_mcg_per_h"),
        bolus_count=whole(len(proposal.boluses) or None),
        largest_bolus_mcg=most_of(proposal.boluses, "dose_mcg"),
        mode=proposal.mode,
    )


@transaction.atomic
def confirm(
    *, proposal_id: int, read: Settings, by: User, source: str, now: datetime
) -> tuple[Proposal, dict[str, Finding]]:
    """The pump was programmed, and shows `read`. What differs is kept and answered, by field, and nothing is confirmed;
    without a difference the dose change is recorded, and its bridge.

    Raises:
        Conflict: the signer confirms alone where a second person is asked for; the ledger has another concentration,
            or something was recorded since; or it is not signed.
    """
    proposal = _locked(proposal_id, ProposalState.SIGNED)
    found = _as_now(proposal, now)
    standing, signed = found.standing, signed_settings(proposal)
    if standing.concentration_mcg_per_ml is None:
        raise Conflict(_("The ledger has no fill: log the first one. A pump without drug is not programmed."))
    differing = reading_back.mismatches(signed, read)
    if differing:
        proposal.mismatches = [*proposal.mismatches, kept(differing, read, by, now)]
        proposal.save(update_fields=["mismatches"])
        return proposal, differing
    asked = [*proposal.second_person, *(why for why in found.second_person if why not in proposal.second_person)]
    if asked and by.pk == proposal.signed_by_id:
        raise Conflict(
            _("Somebody else than who signed has to read the pump back, since %(asked)s.")
            % {"asked": saying.said_list(asked)}
        )
    _check_unchanged(proposal, standing, since=proposal.signed_at or now)
    seen = {finding["code"] for finding in proposal.findings}
    against = [finding.message for finding in found.blocks if finding.code not in seen]
    if against:
        raise Conflict(
            _("A rule stands against it by now: %(against)s Withdraw it, and propose anew.")
            % {"against": " ".join(map(saying.said, against))}
        )
    _check_ledger(proposal, standing, signed)
    proposal.event = _recorded(proposal, standing, by, source, now)
    proposal.state, proposal.confirmed_at, proposal.confirmed_by = ProposalState.PROGRAMMED, now, by
    proposal.read_back = written(read)
    proposal.save()
    return proposal, {}


def _check_ledger(proposal: Proposal, standing: Standing, signed: Settings) -> None:
    wanted, told = signed.concentration_mcg_per_ml, standing.concentration_mcg_per_ml
    if wanted is not None and told is not None and told != wanted:
        raise Conflict(
            _("The ledger has %(present)s mcg/mL: log the refill with %(wanted)s mcg/mL first.")
            % {"present": plain(told), "wanted": plain(wanted)}
        )


def _recorded(proposal: Proposal, standing: Standing, by: User, source: str, now: datetime) -> Event:
    """The dose change in the ledger, with its bridge unless the refill brought it."""
    entry = DoseEntry(
        effective_at=now,
        mode=proposal.mode,
        daily_dose_mcg=proposal.daily_dose_mcg,
        steps=proposal.steps,
        boluses=proposal.boluses,
        patient_bolus_mcg=proposal.patient_bolus_mcg,
        patient_boluses_per_day=proposal.patient_boluses_per_day,
        reason=proposal.reason,
        override_reason=proposal.override_reason,
    )
    bridge = signed_settings(proposal)
    if bridge.bridge_volume_ml is not None and standing.filled_at is not None:
        bridges = Event.objects.standing().filter(pump=proposal.pump, kind=Event.Kind.BRIDGE_BOLUS)
        recorded = bridges.filter(occurred_at__gte=standing.filled_at).first()
        if recorded is not None and recorded.volume_ml != bridge.bridge_volume_ml:
            raise Conflict(
                _(
                    "The refill was logged with a bridge bolus of %(recorded)s mL, and %(bridge_volume_ml)s mL "
                    "was signed. Correct the one that is wrong first."
                )
                % {
                    "recorded": plain(recorded.volume_ml or Decimal(0)),
                    "bridge_volume_ml": plain(bridge.bridge_volume_ml),
                }
            )
        if recorded is None:
            beside = EventEntry(
                kind=Event.Kind.BRIDGE_BOLUS.value,
                occurred_at=now,
                volume_ml=bridge.bridge_volume_ml,
                duration_hours=bridge.bridge_hours,
                dose_mcg=Decimal(proposal.bridge["bolus_mcg"]),
            )
            record_signed(pump_id=proposal.pump_id, entry=beside, by=by, source=source, now=now)
    return record_signed(pump_id=proposal.pump_id, entry=entry, by=by, source=source, now=now)
