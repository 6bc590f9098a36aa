"""The page behind a patient's link: plain words, works on an old phone, names no drug, device or diagnosis."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from alerts.patient_links import message_of
from alerts.services.answers import Answer, answer


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def patient_link(request: HttpRequest, token: str) -> HttpResponse:
    """Only a POST answers, so that a mail program looking behind the link does not."""
    row = message_of(token)
    if row is None:
        return render(request, "alerts/patient_gone.html", status=404)
    context = {"patient": row.alert.patient, "contact": row.contact, "clinic": row.alert.clinic, "answered": ""}
    choice = request.POST.get("answer", "")
    if request.method == "POST" and choice in set(Answer):
        answer(row=row, choice=Answer(choice), now=timezone.now())
        context["answered"] = choice
    return render(request, "alerts/patient.html", context)
