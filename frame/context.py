from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from clinics.models import User
from frame.links import links_for
from frame.places import place_of

# Which clinic's first-run guide somebody is walking through: its id and name.
GUIDE = "brim_guide"


def frame(request: HttpRequest) -> dict[str, Any]:
    """What is around every page: the navigation, where one is, the help that fits, and the way back to the guide."""
    user = request.user if hasattr(request, "user") else None
    match = request.resolver_match
    place = place_of(match.url_name if match else None)
    if not isinstance(user, User):
        return {"place": place}
    return {
        "place": place,
        "links": SimpleLazyObject(lambda: links_for(user)),
        "guide_in_hand": request.session.get(GUIDE) if hasattr(request, "session") else None,
    }
