"""The guided refill visit: one page from the check at the bed to what follows from it, stored once and whole."""

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from alerts.models import Alert
from clinics.errors import Conflict, Doubt, Impossible, NeedsConfirmation, Overtaken
from clinics.pages.access import user_of
from pumps.forms.bridge import BridgeForm
from pumps.models import Event, Forecast, VisitDraft
from pumps.pages import guided_sheet
from pumps.pages.bridge import bridge_form
from pumps.pages.bridge import context as bridge_context
from pumps.pages.guided_drafts import end_of, keep, token_of
from pumps.pages.guided_sheet import GuidedSheet
from pumps.pages.guided_words import said
from pumps.pages.record import compared, expiry_blank, pump_to_log, seen_by
from pumps.pages.sheets import Work
from pumps.pages.telling import tell
from pumps.pages.timeline import entry_of, title_of
from pumps.pages.why import why
from pumps.pages.why.pages import used_of
from pumps.pages.words import SEVERITY_WORDS
from pumps.pictures import levels
from pumps.reading import read, supposed
from pumps.services import guided, visit_checks
from pumps.services.consequences import Consequence

Kind = Event.Kind


def guided_visit(request: HttpRequest, pump_id: int) -> HttpResponse:
    """The page, as begun before if it was; what was sent of it, looked at; and stored. `step` says which."""
    pump = pump_to_log(request, pump_id)
    work = Work(request, pump, timezone.now(), Kind.REFILL)
    draft = VisitDraft.objects.of(user_of(request), pump, work.now)
    if request.method != "POST":
        typed = guided_sheet.as_posted(draft, work.now) if draft is not None else None
        return _page(work, guided_sheet.shown(work, typed), draft)
    match request.POST.get("step", "review"):
        case "keep":
            return keep(work, draft)
        case _ if "more" in request.POST:
            return _page(work, guided_sheet.shown(work, request.POST, request.POST.get("more")), draft)
        case "compare":
            return _page(work, guided_sheet.shown(work, request.POST), draft)
        case step:
            return _look(work, draft, is_saved=step == "save")


def _look(work: Work, draft: VisitDraft | None, *, is_saved: bool) -> HttpResponse:
    """What follows from the visit as it was sent; or it is stored, where what was looked at is what was sent."""
    sheet = guided_sheet.sent(work)
    bridge: BridgeForm | None = None
    missing: Sequence[Doubt] = ()
    notice = ""
    found: Consequence | None = None
    try:
        known = _stored(work)
        if known is not None:
            return known
        if not sheet.is_valid():
            return _page(work, sheet, draft)
        found = guided.consequence(work.pump, sheet.visit(), now=work.now)
        bridge = bridge_form(work, found, is_answered=is_saved)
        is_same = work.request.POST.get("reviewed") == guided_sheet.digest(work.request.POST)
        if is_saved and not is_same:
            notice = _("Something was changed since. Look at what follows from it, then store it.")
        elif is_saved and (bridge is None or bridge.is_valid()):
            return _store(work, sheet, bridge)
    except Impossible as error:
        if bridge is not None and "bridge" in error.errors:
            bridge.add_error(None, list(error.errors["bridge"]))
        else:
            sheet.take(error.errors)
            found = None
    except Overtaken as error:
        notice = str(error)
        found = guided.consequence(work.pump, sheet.visit(), now=work.now)
        bridge = bridge_form(work, found, is_answered=True)
    except NeedsConfirmation as error:
        missing = error.doubts
    except Conflict as error:
        known = _stored(work)
        if known is not None:
            return known
        sheet.form.add_error(None, str(error))
        found = None
    if found is None:
        return _page(work, sheet, draft)
    return _page(work, sheet, draft, {**_review(work, found, bridge, missing), "notice": notice})


def _stored(work: Work) -> HttpResponse | None:
    """The end of a visit that is stored already, also by a request that came in at the same moment."""
    refill = guided.stored_as(pump_id=work.pump.pk, token=token_of(work.request), user=user_of(work.request))
    return _go_to(work.request, end_of(refill)) if refill is not None else None


def _store(work: Work, sheet: GuidedSheet, bridge: BridgeForm | None) -> HttpResponse:
    visit, user = sheet.visit(), user_of(work.request)
    entry, beside = bridge.answered(visit.refill) if bridge is not None else (visit.refill, None)
    before = Forecast.objects.get(pump=work.pump)
    refill = guided.store(
        pump_id=work.pump.pk,
        token=token_of(work.request),
        visit=guided.Visit(entry, visit.dose, beside, visit.checks),
        user=user,
        now=work.now,
        confirmed=work.request.POST.getlist("confirm"),
        seen=seen_by(work.request),
    )
    parts = [title_of(refill)]
    if visit.dose is not None:
        parts.append(title_of(work.pump.events.filter(kind=Kind.DOSE_CHANGE).latest("pk")))
    if beside is not None:
        parts.append(title_of(work.pump.events.filter(kind=Kind.BRIDGE_BOLUS).latest("pk")))
    said = _("Stored. %(what)s.") % {"what": "; ".join(parts)}
    tell(work.request, work.pump, said, before, now=work.now, logged=refill)
    return _go_to(work.request, end_of(refill))


def _go_to(request: HttpRequest, address: str) -> HttpResponse:
    """Another page, also where only a part of this one was asked for."""
    if "HX-Request" in request.headers:
        return HttpResponse(status=204, headers={"HX-Redirect": address})
    return redirect(address)


def _page(
    work: Work, sheet: GuidedSheet, draft: VisitDraft | None, review: dict[str, Any] | None = None
) -> HttpResponse:
    pump = work.pump
    # A dose that was not changed is shown as it was, and nothing about it is to be mended.
    is_unjudged = sheet.form.is_bound and not sheet.is_dose_judged
    beside = guided_sheet.shown(work, work.request.POST) if is_unjudged else sheet
    reading = read(pump, Forecast.objects.select_related("prior_version").get(pump=pump), work.now)
    sent = work.request.POST.get("visit", "")
    token = sent or (str(draft.token) if draft is not None else str(uuid4()))
    context = {
        "pump": pump,
        "patient": pump.patient,
        "clinic": pump.clinic,
        "row": reading.row,
        "last": work.latest(Kind.REFILL),
        "current": work.latest(Kind.DOSE_CHANGE),
        "volume": levels.volume_now(reading),
        "is_stopped": reading.is_stopped,
        "findings": [{**found, "word": SEVERITY_WORDS[found["severity"]]} for found in reading.row.findings],
        "alerts": Alert.objects.open().filter(pump=pump).order_by("pk"),
        "form": sheet.form,
        "dose": beside.dose,
        **beside.rows,
        "token": token,
        "draft": draft,
        "ask_again": " ".join(guided_sheet.ASK_AGAIN),
        "emptied": _emptied(work),
        "problems": _problems(sheet),
        "review": review,
    }
    return render(work.request, "pumps/guided.html", context)


def _problems(sheet: GuidedSheet) -> list[tuple[str, str, str]]:
    """What is to be mended: the field's id, its name, and what to do."""
    forms = [sheet.form, *([sheet.dose] if sheet.dose is not None and sheet.is_dose_judged else [])]
    found = []
    for form in forms:
        if not form.is_bound:
            continue
        found += [("", "", str(error)) for error in form.non_field_errors()]
        for name, errors in form.errors.items():
            if name in form.fields:
                bound = form[name]
                # A list of choices has no id of its own: its first choice has.
                target = bound.subwidgets[0].id_for_label if bound.widget_type == "radioselect" else bound.id_for_label
                found += [(target or "", str(bound.label), str(error)) for error in errors]
    if sheet.is_dose_judged:
        found += _problems_of_row("steps", _("Step"), sheet) + _problems_of_row("boluses", _("Bolus"), sheet)
    return found


def _problems_of_row(name: str, word: str, sheet: GuidedSheet) -> list[tuple[str, str, str]]:
    """The rows of a list that are wrong, each at the field in it that is."""
    rows = sheet.rows[name]
    found = [("", "", str(error)) for error in rows.non_form_errors()]
    for number, row in enumerate(rows.forms, 1):
        for field, errors in row.errors.items():
            # Of a time without a number, or the other way round: the one that is blank.
            wrong = field if field in row.fields else "number" if row.cleaned_data.get("clock") else "clock"
            found += [(row[wrong].id_for_label, f"{word} {number}", str(error)) for error in errors]
    return found


def _review(work: Work, found: Consequence, bridge: BridgeForm | None, missing: Sequence[Doubt] = ()) -> dict[str, Any]:
    then = why(supposed(work.pump, found.after.ledger, work.now), "refill_by")
    return {
        **compared(work.pump, found),
        "why": then,
        "used": used_of(work.pump, then.events),
        **bridge_context(found, bridge),
        "entry": entry_of(found.event),
        "after": found.after.forecast,
        "expiry_blank": expiry_blank(work, found),
        "doubts": found.doubts,
        "missing": {doubt.code for doubt in missing},
        "confirmed": set(work.request.POST.getlist("confirm")),
        "seen": found.latest_event,
        "reviewed": guided_sheet.digest(work.request.POST),
    }


@require_POST
def guided_emptied(request: HttpRequest, pump_id: int) -> HttpResponse:
    """What came out, held against what was expected, while the page is filled in. Nothing is stored."""
    pump = pump_to_log(request, pump_id)
    work = Work(request, pump, timezone.now(), Kind.REFILL)
    return render(request, "pumps/guided_emptied.html", {"emptied": _emptied(work), "pump": pump})


def _emptied(work: Work) -> dict[str, Any] | None:
    """None until there is a volume to compare."""
    if work.request.method != "POST" or work.request.POST.get("emptying") in ("partial", "top_up"):
        return None
    form = guided_sheet.sent(work).form
    form.is_valid()
    values = form.cleaned_data
    if values.get("aspirated_ml") is None or values.get("refilled_at") is None:
        return None
    try:
        found = visit_checks.emptied(
            work.pump, aspirated_ml=values["aspirated_ml"], at=values["refilled_at"], now=work.now
        )
    except (Impossible, Conflict):
        return None
    return {"said": said(found), "found": found}
