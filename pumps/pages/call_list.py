"""Whom to telephone: on screen, and to print."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.text import slugify

from alerts.services import oncall
from clinics.models import Clinic, User
from clinics.pages.access import require, user_of
from clinics.roles import Permission
from pumps.call_list_pdf import as_pdf, usual_paper
from pumps.pages import calls
from pumps.printing import PAPERS
from pumps.services import call_lists

# A page shows so many; the paper has all.
SHOWN = 200


def call_lists_page(request: HttpRequest) -> HttpResponse:
    """The person's clinics, or straight to the only one."""
    clinics = list(Clinic.objects.visible_to(user_of(request)))
    if len(clinics) == 1:
        return redirect("clinic_call_list", clinic_id=clinics[0].pk)
    found = oncall.on_call([clinic.pk for clinic in clinics], timezone.now())
    people = User.objects.in_bulk(found.values())
    lines = [(clinic, people[found[clinic.pk]] if clinic.pk in found else None) for clinic in clinics]
    return render(request, "pumps/call_lists.html", {"lines": lines})


def call_list(request: HttpRequest, clinic_id: int) -> HttpResponse:
    """Who is to be phoned, without a message or besides it, then everybody; `?only=phone` for the former alone."""
    clinic = _clinic(request, clinic_id)
    user, found = user_of(request), call_lists.call_list(clinic, timezone.now())
    is_queue_only = request.GET.get("only") == "phone"
    place = calls.ALONE if is_queue_only else calls.TO_PHONE
    context = {
        "clinic": clinic,
        "found": found,
        "spell": found.spells[0],
        "to_phone": calls.of_lines(found.to_phone[:SHOWN], place, user, found.made_at),
        "lines": calls.of_lines([] if is_queue_only else found.lines[:SHOWN], calls.EVERYBODY, user, found.made_at),
        "is_queue_only": is_queue_only,
        "shown": SHOWN,
        "papers": sorted(PAPERS.items(), key=lambda paper: paper[0] != usual_paper(found)),
        "now": found.made_at,
    }
    return render(request, "pumps/call_list.html", context)


def download(request: HttpRequest, clinic_id: int) -> HttpResponse:
    """The list as a PDF, `?paper=a4` or `letter`; who took it is kept in the clinic's history."""
    clinic, now = _clinic(request, clinic_id), timezone.now()
    found = call_lists.call_list(clinic, now)
    asked = request.GET.get("paper", "")
    paper = asked if asked in PAPERS else usual_paper(found)
    data = as_pdf(found, paper)
    call_lists.taken(clinic=clinic, by=user_of(request), paper=PAPERS[paper], now=now)
    name = f"call-list-{slugify(clinic.name) or clinic.pk}-{now.astimezone(clinic.zone).date()}.pdf"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(data, content_type="application/pdf", headers=headers)


def _clinic(request: HttpRequest, clinic_id: int) -> Clinic:
    clinic = get_object_or_404(Clinic.objects.visible_to(user_of(request)), pk=clinic_id)
    require(request, Permission.SEE, clinic.pk)
    return clinic
