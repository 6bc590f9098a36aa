from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from clinics.models import User
from therapy.waiting import how_many


def waiting_to_be_signed(request: HttpRequest) -> dict[str, Any]:
    """How many doses and tapers wait for the signature of whoever signs; asked only where a page says it."""
    user = request.user
    if not isinstance(user, User):
        return {}
    return {"to_sign_count": SimpleLazyObject(lambda: how_many(user))}
