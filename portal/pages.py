"""The pages behind a link: plain words, big targets, no script. Only a POST changes anything, so that a mail program
looking behind the link does not. Nothing names a drug, a device or a diagnosis before the reader has chosen to see it.
"""

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from alerts.models import Report
from clinical.saying import say
from clinical.symptoms import is_emergency
from clinics.words import in_english, moment_words
from portal.doors import behind_link
from portal.reading import unwell_of
from portal.services.answers import say_booked
from portal.services.mailing import start_email, stop_email
from portal.services.telling import call_back, tell, tell_unwell
from portal.services.visiting import are_late, confirm, offers, seen_as, take
from portal.visitor import Visitor, may_book, next_visit
from portal.words import SINCES, place, signs, when

ONE_CLICK = "List-Unsubscribe"


def _show(request: HttpRequest, name: str, visitor: Visitor, **context: Any) -> HttpResponse:
    """A page of the room, with what every one of them says."""
    now = timezone.now()
    visit = next_visit(visitor, now)
    base = {
        "visitor": visitor,
        "patient": visitor.patient,
        "contact": visitor.contact,
        "clinic": visitor.clinic,
        "token": visitor.token,
        "visit": visit,
        "visit_when": when(visit.starts_at, visitor.clinic.zone) if visit is not None else "",
        "place": place(visitor.clinic),
    }
    return render(request, f"portal/{name}.html", base | context)


def _done(request: HttpRequest, visitor: Visitor, what: str, **context: Any) -> HttpResponse:
    return _show(request, "done", visitor, what=what, **context)


@behind_link
def start(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """The visit, or that one is due, and what can be said. `answer` is also what the oldest links of this kind send."""
    now, answer = timezone.now(), request.POST.get("answer", "")
    if request.method == "POST" and answer == "call_me":
        call_back(visitor=visitor, note=_why_call(request, visitor, now), now=now)
        return _done(request, visitor, "call_back")
    if request.method == "POST" and answer == "booked":
        say_booked(visitor=visitor, now=now)
        return _done(request, visitor, "said_booked")
    missed = False
    if request.method == "POST" and answer == "come":
        if confirm(visitor=visitor, seen=request.POST.get("visit", ""), now=now) is not None:
            return _done(request, visitor, "confirmed")
        missed = True
    visit = next_visit(visitor, now)
    context = {"seen": seen_as(visit) if visit is not None else "", "may_book": may_book(visitor), "missed": missed}
    return _show(request, "start", visitor, **context)


def _why_call(request: HttpRequest, visitor: Visitor, now: datetime) -> str:
    if request.POST.get("why") != "time":
        return say("%(who)s asks to be called", who=visitor.words)
    visit = next_visit(visitor, now)
    if visit is None:
        return say("%(who)s asks to be called about a time for a visit", who=visitor.words)
    when = in_english(moment_words, visit.starts_at, visitor.clinic.zone)
    return say("%(who)s cannot come on %(when)s", who=visitor.words, when=when)


@behind_link
def times(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """Free times: another one for the visit, or the first. Choosing one books it at once."""
    now, gone = timezone.now(), False
    if request.method == "POST":
        had, chosen = next_visit(visitor, now), _moment(request.POST.get("time", ""))
        if chosen is not None and take(visitor=visitor, starts_at=chosen, now=now) is not None:
            return _done(request, visitor, "moved" if had is not None else "booked")
        gone = True
    visit, zone = next_visit(visitor, now), visitor.clinic.zone
    free = offers(visitor, now) if visit is not None or may_book(visitor) else []
    offered = [
        {"value": time.isoformat(), "words": when(time, zone), "earlier": visit is not None and time < visit.starts_at}
        for time in free
    ]
    return _show(request, "times", visitor, offered=offered, gone=gone, are_late=are_late(visitor, free))


def _moment(written: str) -> datetime | None:
    try:
        moment = parse_datetime(written)
    except ValueError:
        return None
    return moment if moment is not None and moment.tzinfo is not None else None


SOUNDS = {
    "one": (Report.Kind.ONE_TONE, ""),
    "two": (Report.Kind.TWO_TONES, ""),
    # Whoever cannot tell is told what is right for the worse of the two.
    "unsure": (Report.Kind.TWO_TONES, say("not sure which sound it is")),
}


@behind_link
def sound(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """Which alarm sounds, and what to do."""
    heard = SOUNDS.get(request.POST.get("sound", ""))
    if request.method == "POST" and heard is not None:
        kind, note = heard
        tell(visitor=visitor, kind=kind, note=note, now=timezone.now())
        return _done(request, visitor, kind.value, is_emergency=kind == Report.Kind.TWO_TONES)
    return _show(request, "sound", visitor, nothing_chosen=request.method == "POST")


@behind_link
def unwell(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """What is wrong, and since when. An emergency says first whom to call."""
    now = timezone.now()
    said = unwell_of(request.POST, now)
    if request.method == "POST" and said.symptoms:
        tell_unwell(visitor=visitor, symptoms=said.symptoms, note=said.note, began_at=said.began_at, now=now)
        return _done(request, visitor, "unwell", is_emergency=is_emergency(said.symptoms))
    context = {
        "signs": signs(of_another=visitor.contact is not None),
        "sinces": SINCES,
        "said": said,
        "nothing_chosen": request.method == "POST",
    }
    return _show(request, "unwell", visitor, **context)


@behind_link
def unsubscribe(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """No more e-mail, with what that means and a way back. A mail program's own button sends `List-Unsubscribe`."""
    now, wish = timezone.now(), request.POST.get("wish", "")
    if request.method == "POST" and (wish == "stop" or ONE_CLICK in request.POST):
        stop_email(visitor=visitor, now=now)
        return _done(request, visitor, "no_mail")
    if request.method == "POST" and wish == "start":
        return _done(request, visitor, "mail_again" if start_email(visitor=visitor, now=now) else "no_address")
    return _show(request, "unsubscribe", visitor, has_email=visitor.has_email)
