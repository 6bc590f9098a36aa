"""A taper: planned, signed, its steps read back, ended."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from clinics.pages.access import require, user_of
from clinics.roles import Permission
from pumps.models import Event, Forecast
from pumps.pages.telling import tell
from therapy.forms.fields import ReasonForm
from therapy.forms.proposals import ReadBackForm
from therapy.forms.protocols import DownRows, SignPlanForm
from therapy.models import WeaningPlan
from therapy.pages.access import form_page, pressed, pump_of, sent, to_course, tried
from therapy.pages.read_backs import asked_of, fits, read_off, with_words
from therapy.services import records, weaning
from therapy.standing import standing_of


def wean(request: HttpRequest, pump_id: int) -> HttpResponse:
    pump, now = pump_of(request, pump_id, Permission.PROPOSE_DOSE), timezone.now()
    posted = request.POST if request.method == "POST" else None
    form = ReasonForm(posted)
    rows = DownRows(posted, prefix="steps", form_kwargs={"zone": pump.clinic.zone})
    if posted is not None and all([form.is_valid(), rows.is_valid()]):
        made: list[WeaningPlan] = []

        def draft() -> None:
            steps, by = rows.downs(), user_of(request)
            try:
                made.append(weaning.draft(pump_id=pump.pk, steps=steps, by=by, now=now, **form.cleaned_data))
            except weaning.ImpossibleSteps as error:
                for told in rows.take(error.problems):
                    form.add_error(None, told)

        if tried(form, draft) and made:
            return redirect("weaning_plan", plan_id=made[0].pk)
    return form_page(
        request, pump.patient, form, title=_("Plan a taper"), template="therapy/wean.html", rows=rows, pump=pump,
        current=standing_of(pump, now).daily_dose_mcg,
    )  # fmt: skip


def weaning_plan(request: HttpRequest, plan_id: int) -> HttpResponse:
    """One plan: its end has a form, a signature is one press."""
    user, now = user_of(request), timezone.now()
    rows = WeaningPlan.objects.visible_to(user).select_related(
        "pump__model", "patient", "clinic", "drafted_by", "signed_by", "ended_by"
    )
    found = get_object_or_404(rows, pk=plan_id)
    require(request, Permission.SEE_CLINICAL, found.clinic_id)
    source = Event.Source.PAGE
    ends = Permission.SIGN_DOSE if found.state == WeaningPlan.State.SIGNED else Permission.PROPOSE_DOSE
    may_end = found.state != WeaningPlan.State.ENDED and user.access.can(ends, found.clinic_id)
    end_form = ReasonForm(sent(request, "end"), prefix="end")
    findings, is_drafted = weaning.findings_json(found), found.state == WeaningPlan.State.DRAFTED
    is_serious = any(finding["severity"] == "high" for finding in findings)
    is_signing = request.method == "POST" and sent(request, "confirm") is None and sent(request, "end") is None
    sign_form = SignPlanForm(
        request.POST if is_signing else None,
        stops_from_mcg=weaning.stops_from(found) if is_serious else None,
        prefix="sign",
    )
    step = weaning.due_step(found, now) if user.access.can(Permission.LOG, found.clinic_id) else None
    asked = asked_of(weaning.settings_of(step, standing_of(found.pump, now))) if step is not None else []
    read_form = ReadBackForm(sent(request, "confirm") if step is not None else None, asked=asked, prefix="confirm")
    if read_form.is_bound and step is not None:
        before = Forecast.objects.get(pump=found.pump_id)
        due: dict[str, Any] = {"plan_id": found.pk, "event_id": step.pk, "by": user, "source": source, "now": now}
        if read_form.is_valid() and fits(read_form, lambda: weaning.confirm_step(read=read_off(read_form), **due)):
            made = weaning.read_back_of(step)
            tell(request, found.pump, _("Read back: the step is confirmed."), before, now=now, logged=made)
            return redirect("weaning_plan", plan_id=found.pk)
        found.refresh_from_db(fields=["mismatches"])
    elif end_form.is_bound:
        require(request, ends, found.clinic_id)
        if end_form.is_valid() and tried(end_form, lambda: weaning.end(
            plan_id=found.pk, by=user, source=source, now=now, **end_form.cleaned_data
        )):  # fmt: skip
            messages.success(request, _("Ended. What had not come is marked as entered in error."))
            return to_course(found.patient_id)
    elif request.method == "POST":
        require(request, Permission.SIGN_DOSE, found.clinic_id)
        if not is_drafted or sign_form.is_valid():
            seen = is_drafted and sign_form.cleaned_data.get("seen", False)
            pressed(
                request,
                lambda: weaning.sign(plan_id=found.pk, by=user, source=source, now=now, seen=seen),
                _("Signed. Its steps are planned; somebody is reminded of each that is not confirmed."),
            )
            return redirect("weaning_plan", plan_id=found.pk)
    context = {
        "plan": found,
        "pump": found.pump,
        "patient": found.patient,
        "clinic": found.clinic,
        "steps": weaning.steps_of(found),
        "findings": with_words(findings),
        "end_form": end_form if may_end else None,
        "step": step,
        "read_form": read_form if step is not None else None,
        "is_drafted": is_drafted,
        "is_open": found.state != WeaningPlan.State.ENDED,
        "rescue": records.rescue_plan(found.patient),
        "may_log": user.access.can(Permission.LOG, found.clinic_id),
        "sign_form": sign_form if is_drafted and user.access.can(Permission.SIGN_DOSE, found.clinic_id) else None,
    }
    return render(request, "therapy/weaning_plan.html", context)
