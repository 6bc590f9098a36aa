"""One's own account: name, clinics, password, second factor, keys for programs; and the state of the log-in."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from clinics.errors import Impossible
from clinics.forms import AccountForm, KeyForm
from clinics.middleware import keep_alive, seconds_left
from clinics.models import ApiKey, Clinic
from clinics.pages.access import user_of
from clinics.roles import Permission
from clinics.second_factor import has_one, is_required_of
from clinics.services import keys, members


def account(request: HttpRequest) -> HttpResponse:
    user = user_of(request)
    initial = {"name": user.name, "phone": user.phone, "language": user.language, "look": user.look}
    form = AccountForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        members.rename(user=user, name=given["name"])
        members.set_phone(user=user, phone=given["phone"])
        members.set_screen(user=user, language=given["language"], look=given["look"])
        with translation.override(given["language"] or translation.get_language_from_request(request)):
            messages.success(request, _("Saved."))
        return redirect("account")
    context = {
        "form": form,
        "memberships": user.memberships.select_related("clinic").order_by("clinic__name", "role"),
        "clinics": Clinic.objects.filter(memberships__user=user).distinct(),
        "has_second_factor": has_one(user),
        "needs_second_factor": is_required_of(user),
        "may_have_keys": user.access.can_somewhere(Permission.ADMINISTER),
    }
    return render(request, "clinics/account.html", context)


@require_POST
def leave(request: HttpRequest, clinic_id: int) -> HttpResponse:
    user = user_of(request)
    clinic = get_object_or_404(Clinic.objects.filter(memberships__user=user).distinct(), pk=clinic_id)
    try:
        members.leave(user=user, clinic=clinic, now=timezone.now())
    except Impossible as error:
        messages.error(request, " ".join(said for told in error.errors.values() for said in told))
        return redirect("account")
    messages.success(request, _("You have left %(clinic)s.") % {"clinic": clinic.name})
    return redirect("account")


def api_keys(request: HttpRequest) -> HttpResponse:
    """One's keys, and a new one, which is shown in the answer to its making and never again."""
    user = user_of(request)
    if not user.access.can_somewhere(Permission.ADMINISTER):
        raise PermissionDenied(_("Keys for programs are made by administrators."))
    form = KeyForm(request.POST or None)
    made = None
    if request.method == "POST" and form.is_valid():
        made = keys.make_named_key(user=user, name=form.cleaned_data["name"], now=timezone.now())[1]
        form = KeyForm()
    rows = user.api_keys.all()
    return render(
        request, "clinics/keys.html", {"form": form, "keys": rows, "made": made, "base_url": settings.BASE_URL}
    )


@require_POST
def revoke_key(request: HttpRequest, key_id: int) -> HttpResponse:
    key = get_object_or_404(ApiKey, user=user_of(request), pk=key_id)
    keys.revoke_key(key=key, by=user_of(request), now=timezone.now())
    said = _("Revoked: %(name)s. A program that uses it is refused from now on.")
    messages.success(request, said % {"name": key.name})
    return redirect("api_keys")


@login_not_required
@never_cache
@require_http_methods(["GET", "POST"])
def session(request: HttpRequest) -> JsonResponse:
    """Whether the log-in holds, whose it is, and a fresh token for the forms of an open page; POST extends it."""
    if request.method == "POST" and request.user.is_authenticated:
        keep_alive(request, timezone.now())
    return JsonResponse(
        {
            "seconds_left": seconds_left(request, timezone.now()),
            "user": str(request.user.pk) if request.user.is_authenticated else None,
            "csrf_token": get_token(request),
        }
    )


def welcome_back(request: HttpRequest) -> HttpResponse:
    """Where somebody lands who logged in again in a second window, to go on in the first."""
    return render(request, "clinics/welcome_back.html")
