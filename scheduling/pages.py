"""The calendar behind its secret address: whoever has that may read it, as a calendar program does."""

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone, translation
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from scheduling.calendars import AHEAD, BACK, calendar
from scheduling.models import Appointment
from scheduling.services import rules


@login_not_required
@never_cache
@require_safe
def feed(request: HttpRequest, token: str) -> HttpResponse:
    found = rules.behind(token)
    if found is None:
        raise Http404
    now = timezone.now()
    visits = Appointment.objects.filter(clinic=found.clinic_id).between(now - BACK, now + AHEAD)
    headers = {"Content-Disposition": 'inline; filename="visits.ics"', "X-Robots-Tag": "noindex"}
    with translation.override(found.clinic.language):
        text = calendar(found, visits)
    return HttpResponse(text, content_type="text/calendar; charset=utf-8", headers=headers)
