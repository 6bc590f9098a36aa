"""A dose on its way into a pump, and what waits for a signature."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from clinical.programs import Program
from clinical.units import plain
from clinics.errors import Conflict, Impossible
from clinics.pages.access import require, take, user_of
from clinics.roles import Permission
from clinics.saying import said
from pumps.forms.entries import Rows, RowsForm
from pumps.models import DoseSignature, Event, Forecast, Pump
from pumps.pages.sheets import rows_again
from pumps.pages.telling import tell
from pumps.services import signing
from therapy.compared import Compared, band_of
from therapy.forms.fields import NoteForm, ReasonForm
from therapy.forms.proposals import ProposalForm, ReadBackForm, SignForm
from therapy.forms.protocols import UseTemplateForm
from therapy.models import ProgramTemplate, Proposal, ProposalState
from therapy.pages.access import form_page, patient_of, pump_of, sent, to_course, tried
from therapy.pages.read_backs import asked_of, fits, read_off, with_words
from therapy.services import afterwards, drafts, proposals, protocols
from therapy.services.checks import Blocked
from therapy.standing import standing_of
from therapy.waiting import to_sign
from therapy.written import boluses_json, steps_json

LISTS = ("steps", "boluses")
KEPT_OUT = ("csrfmiddlewaretoken", "step", "more")


def propose(request: HttpRequest, pump_id: int) -> HttpResponse:
    """Fill in, see it beside what runs, propose."""
    pump, now = pump_of(request, pump_id, Permission.PROPOSE_DOSE), timezone.now()
    standing = standing_of(pump, now)
    posted = request.POST if request.method == "POST" else None
    current = standing.daily_dose_mcg
    if posted is not None and not (posted.get("more") or posted.get("step") == "edit"):
        form = ProposalForm(posted, current_mcg=current)
        rows = {name: Rows(posted, prefix=name) for name in LISTS}
        if all([form.is_valid(), *(each.is_valid() for each in rows.values())]):
            answer = _proposed(request, pump, form, rows)
            if answer is not None:
                return answer
    elif posted is not None:
        form = ProposalForm(
            initial={name: posted.get(name, "") for name in ProposalForm.base_fields}, current_mcg=current
        )
        rows = {name: rows_again(posted, name, posted.get("more")) for name in LISTS}
    else:
        program = standing.program.program if standing.program is not None else None
        initial, lists = _begun(request, pump, program)
        form = ProposalForm(initial=initial, current_mcg=current)
        rows = {name: Rows(prefix=name, initial=lists[name]) for name in LISTS}
    context = {
        "pump": pump,
        "patient": pump.patient,
        "clinic": pump.clinic,
        "form": form,
        **rows,
        "templates": ProgramTemplate.objects.filter(clinic=pump.clinic_id),
    }
    return render(request, "therapy/propose.html", context)


Lists = dict[str, list[dict[str, str]]]


def _begun(request: HttpRequest, pump: Pump, program: Program | None) -> tuple[dict[str, Any], Lists]:
    """What a fresh form begins with: a template scaled to a dose, where the address names them; else what runs, so
    that nothing of it is dropped unseen. The dose itself is always written anew."""
    if "template" in request.GET:
        chosen = UseTemplateForm(request.GET, clinic_id=pump.clinic_id)
        if chosen.is_valid():
            return _from_template(**chosen.cleaned_data)
        messages.warning(request, _("Choose a template, and write the daily dose it is for."))
    if program is None:
        return {}, {name: [] for name in LISTS}
    initial: dict[str, Any] = {"mode": program.mode.value}
    if program.patient_boluses_per_day:
        initial["patient_bolus_mcg"] = plain(program.patient_bolus_mcg)
        initial["patient_boluses_per_day"] = program.patient_boluses_per_day
    return initial, _lists(steps_json(program), boluses_json(program))


def _from_template(template: ProgramTemplate, dose: Decimal) -> tuple[dict[str, Any], Lists]:
    return {"mode": template.mode, "daily_dose_mcg": plain(dose)}, _lists(*protocols.scaled(template, dose))


def _lists(steps: Sequence[Mapping[str, Any]], boluses: Sequence[Mapping[str, Any]]) -> Lists:
    return {
        "steps": [_row(row, "start", "rate_mcg_per_h") for row in steps],
        "boluses": [_row(row, "at", "dose_mcg") for row in boluses],
    }


def _row(stored: Mapping[str, Any], clock: str, number: str) -> dict[str, str]:
    return {"clock": stored[clock], "number": stored[number], "days": "+".join(stored.get("days", ()))}


def _proposed(
    request: HttpRequest, pump: Pump, form: ProposalForm, rows: Mapping[str, RowsForm]
) -> HttpResponse | None:
    """The review, or the proposal stored; None where something is wrong, which the form then says."""
    wanted, now = form.with_rows(rows["steps"], rows["boluses"]), timezone.now()
    try:
        found = drafts.drafted(pump, wanted, now=now)
        if request.POST.get("step") == "propose":
            made = proposals.propose(pump_id=pump.pk, wanted=wanted, by=user_of(request), now=now)
            messages.success(request, _("Proposed. A prescriber signs it next."))
            return redirect("proposal", proposal_id=made.pk)
    except Impossible as error:
        take(form, error.errors)
        return None
    except Conflict as error:
        form.add_error(None, str(error))
        return None
    context = {
        "pump": pump,
        "patient": pump.patient,
        "clinic": pump.clinic,
        "draft": found,
        "lines": found.lines,
        "findings": with_words(found.findings_json),
        "kept": [(name, value) for name, values in request.POST.lists() if name not in KEPT_OUT for value in values],
    }
    return render(request, "therapy/proposal_review.html", context)


def proposal(request: HttpRequest, proposal_id: int) -> HttpResponse:
    """One proposal, with the forms of what may be done next."""
    user, now = user_of(request), timezone.now()
    rows = Proposal.objects.visible_to(user).select_related(
        "pump__model", "patient", "clinic", "protocol", "proposed_by", "signed_by", "confirmed_by", "withdrawn_by"
    )
    found = get_object_or_404(rows, pk=proposal_id)
    require(request, Permission.SEE_CLINICAL, found.clinic_id)
    may = {
        "sign": found.state == ProposalState.PROPOSED and user.access.can(Permission.SIGN_DOSE, found.clinic_id),
        "confirm": found.state == ProposalState.SIGNED and user.access.can(Permission.LOG, found.clinic_id),
        "withdraw": found.state in (ProposalState.PROPOSED, ProposalState.SIGNED)
        and user.access.can(Permission.PROPOSE_DOSE, found.clinic_id),
    }
    for prefix, allowed in may.items():
        if sent(request, prefix) is not None and not allowed:
            raise PermissionDenied(_("Your role, or the state of this proposal, does not include that."))
    signed = proposals.signed_settings(found)
    asked = asked_of(signed)
    sign_form = SignForm(sent(request, "sign"), prefix="sign")
    read_form = ReadBackForm(sent(request, "confirm"), asked=asked, prefix="confirm")
    withdraw_form = ReasonForm(sent(request, "withdraw"), prefix="withdraw")
    if sign_form.is_bound and sign_form.is_valid() and _signed(sign_form, found, request):
        messages.success(request, _("Signed. Next it is programmed, and read back."))
        return redirect("proposal", proposal_id=found.pk)
    if read_form.is_bound and read_form.is_valid():
        before = Forecast.objects.get(pump=found.pump_id)
        made: dict[str, Any] = {"proposal_id": found.pk, "by": user, "source": Event.Source.PAGE, "now": now}
        if fits(read_form, lambda: proposals.confirm(read=read_off(read_form), **made)[1]):
            found.refresh_from_db(fields=["event"])
            tell(request, found.pump, _("Programmed, and in the ledger."), before, now=now, logged=found.event)
            return redirect("pump", pump_id=found.pump_id)
        found.refresh_from_db(fields=["mismatches"])
    if withdraw_form.is_bound and withdraw_form.is_valid() and tried(withdraw_form, lambda: proposals.withdraw(
        proposal_id=found.pk, by=user, now=now, **withdraw_form.cleaned_data
    )):  # fmt: skip
        messages.success(request, _("Withdrawn."))
        return to_course(found.patient_id)
    context = {
        "proposal": found,
        "pump": found.pump,
        "patient": found.patient,
        "clinic": found.clinic,
        "lines": [Compared(*line) for line in found.compared],
        "band": band_of(found),
        "findings": with_words(found.findings),
        "is_blocked": any(finding["severity"] == "block" for finding in found.findings),
        "sign_form": sign_form if may["sign"] else None,
        "read_form": read_form if may["confirm"] else None,
        "withdraw_form": withdraw_form if may["withdraw"] else None,
        "is_proposed": found.state == ProposalState.PROPOSED,
        "is_signed": found.state == ProposalState.SIGNED,
        "is_own": bool(found.second_person) and found.signed_by_id == user.pk,
    }
    return render(request, "therapy/proposal.html", context)


def _signed(form: SignForm, found: Proposal, request: HttpRequest) -> bool:
    try:
        proposals.sign(proposal_id=found.pk, by=user_of(request), now=timezone.now(), **form.cleaned_data)
    except Blocked as error:
        form.add_error(
            "override_reason", [*map(said, error.told), _("Write why it is right all the same, or withdraw it.")]
        )
    except Impossible as error:
        take(form, error.errors)
    except Conflict as error:
        form.add_error(None, str(error))
        found.refresh_from_db()
    else:
        return True
    return False


def to_sign_page(request: HttpRequest) -> HttpResponse:
    """What waits for the signature of the person in front of it."""
    user = user_of(request)
    return render(
        request,
        "therapy/to_sign.html",
        {"waiting": to_sign(user), "signs": user.access.can_somewhere(Permission.SIGN_DOSE)},
    )


def sign_dose(request: HttpRequest, patient_id: int, event_id: int) -> HttpResponse:
    """Sign a dose change that was made without a signature."""
    patient = patient_of(request, patient_id, Permission.SIGN_DOSE)
    asked = DoseSignature.objects.filter(event__pump__patient=patient).select_related(
        "event__recorded_by", "event__pump__model", "event__pump__clinic", "event__pump__patient"
    )
    found = get_object_or_404(asked, event=event_id)
    form = NoteForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        if tried(form, lambda: signing.sign(event_id=event_id, by=user_of(request), now=timezone.now(), **given)):
            messages.success(request, _("Signed."))
            return to_course(patient.pk)
    draft = afterwards.looked_back(found.event.pump, found.event)
    said_of_it = afterwards.findings(found.event.pump, draft, timezone.now())
    return form_page(
        request, patient, form, title=_("Sign a dose that was made"), template="therapy/sign_dose.html", asked=found,
        submit=_("Sign"), draft=draft, lines=draft.lines, pump=found.event.pump,
        findings=with_words(finding.as_json() for finding in said_of_it),
    )  # fmt: skip
