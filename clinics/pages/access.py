"""What every page asks of the person in front of it."""

from collections.abc import Mapping, Sequence

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _

from clinics.models import Clinic, User
from clinics.roles import PERMISSION_WORDS, Permission


def user_of(request: HttpRequest) -> User:
    """The person logged in; the middleware lets nobody else reach a page."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def require(request: HttpRequest, permission: Permission, clinic_id: int) -> None:
    """403 unless the person's roles in the clinic include the permission."""
    if not user_of(request).access.can(permission, clinic_id):
        raise PermissionDenied(
            _("Your role in this clinic does not include: %(what)s.") % {"what": PERMISSION_WORDS[permission]}
        )


def administered(request: HttpRequest, clinic_id: int) -> Clinic:
    """A clinic the person administers: 404 for one they cannot see, 403 without the role."""
    clinic = get_object_or_404(Clinic.objects.visible_to(user_of(request)), pk=clinic_id)
    require(request, Permission.ADMINISTER, clinic.pk)
    return clinic


def take(form: forms.Form, errors: Mapping[str, Sequence[str]]) -> None:
    """Show a service's messages at their fields."""
    for field, messages in errors.items():
        form.add_error(field if field in form.fields else None, list(messages))
