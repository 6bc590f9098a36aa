"""A clinic's webhooks: added, tried, given a new secret, removed, by its administrators."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_POST

from alerts.models import WebhookAddress
from alerts.services import webhooks as service
from clinics.errors import Conflict, Impossible
from clinics.models import Clinic
from clinics.pages.access import administered, take, user_of


class WebhookForm(forms.Form):
    url = forms.CharField(
        label=gettext_lazy("Address"),
        max_length=500,
        help_text=gettext_lazy(
            "Where a program of yours takes calls, such as https://hooks.example.org/brim. It must begin with "
            "https:// and be reachable from outside."
        ),
        widget=forms.TextInput(attrs={"inputmode": "url", "autocomplete": "off"}),
    )


def webhooks(request: HttpRequest, clinic_id: int) -> HttpResponse:
    """The addresses, and a new one, whose secret is shown in the answer to its making and never again."""
    clinic = administered(request, clinic_id)
    form, secret = WebhookForm(request.POST or None), ""
    if request.method == "POST" and form.is_valid():
        try:
            _, secret = service.add(
                clinic=clinic, url=form.cleaned_data["url"], by=user_of(request), now=timezone.now()
            )
            form = WebhookForm()
        except Impossible as error:
            take(form, error.errors)
    return _page(request, clinic, form, secret)


@require_POST
def renew_webhook(request: HttpRequest, clinic_id: int, webhook_id: int) -> HttpResponse:
    clinic = administered(request, clinic_id)
    address = _of(clinic, webhook_id)
    try:
        secret = service.renew(address=address, by=user_of(request), now=timezone.now())
    except Conflict as error:
        messages.error(request, str(error))
        return redirect("webhooks", clinic_id=clinic.pk)
    return _page(request, clinic, WebhookForm(), secret)


@require_POST
def try_webhook(request: HttpRequest, clinic_id: int, webhook_id: int) -> HttpResponse:
    clinic = administered(request, clinic_id)
    try:
        failed = service.send_test(address=_of(clinic, webhook_id), by=user_of(request), now=timezone.now())
    except Conflict as error:
        failed = str(error)
    if failed:
        messages.error(request, gettext("The test failed: %(failed)s.") % {"failed": failed})
    else:
        messages.success(request, gettext("The address took the test."))
    return redirect("webhooks", clinic_id=clinic.pk)


@require_POST
def remove_webhook(request: HttpRequest, clinic_id: int, webhook_id: int) -> HttpResponse:
    clinic = administered(request, clinic_id)
    try:
        service.remove(address=_of(clinic, webhook_id), by=user_of(request), now=timezone.now())
    except Conflict as error:
        messages.error(request, str(error))
    else:
        messages.success(request, gettext("Removed: nothing is sent to it any more."))
    return redirect("webhooks", clinic_id=clinic.pk)


def _of(clinic: Clinic, webhook_id: int) -> WebhookAddress:
    return get_object_or_404(WebhookAddress.objects.standing().select_related("clinic"), clinic=clinic, pk=webhook_id)


def _page(request: HttpRequest, clinic: Clinic, form: WebhookForm, secret: str) -> HttpResponse:
    context = {
        "clinic": clinic,
        "form": form,
        "secret": secret,
        "addresses": WebhookAddress.objects.standing().filter(clinic=clinic),
    }
    return render(request, "alerts/webhooks.html", context)
