"""Log what happened to a pump: form, review side by side, save. Nothing is stored before the review was seen."""

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from clinics.errors import Conflict, Doubt, Impossible, NeedsConfirmation, Overtaken
from clinics.pages.access import require, user_of
from clinics.roles import Permission
from clinics.words import calendar_day
from pumps.forms.bridge import BridgeForm
from pumps.forms.entries import ErrorForm, VoidForm
from pumps.models import Event, Forecast, Pump
from pumps.pages import returning
from pumps.pages.bridge import bridge_form, with_answer
from pumps.pages.bridge import context as bridge_context
from pumps.pages.checked import checked_words
from pumps.pages.review import lines
from pumps.pages.sheets import Sheet, Work, sheet
from pumps.pages.telling import tell, with_undo
from pumps.pages.timeline import entry_of, title_of
from pumps.pages.words import SEVERITY_WORDS, scanner_words
from pumps.services import consequences, ledger, plans, visit_ends
from pumps.services.consequences import Consequence
from pumps.services.kinds import FORMS, KINDS

Kind = Event.Kind
TEMPLATES = {Kind.REFILL: "pumps/log_refill.html", Kind.DOSE_CHANGE: "pumps/log_dose_change.html"}
# Longer than any row's id.
MOST_DIGITS = 19
# What a form carries from step to step beside the values of the entry itself.
STEPS = ("csrfmiddlewaretoken", "step", "confirm", "seen")


def log_menu(request: HttpRequest, pump_id: int) -> HttpResponse:
    """Everything that can be logged for a pump."""
    pump = pump_to_log(request, pump_id)
    kinds = [kind for kind in FORMS.values() if pump.model.programmable or not kind.programmable_only]
    return render(request, "pumps/log_menu.html", {**_head(pump), "kinds": kinds})


def log_refill(request: HttpRequest, pump_id: int) -> HttpResponse:
    return _enter(Work(request, pump_to_log(request, pump_id), timezone.now(), Kind.REFILL))


def log_dose_change(request: HttpRequest, pump_id: int) -> HttpResponse:
    return _enter(Work(request, pump_to_log(request, pump_id), timezone.now(), Kind.DOSE_CHANGE))


def log_event(request: HttpRequest, pump_id: int, kind: str) -> HttpResponse:
    pump = pump_to_log(request, pump_id)
    if kind not in FORMS:
        raise Http404
    return _enter(Work(request, pump, timezone.now(), kind))


def correct_event(request: HttpRequest, pump_id: int, event_id: int) -> HttpResponse:
    """Mark an entry as an error and record what really happened in its place, together or not at all."""
    pump = pump_to_log(request, pump_id)
    wrong = get_object_or_404(pump.events.select_related("recorded_by"), pk=event_id)
    if wrong.kind in (Kind.VOID, Kind.DOSE_CONFIRMED):
        raise Http404
    return _enter(Work(request, pump, timezone.now(), wrong.kind, wrong))


def pump_to_log(request: HttpRequest, pump_id: int) -> Pump:
    """A pump the person may log for: 404 for one they cannot see, 403 without the role."""
    pumps = Pump.objects.visible_to(user_of(request)).select_related("clinic", "model", "patient")
    pump = get_object_or_404(pumps, pk=pump_id)
    require(request, Permission.LOG, pump.clinic_id)
    return pump


def _enter(work: Work) -> HttpResponse:
    """The form; then its review; then the pump. `step` says where the person is; without it the form was sent."""
    form = sheet(work)
    step = work.request.POST.get("step", "review")
    about = VoidForm(work.request.POST or None, prefix="void") if work.wrong is not None else None
    if work.request.method != "POST" or "more" in work.request.POST or step == "edit":
        return _form_page(work, form, about)
    is_valid = form.is_valid()
    if (about is not None and not about.is_valid()) or not is_valid:
        return _form_page(work, form, about)
    bridge: BridgeForm | None = None
    try:
        found = consequences.of_entry(work.pump, form.entry(), now=work.now, instead_of=work.wrong)
        bridge = bridge_form(work, found, is_answered=step == "save")
        if step == "save" and (bridge is None or bridge.is_valid()):
            return _save(work, form, about, bridge)
    except Impossible as error:
        if bridge is not None and "bridge" in error.errors:
            bridge.add_error(None, list(error.errors["bridge"]))
            return _review_page(work, found, bridge)
        form.form.take(error.errors)
        return _form_page(work, form, about)
    except Overtaken as error:
        messages.warning(work.request, str(error))
        again = consequences.of_entry(work.pump, form.entry(), now=work.now, instead_of=work.wrong)
        return _review_page(work, again, bridge_form(work, again, is_answered=True))
    except Conflict as error:
        form.form.add_error(None, str(error))
        return _form_page(work, form, about)
    except NeedsConfirmation as error:
        return _review_page(work, found, bridge, missing=error.doubts)
    return _review_page(work, found, bridge)


def seen_by(request: HttpRequest) -> int:
    """The newest event of the ledger that the person has looked at; no event of any ledger without one."""
    sent = request.POST.get("seen", "")
    return int(sent) if sent.isascii() and sent.isdigit() and len(sent) < MOST_DIGITS else -1


def _save(work: Work, form: Sheet, about: VoidForm | None, bridge: BridgeForm | None) -> HttpResponse:
    """Store the entry, with its bridge where it has one, and go back to the pump."""
    before = Forecast.objects.get(pump=work.pump)
    shared: dict[str, Any] = {
        "user": user_of(work.request),
        "source": Event.Source.PAGE,
        "now": work.now,
        "confirmed": work.request.POST.getlist("confirm"),
        "seen": seen_by(work.request),
    }
    if work.wrong is None or about is None:
        entry, beside = with_answer(form.entry(), bridge)
        event = ledger.record(pump_id=work.pump.pk, entry=entry, bridge=beside, **shared)
        said = _("Saved. %(what)s.") % {"what": title_of(event)}
        if beside is not None:
            said = _("Saved. %(what)s. With its bridge bolus.") % {"what": title_of(event)}
        return _done(work, said, before, logged=event)
    void = ledger.void(
        pump_id=work.pump.pk,
        event_id=work.wrong.pk,
        reason=about.cleaned_data["reason"],
        replacement=form.entry(),
        **shared,
    )
    said = _("Corrected. %(what)s.") % {"what": title_of(void.replacement) if void.replacement is not None else ""}
    return _done(work, said, before, logged=void.replacement)


@require_POST
def confirm_plan(request: HttpRequest, pump_id: int, event_id: int) -> HttpResponse:
    """A planned dose change was programmed: one press, since nothing about it changes."""
    pump = pump_to_log(request, pump_id)
    event = get_object_or_404(pump.events, pk=event_id)
    now = timezone.now()
    try:
        logged = plans.confirm(pump_id=pump.pk, event=event, user=user_of(request), source=Event.Source.PAGE, now=now)
    except Impossible as error:
        messages.error(request, " ".join(said for told in error.errors.values() for said in told))
    except Conflict as error:
        messages.error(request, str(error))
    else:
        said = _("Saved. It was programmed as planned: %(what)s.") % {"what": title_of(event)}
        messages.success(request, with_undo(said, logged))
    return redirect("pump", pump_id=pump.pk)


def void_event(request: HttpRequest, pump_id: int, event_id: int) -> HttpResponse:
    pump = pump_to_log(request, pump_id)
    event = get_object_or_404(pump.events.select_related("recorded_by"), pk=event_id)
    work = Work(request, pump, timezone.now(), event.kind)
    beside = list(Event.objects.stored_with(event).select_related("pump__clinic", "recorded_by"))
    also = _also(request, beside)
    form = ErrorForm(request.POST or None)
    is_looked_at = request.POST.get("looked", "") == _written(also)
    if request.method == "POST" and form.is_valid() and is_looked_at:
        answer = _void(work, form, event, also)
        if answer is not None:
            return answer
    context = {
        **_head(pump),
        "form": form,
        "entry": entry_of(event),
        "beside": [(entry_of(each), each in also) for each in beside],
        "looked": _written(also),
        "is_other": request.method == "POST" and not is_looked_at,
        "visits": returning.before(visit_ends.returns([event, *also])),
        "can_book": user_of(request).access.can(Permission.BOOK, pump.clinic_id),
        "can_correct": event.kind not in (Kind.VOID, Kind.DOSE_CONFIRMED),
    }
    try:
        found = consequences.of_void(pump, event, now=work.now, also=also)
    except Conflict as error:
        return render(request, "pumps/void_event.html", {**context, "conflict": str(error)})
    return render(request, "pumps/void_event.html", {**context, **compared(pump, found), "seen": found.latest_event})


def _also(request: HttpRequest, beside: Sequence[Event]) -> list[Event]:
    """Of what was stored with an entry, what is marked with it: what was ticked; at first all, if that is asked for."""
    if request.method != "POST":
        return list(beside) if request.GET.get("all") == "1" else []
    ticked = set(request.POST.getlist("also"))
    return [event for event in beside if str(event.pk) in ticked]


def _written(also: Sequence[Event]) -> str:
    return ",".join(str(event.pk) for event in also)


def _void(work: Work, form: ErrorForm, event: Event, also: Sequence[Event]) -> HttpResponse | None:
    before, ended = Forecast.objects.get(pump=work.pump), visit_ends.returns([event, *also])
    try:
        ledger.void(
            pump_id=work.pump.pk,
            event_id=event.pk,
            also=[each.pk for each in also],
            reason=form.cleaned_data["reason"],
            user=user_of(work.request),
            source=Event.Source.PAGE,
            now=work.now,
            seen=seen_by(work.request),
        )
    except Impossible as error:
        form.add_error("reason", [said for told in error.errors.values() for said in told])
        return None
    except Conflict as error:
        form.add_error(None, str(error))
        return None
    what = "; ".join(title_of(each) for each in (event, *also))
    said = [_("Marked as entered in error: %(what)s.") % {"what": what}, *returning.after(ended)]
    return _done(work, "\n".join(said), before)


def _done(work: Work, said: str, before: Forecast, *, logged: Event | None = None) -> HttpResponse:
    """Back to the pump, with what moved because of it."""
    tell(work.request, work.pump, said, before, now=work.now, logged=logged)
    return redirect("pump", pump_id=work.pump.pk)


def _head(pump: Pump) -> dict[str, Any]:
    return {"pump": pump, "patient": pump.patient, "clinic": pump.clinic}


def _form_page(work: Work, form: Sheet, about: VoidForm | None) -> HttpResponse:
    template = TEMPLATES.get(Kind(work.kind), "pumps/log_event.html")
    context = {
        **_head(work.pump),
        **form.rows,
        "form": form.form,
        "title": work.title,
        "about": about,
        "wrong": entry_of(work.wrong) if work.wrong is not None else None,
        "signs_here": user_of(work.request).access.can(Permission.SIGN_DOSE, work.pump.clinic_id),
        "explained": KINDS[work.kind].explained if work.kind in KINDS else "",
        "scanner": scanner_words(work.pump.model) if work.kind == Kind.MRI else None,
    }
    return render(work.request, template, context)


def _review_page(
    work: Work, found: Consequence, bridge: BridgeForm | None, missing: Sequence[Doubt] = ()
) -> HttpResponse:
    posted = work.request.POST
    context = {
        **_head(work.pump),
        **compared(work.pump, found),
        **bridge_context(found, bridge),
        "expiry_blank": expiry_blank(work, found),
        "visits": _visits_it_ends(work, found),
        "title": work.title,
        "entry": entry_of(found.event),
        "wrong": entry_of(work.wrong) if work.wrong is not None else None,
        "doubts": found.doubts,
        "missing": {doubt.code for doubt in missing},
        "confirmed": set(posted.getlist("confirm")),
        "seen": found.latest_event,
        "kept": [(name, value) for name, values in posted.lists() if _is_kept(name) for value in values],
        "address": work.request.path,
    }
    return render(work.request, "pumps/review.html", context)


def _visits_it_ends(work: Work, found: Consequence) -> list[str]:
    if found.event.kind != Kind.REFILL:
        return []
    return returning.would_end(visit_ends.would_end(work.pump, found.event, instead_of=work.wrong))


def expiry_blank(work: Work, found: Consequence) -> str:
    """Said where a refill has no expiry of its lot though what stood before had one: its date would go unnoticed."""
    before = work.wrong or work.latest(Kind.REFILL)
    is_blank = found.event.kind == Kind.REFILL and found.event.drug_expires_on is None
    if not is_blank or before is None or before.drug_expires_on is None:
        return ""
    is_correction = work.wrong is not None
    had = _("The entry that is corrected had %(day)s.") if is_correction else _("The last fill's drug had %(day)s.")
    return " ".join(
        (
            _("No expiry of the lot is entered, so none counts, and refill by may be later for it."),
            had % {"day": calendar_day(before.drug_expires_on)},
            _("If the vial shows a date, go back and enter it."),
        )
    )


def _is_kept(name: str) -> bool:
    return name not in STEPS and not name.startswith(f"{BridgeForm.prefix}-")


def compared(pump: Pump, found: Consequence) -> dict[str, Any]:
    """The pump now and then, as `parts/compared.html` shows it."""

    def shown(findings: Sequence[Any]) -> list[dict[str, str]]:
        return [{**finding.as_json(), "word": str(SEVERITY_WORDS[finding.severity.value])} for finding in findings]

    return {
        "lines": lines(pump, found),
        "checked": checked_words(found.check) if found.check is not None and found.residual is not None else None,
        "new_findings": shown(found.new_findings),
        "gone_findings": shown(found.gone_findings),
    }
