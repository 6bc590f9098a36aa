"""Who may call what: the role table of design, section 4, on the clinic an object belongs to.

Whether a row exists for the caller is the queryset's business and comes first (404); the role comes second (403).
"""

from typing import Any

from rest_framework.exceptions import PermissionDenied
from rest_framework.generics import get_object_or_404
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from clinics.models import Clinic, User
from clinics.roles import Permission


def caller(request: Request) -> User:
    """The account behind a call."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def allows(request: Request, permission: Permission, clinic_id: int) -> bool:
    """Whether the caller's roles in the clinic include the permission."""
    return request.user.is_authenticated and request.user.access.can(permission, clinic_id)


def require(request: Request, permission: Permission, clinic_id: int) -> None:
    """403 unless the caller's roles in the clinic include the permission."""
    if not allows(request, permission, clinic_id):
        raise PermissionDenied(f"Your role in this clinic does not include: {permission.value.replace('_', ' ')}.")


class RolePermission(BasePermission):
    """Checks a row found for the caller against the view's `needs`, a Permission by HTTP method."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return bool(request.user and request.user.is_authenticated)

    def has_object_permission(self, request: Request, view: APIView, obj: Any) -> bool:
        needs: dict[str, Permission] = view.needs  # type: ignore[attr-defined]  # a view without it must fail loudly
        method = "GET" if request.method in ("HEAD", "OPTIONS") else str(request.method)
        require(request, needs[method], getattr(obj, "clinic_id", obj.pk))
        return True


def administered(request: Request, clinic_id: int) -> Clinic:
    """A clinic the caller administers: 404 for one they cannot see, 403 without the role."""
    clinic = get_object_or_404(Clinic.objects.visible_to(request.user), pk=clinic_id)
    require(request, Permission.ADMINISTER, clinic.pk)
    return clinic
