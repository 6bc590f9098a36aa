"""The first-run guide of a clinic, for whoever administers it."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from clinics.pages.access import administered, user_of
from frame import guide as guiding
from frame.context import GUIDE


def guide(request: HttpRequest, clinic_id: int) -> HttpResponse:
    """The steps, and from now on a way back here on every page, until all are done."""
    user, clinic = user_of(request), administered(request, clinic_id)
    steps = guiding.steps(clinic, user)
    left = [step for step in steps if not step.is_done]
    if left:
        request.session[GUIDE] = {"id": clinic.pk, "name": clinic.name}
    else:
        request.session.pop(GUIDE, None)
    context = {
        "clinic": clinic,
        "steps": steps,
        "next": left[0] if left else None,
        "done": len(steps) - len(left),
        "is_on_its_way": guiding.is_on_its_way(user),
    }
    return render(request, "help/guide.html", context)


@require_POST
def send_message(request: HttpRequest, clinic_id: int) -> HttpResponse:
    user, clinic = user_of(request), administered(request, clinic_id)
    if not guiding.is_on_its_way(user):
        guiding.send_test(to=user, now=timezone.now())
        messages.success(request, _("The test message to %(address)s is on its way.") % {"address": user.email})
    return redirect("guide", clinic_id=clinic.pk)


@require_POST
def leave(request: HttpRequest, clinic_id: int) -> HttpResponse:
    """No way back on every page any more; the guide stays where it is."""
    clinic = administered(request, clinic_id)
    request.session.pop(GUIDE, None)
    return redirect("clinic", clinic_id=clinic.pk)
