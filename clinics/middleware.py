"""What holds for every page of somebody logged in: a log-in ends when it is left alone; a clinic may ask for a second
factor; pages speak their language."""

from collections.abc import Callable
from datetime import datetime

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils import timezone, translation

from clinics.models import User
from clinics.second_factor import has_one, is_required_of

GetResponse = Callable[[HttpRequest], HttpResponse]

STARTED, SEEN = "brim_started", "brim_seen"
# A session is written at most once in so many seconds.
SEEN_EVERY = 30
# Addresses that a page asks by itself: whether the log-in still holds, how far work is. They do not keep it alive.
LOOKING, PROGRESS = "/session/", "/progress/"
# Where somebody may go who has yet to set up the second factor that a clinic asks for.
ON_THE_WAY = (
    "/account/second-factor/",
    "/account/reauthenticate/",
    "/account/password/",
    "/account/back/",
    "/logout/",
    "/session/",
    "/login/",
    "/invitations/",
    "/offline/",
    "/sw.js",
)


def seconds_left(request: HttpRequest, now: datetime) -> int:
    """Seconds until the log-in ends if nothing is done; 0 without one."""
    if not request.user.is_authenticated:
        return 0
    moment = int(now.timestamp())
    seen, started = request.session.get(SEEN, moment), request.session.get(STARTED, moment)
    left = min(seen + settings.SESSION_IDLE_SECONDS, started + settings.SESSION_COOKIE_AGE) - moment
    return max(int(left), 0)


def end_idle_sessions(get_response: GetResponse) -> GetResponse:
    """Log out whoever did nothing for SESSION_IDLE_SECONDS, or logged in longer ago than SESSION_COOKIE_AGE."""

    def answer(request: HttpRequest) -> HttpResponse:
        if SEEN in request.session or request.user.is_authenticated:
            now = timezone.now()
            if seconds_left(request, now) == 0:
                logout(request)
            elif not _only_looks(request):
                keep_alive(request, now)
        return get_response(request)

    return answer


def keep_alive(request: HttpRequest, now: datetime) -> None:
    moment = int(now.timestamp())
    request.session.setdefault(STARTED, moment)
    if moment - request.session.get(SEEN, 0) >= SEEN_EVERY:
        request.session[SEEN] = moment


def _only_looks(request: HttpRequest) -> bool:
    return request.method == "GET" and (request.path == LOOKING or request.path.endswith(PROGRESS))


FOR_PROGRAMS = ("/api/", "/health/", "/callbacks/")


def speak(get_response: GetResponse) -> GetResponse:
    """Pages speak the language of whoever is logged in, else what the browser asks for; programs are answered in
    English, whose words they may have come to know."""

    def answer(request: HttpRequest) -> HttpResponse:
        with translation.override(_language(request)):
            response = get_response(request)
            response.headers.setdefault("Content-Language", translation.get_language() or "en")
        return response

    return answer


def _language(request: HttpRequest) -> str:
    if request.path.startswith(FOR_PROGRAMS):
        return "en"
    own = request.user.language if isinstance(request.user, User) else ""
    return own or translation.get_language_from_request(request)


def ask_for_second_factor(get_response: GetResponse) -> GetResponse:
    """Whoever has a role in a clinic that requires a second factor sets one up before anything else.

    API keys are not asked: they are made by somebody who was. The pages that lead to a second factor stay open, or
    nobody could set one up.
    """

    def answer(request: HttpRequest) -> HttpResponse:
        user = request.user
        is_open = request.path == "/account/" or request.path.startswith(ON_THE_WAY)
        if is_open or not isinstance(user, User) or not is_required_of(user) or has_one(user):
            return get_response(request)
        if request.path.startswith("/api/"):
            return JsonResponse({"detail": "Your clinic requires a second factor; set one up first."}, status=403)
        return redirect("mfa_index")

    return answer
