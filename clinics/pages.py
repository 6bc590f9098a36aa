"""Log-in, log-out, the first password; and what every page asks of the person in front of it."""

from django.contrib.auth import views
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.urls import reverse_lazy

from clinics.forms import LogInForm
from clinics.models import User
from clinics.roles import Permission


def user_of(request: HttpRequest) -> User:
    """The person logged in; the middleware lets nobody else reach a page."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def require(request: HttpRequest, permission: Permission, clinic_id: int) -> None:
    """403 unless the person's roles in the clinic include the permission."""
    if not user_of(request).access.can(permission, clinic_id):
        raise PermissionDenied(f"Your role in this clinic does not include: {permission.value.replace('_', ' ')}.")


class LogIn(views.LoginView):
    template_name = "registration/login.html"
    authentication_form: type[AuthenticationForm] = LogInForm
    redirect_authenticated_user = True


class NewPassword(views.PasswordResetConfirmView):
    """Behind a one-time link: choose a password and be logged in."""

    template_name = "registration/new_password.html"
    post_reset_login = True
    post_reset_login_backend = "clinics.backends.EmailBackend"
    success_url = reverse_lazy("worklist")
