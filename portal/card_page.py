"""The page behind the code on an emergency card: read-only, without a log-in, as things stand today."""

from allauth.core import ratelimit
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone, translation
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from portal.card_links import FollowedCard, followed
from portal.doors import private
from portal.emergency_card import card_of, for_doctors, signs_and_sounds
from portal.language import OWN, spoken
from portal.services.cards import opened


@login_not_required
@never_cache
@require_safe
def card_page(request: HttpRequest, token: str) -> HttpResponse:
    """`?language=` for a reader who does not speak the patient's."""
    if ratelimit.consume_or_429(request, action="card", limit_get=True) is not None:
        return private(render(request, "portal/wait.html", status=429))
    found = followed(token)
    with translation.override(_language(request, found)):
        return private(_answer(request, found))


def _language(request: HttpRequest, found: FollowedCard | None) -> str:
    asked = request.GET.get("language", "")
    if asked in dict(settings.LANGUAGES):
        return asked
    return spoken(found.link.patient.language) if found is not None else OWN


def _answer(request: HttpRequest, found: FollowedCard | None) -> HttpResponse:
    if found is None:
        return render(request, "portal/card_gone.html", {"clinic": None}, status=404)
    now, patient = timezone.now(), found.link.patient
    card = card_of(patient, now) if found.is_valid else None
    opened(link=found.link, was_shown=card is not None, now=now)
    if card is None:
        return render(request, "portal/card_gone.html", {"clinic": patient.clinic}, status=410)
    spoken_now = translation.get_language()
    context = {
        "card": card,
        "clinic": card.clinic,
        "signs": signs_and_sounds(),
        "doctors": for_doctors(card),
        "languages": [(code, name) for code, name in settings.LANGUAGES if code != spoken_now],
    }
    return render(request, "portal/card.html", context)
