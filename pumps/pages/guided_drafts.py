"""A visit that is being typed: kept as it grows, gone on with later, or thrown away. Nothing of it is in the ledger."""

from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from clinics.errors import Conflict, Impossible, Overtaken
from clinics.pages.access import user_of
from clinics.words import moment_words
from pumps.models import Event, VisitDraft
from pumps.pages import guided_sheet
from pumps.pages.record import pump_to_log
from pumps.pages.sheets import Work
from pumps.queries import VisitDraftQuerySet
from pumps.services import drafts, guided


def token_of(request: HttpRequest) -> UUID:
    """By which this visit is known, however often it is sent; a page that sends none is another visit each time."""
    try:
        return UUID(request.POST.get("visit", ""))
    except ValueError:
        return uuid4()


def end_of(refill: Event) -> str:
    return reverse("guided_end", args=[refill.pump_id, refill.pk])


@require_POST
def guided_draft(request: HttpRequest, pump_id: int) -> JsonResponse:
    """Keep what is typed. Always answers with what became of it: kept, overtaken, stored already, or refused."""
    pump = pump_to_log(request, pump_id)
    now = timezone.now()
    number, base = _number(request.POST.get("counter", "")), _number(request.POST.get("base", ""))
    values, user, token = guided_sheet.typed_of(request.POST), user_of(request), token_of(request)
    try:
        kept = drafts.keep(pump=pump, user=user, token=token, counter=number or 0, values=values, now=now, base=base)
    except Impossible as error:
        return JsonResponse({"state": "refused", "said": " ".join(error.errors["values"])}, status=400)
    except Overtaken as error:
        there = VisitDraft.objects.of(user, pump, now)
        return JsonResponse({"state": "newer", "said": str(error), "counter": there.counter if there else 0})
    except Conflict as error:
        refill = guided.stored_as(pump_id=pump.pk, token=token, user=user)
        if refill is None:
            return JsonResponse({"state": "refused", "said": str(error)}, status=400)
        return JsonResponse({"state": "stored", "said": str(error), "address": end_of(refill)})
    words = _("Saved %(time)s.") % {"time": f"{now.astimezone(pump.clinic.zone):%H:%M}"}
    return JsonResponse({"state": "kept", "said": words, "counter": kept.counter})


def _number(written: str) -> int | None:
    return int(written) if written.isascii() and written.isdigit() and len(written) < 11 else None


def keep(work: Work, draft: VisitDraft | None) -> HttpResponse:
    """Without scripts: keep what is typed, and go back to the pump."""
    counter = draft.counter + 1 if draft is not None else 1
    token = draft.token if draft is not None else token_of(work.request)
    try:
        drafts.keep(
            pump=work.pump,
            user=user_of(work.request),
            token=token,
            counter=counter,
            values=guided_sheet.typed_of(work.request.POST),
            now=work.now,
        )
    except Impossible as error:
        messages.error(work.request, " ".join(error.errors["values"]))
    except Conflict as error:
        messages.warning(work.request, str(error))
    else:
        when = moment_words(work.now + VisitDraftQuerySet.LIVES, work.pump.clinic.zone)
        messages.success(work.request, _("Kept, not stored: go on with it until %(when)s.") % {"when": when})
    return redirect("pump", pump_id=work.pump.pk)


@require_POST
def guided_discard(request: HttpRequest, pump_id: int) -> HttpResponse:
    pump = pump_to_log(request, pump_id)
    if drafts.throw_away(pump=pump, user=user_of(request)):
        messages.success(request, _("Thrown away: nothing of this visit is kept."))
    return redirect("pump", pump_id=pump.pk)
