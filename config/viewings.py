"""Who saw what: each page, paper and call that shows one patient is kept, whichever room answers it.

Here, in the room above all others, so that no page has to think of it and none can forget: an address that names a
patient, a pump, or what belongs to one is kept because it does.
"""

import re
from collections.abc import Callable
from datetime import datetime

from django.db import models
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from alerts.models import Alert, Notification
from clinics.models import ApiKey, User
from patients import viewings
from patients.models import Patient
from pumps.models import Pump
from scheduling.models import Appointment
from therapy.models import Proposal, WeaningPlan

# By the word before an id in an address: what the id is of. Each is a patient, or has one and a clinic.
SHOWN: dict[str, type[models.Model]] = {
    "patients": Patient,
    "pumps": Pump,
    "proposals": Proposal,
    "weaning-plans": WeaningPlan,
    "alerts": Alert,
    "messages": Notification,
    "notifications": Notification,
    "visits": Appointment,
    "appointments": Appointment,
}
NAMED = re.compile(rf"\b({'|'.join(SHOWN)})/<int:(\w+)>")
OF_CLINIC = re.compile(r"\bclinics/<int:(\w+)>")


def keep_viewings(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Keep who was shown what. Only what was really shown counts: not a refusal, and not an address that is unknown."""

    def answer(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if request.method == "GET" and response.status_code == 200:
            _keep(request, response, timezone.now())
        return response

    return answer


def _keep(request: HttpRequest, response: HttpResponse, now: datetime) -> None:
    match = request.resolver_match
    if match is None:
        return
    named = NAMED.search(match.route)
    is_file = "Content-Disposition" in response.headers
    if named is None and not is_file:
        return
    user = request.user
    if not isinstance(user, User):
        return
    auth = getattr(request, "auth", None)
    key = auth if isinstance(auth, ApiKey) else None
    what = what_of(match.url_name, match.route)
    if named is not None:
        viewings.keep(user=user, key=key, model=SHOWN[named[1]], row_id=match.kwargs[named[2]], what=what, at=now)
        return
    of_clinic = OF_CLINIC.search(match.route)
    clinic_id = viewings.clinic_of_file(request)
    if clinic_id is None and of_clinic is not None:
        clinic_id = match.kwargs[of_clinic[1]]
    viewings.keep_file(user=user, key=key, clinic_id=clinic_id, what=what, at=now)


def what_of(name: str | None, route: str) -> str:
    """What a viewing is called: a page by its name, a call by its address without its ids."""
    return name or re.sub(r"<[^>]+>", "…", route.removeprefix("api/v1/"))[:80]
