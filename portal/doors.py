"""What holds for every page behind a link: who may come in, and what no browser, search engine or other site keeps."""

from collections.abc import Callable
from datetime import timedelta
from functools import wraps

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from alerts.patient_links import followed
from clinics.errors import Conflict
from clinics.models import Clinic
from portal.language import OWN, spoken
from portal.visitor import Visitor, visitor_of

Page = Callable[[HttpRequest, Visitor], HttpResponse]
# A link that ends while somebody fills in a page still takes what they send.
GRACE = timedelta(days=1)


def behind_link(page: Page) -> Callable[..., HttpResponse]:
    """A page of a visitor, in the patient's language.

    The link is the capability: whoever could forge a request knows it already, so no cookie guards the forms. With one,
    a phone that keeps no cookies, and every page under this referrer policy, could report nothing.
    """

    @login_not_required
    @csrf_exempt
    @never_cache
    @require_http_methods(["GET", "HEAD", "POST"])
    @wraps(page)
    def answer(request: HttpRequest, token: str) -> HttpResponse:
        found = followed(token, grace=GRACE if request.method == "POST" else timedelta(0))
        if found is None:
            return private(_gone(request, None, 404))
        visitor = visitor_of(found.row, token) if not found.is_too_old else None
        person = found.row.contact.patient if found.row.contact is not None else found.row.patient
        with translation.override(spoken(person.language) if person is not None else OWN):
            if visitor is None:
                return private(_gone(request, found.row.clinic, 410))
            try:
                return private(page(request, visitor))
            except Conflict:  # their care here ended at this very moment
                return private(_gone(request, found.row.clinic, 410))

    return answer


def _gone(request: HttpRequest, clinic: Clinic | None, status: int) -> HttpResponse:
    return render(request, "portal/gone.html", {"clinic": clinic}, status=status)


def private(response: HttpResponse) -> HttpResponse:
    """Nothing of the page goes to another site or into a search engine."""
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    return response
