"""The people of a clinic: who has which role, who is invited."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login, logout
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from clinics.errors import Conflict, Impossible
from clinics.forms import InviteForm, JoinForm, RolesForm
from clinics.models import Clinic, Invitation, User
from clinics.pages.access import administered, take, user_of
from clinics.roles import Permission, Role, in_words
from clinics.second_factor import who_has_one
from clinics.services import invitations, keys, members


def people(request: HttpRequest, clinic_id: int) -> HttpResponse:
    """Everybody with a role, and the invitations that are open; inviting somebody."""
    clinic = administered(request, clinic_id)
    may_everywhere = user_of(request).access.can_everywhere(Permission.ADMINISTER)
    form = InviteForm(request.POST or None)
    if not may_everywhere:
        del form.fields["everywhere"]
    if request.method == "POST" and form.is_valid() and _invite(request, clinic, form):
        return redirect("people", clinic_id=clinic.pk)
    found = members.members_of(clinic)
    with_factor = who_has_one([user.pk for user in found])
    context = {
        "clinic": clinic,
        "form": form,
        "people": [_line(clinic, user, with_factor) for user in found],
        "invitations": _open_invitations(clinic, may_everywhere),
        "is_without_mail": settings.MAIL_TO_FILES,
    }
    return render(request, "clinics/people.html", context)


def _line(clinic: Clinic, user: User, with_factor: set[int]) -> dict[str, object]:
    held = user.memberships.all()
    return {
        "user": user,
        "roles": sorted(row.role for row in held if row.clinic_id == clinic.pk),
        "everywhere": sorted(row.role for row in held if row.clinic_id is None),
        "has_second_factor": user.pk in with_factor,
    }


def _open_invitations(clinic: Clinic, may_everywhere: bool) -> list[tuple[Invitation, str]]:
    """With their links only where there is no mail server that could bring them."""
    places = [clinic, None] if may_everywhere else [clinic]
    rows = [
        row
        for place in places
        for row in Invitation.objects.open(timezone.now()).filter(clinic=place).select_related("mail", "clinic")
    ]
    return [(row, invitations.link_of(row) if settings.MAIL_TO_FILES else "") for row in rows]


def _invite(request: HttpRequest, clinic: Clinic, form: InviteForm) -> bool:
    values = form.cleaned_data
    try:
        invitations.invite(
            email=values["email"],
            roles=values["roles"],
            clinic=None if values.get("everywhere") else clinic,
            by=user_of(request),
            now=timezone.now(),
        )
    except Impossible as error:
        take(form, error.errors)
        return False
    except Conflict as error:
        form.add_error(None, str(error))
        return False
    messages.success(
        request, _("Invited: %(email)s. The roles hold once the invitation is accepted.") % {"email": values["email"]}
    )
    return True


def person(request: HttpRequest, clinic_id: int, user_id: int) -> HttpResponse:
    """One person's roles in the clinic, and their keys if the administrator is over all of their roles."""
    clinic = administered(request, clinic_id)
    found = get_object_or_404(User.objects.filter(pk__in=[user.pk for user in members.members_of(clinic)]), pk=user_id)
    held = found.memberships.filter(clinic=clinic).values_list("role", flat=True)
    form = RolesForm(request.POST or None, initial={"roles": list(held)})
    if request.method == "POST" and form.is_valid():
        roles: list[Role] = form.cleaned_data["roles"]
        try:
            members.set_roles(user=found, clinic=clinic, roles=roles, by=user_of(request), now=timezone.now())
        except Impossible as error:
            take(form, error.errors)
        else:
            said = (
                _("Saved: %(person)s is %(roles)s.") % {"person": found, "roles": in_words(roles)}
                if roles
                else _("%(person)s has no role here any more.") % {"person": found}
            )
            messages.success(request, said)
            return redirect("people", clinic_id=clinic.pk)
    is_over_all = members.administers_all_of(user_of(request), found)
    context = {
        "clinic": clinic,
        "person": found,
        "form": form,
        "everywhere": found.memberships.filter(clinic=None).values_list("role", flat=True),
        "keys": found.api_keys.active() if is_over_all else [],
        "is_over_all": is_over_all,
    }
    return render(request, "clinics/person.html", context)


@require_POST
def revoke_persons_keys(request: HttpRequest, clinic_id: int, user_id: int) -> HttpResponse:
    clinic = administered(request, clinic_id)
    found = get_object_or_404(User.objects.filter(pk__in=[user.pk for user in members.members_of(clinic)]), pk=user_id)
    if not members.administers_all_of(user_of(request), found):
        raise PermissionDenied(_("This person has roles in other clinics too; take their roles here instead."))
    revoked = sum(keys.revoke_key(key=key, by=user_of(request), now=timezone.now()) for key in found.api_keys.active())
    messages.success(
        request,
        ngettext("%(n)s key of %(person)s revoked.", "%(n)s keys of %(person)s revoked.", revoked)
        % {"n": revoked, "person": found},
    )
    return redirect("person", clinic_id=clinic.pk, user_id=found.pk)


@require_POST
def withdraw_invitation(request: HttpRequest, clinic_id: int, invitation_id: int) -> HttpResponse:
    return _with_invitation(request, clinic_id, invitation_id, is_resent=False)


@require_POST
def resend_invitation(request: HttpRequest, clinic_id: int, invitation_id: int) -> HttpResponse:
    return _with_invitation(request, clinic_id, invitation_id, is_resent=True)


def _with_invitation(request: HttpRequest, clinic_id: int, invitation_id: int, *, is_resent: bool) -> HttpResponse:
    clinic = administered(request, clinic_id)
    places = [clinic.pk, None] if user_of(request).access.can_everywhere(Permission.ADMINISTER) else [clinic.pk]
    found = get_object_or_404(Invitation, pk=invitation_id)
    if found.clinic_id not in places:
        raise Http404
    try:
        if is_resent:
            invitations.resend(invitation=found, by=user_of(request), now=timezone.now())
        else:
            invitations.withdraw(invitation=found, by=user_of(request), now=timezone.now())
    except Conflict as error:
        messages.error(request, str(error))
    else:
        messages.success(
            request,
            (_("Sent again to %(email)s.") if is_resent else _("Withdrawn: %(email)s.")) % {"email": found.email},
        )
    return redirect("people", clinic_id=clinic.pk)


@login_not_required
@never_cache
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Behind an invitation's link: accept it with the account one has, or make one."""
    found = invitations.behind(token, now=timezone.now())
    if found is None:
        return render(request, "clinics/invitation_gone.html", status=404)
    if request.user.is_authenticated:
        return _accept(request, found)
    known = invitations.account_of(found)
    if known is not None and known.has_usable_password():
        return render(request, "clinics/invitation_log_in.html", {"invitation": found, "here": request.path})
    form = JoinForm(request.POST or None, email=found.email)
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            joined = invitations.accept_as_new(
                invitation=found, name=values["name"], password=values["password1"], now=timezone.now()
            )
        except Conflict as error:
            form.add_error(None, str(error))
        else:
            login(request, joined, backend="clinics.backends.EmailBackend")
            messages.success(request, _("Welcome, %(joined)s.") % {"joined": joined})
            return redirect("home")
    context = {"invitation": found, "form": form, "place": invitations.place_of(found)}
    return render(request, "clinics/invitation_join.html", context)


def _accept(request: HttpRequest, found: Invitation) -> HttpResponse:
    user = user_of(request)
    context = {"invitation": found, "place": invitations.place_of(found), "is_theirs": user.email == found.email}
    if request.method != "POST":
        return render(request, "clinics/invitation_accept.html", context)
    if request.POST.get("other"):
        logout(request)
        return redirect(request.path)
    try:
        invitations.accept(invitation=found, user=user, now=timezone.now())
    except Conflict as error:
        messages.error(request, str(error))
        return redirect(request.path)
    messages.success(request, _("You now work at %(place_of)s.") % {"place_of": invitations.place_of(found)})
    return redirect("home")
