"""A pump's forecast as it was known at an earlier moment, and the entries it rested on."""

from datetime import datetime
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinics.fields import ClinicMoment
from clinics.pages.access import require, user_of
from clinics.roles import Permission
from pumps.models import Event, Pump
from pumps.pages.dates import NAMES
from pumps.pages.timeline import entry_of
from pumps.pages.words import BECAUSE_WORDS, SEVERITY_WORDS, UNKNOWN_WORDS
from pumps.snapshots import snapshot


class KnownForm(forms.Form):
    known_at = ClinicMoment(label=gettext_lazy("As it was known on"))

    def __init__(self, *args: Any, pump: Pump, now: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        moment = self.fields["known_at"]
        if isinstance(moment, ClinicMoment):
            moment.zone = pump.clinic.zone
            moment.help_text = _("%(name)s's time (%(timezone)s)") % {
                "name": pump.clinic.name,
                "timezone": pump.clinic.timezone,
            }
        self.now = now

    def clean_known_at(self) -> datetime:
        moment: datetime = self.cleaned_data["known_at"]
        if moment > self.now:
            raise forms.ValidationError(_("This lies in the future; write a past day and time."))
        return moment


def known(request: HttpRequest, pump_id: int) -> HttpResponse:
    """The form, and the forecast of the moment asked for, in the address or sent."""
    pumps = Pump.objects.visible_to(user_of(request)).select_related(
        "clinic", "model", "patient", "forecast__prior_version"
    )
    pump = get_object_or_404(pumps, pk=pump_id)
    require(request, Permission.SEE_CLINICAL, pump.clinic_id)
    now = timezone.now()
    sent = request.POST if request.method == "POST" else request.GET if "known_at" in request.GET else None
    form = KnownForm(sent, pump=pump, now=now, initial={"known_at": now})
    context = {"pump": pump, "patient": pump.patient, "clinic": pump.clinic, "form": form}
    if form.is_valid():
        context |= _stood(pump, form.cleaned_data["known_at"], now)
    return render(request, "pumps/known.html", context)


def _stood(pump: Pump, known_at: datetime, now: datetime) -> dict[str, Any]:
    found = snapshot(pump, at=known_at, now=now, known_at=known_at)
    events = Event.objects.standing(known_at=known_at).filter(pump=pump).newest_first()
    return {
        "found": found,
        "dates": [(name, found.dates[field]) for name, field in NAMES],
        "because": BECAUSE_WORDS.get(found.limiting_factor, ""),
        "unknown": UNKNOWN_WORDS.get(found.unknown_reason, ""),
        "findings": [{**finding, "word": SEVERITY_WORDS[finding["severity"]]} for finding in found.findings],
        "entries": [entry_of(event) for event in events.select_related("pump__clinic", "recorded_by")],
    }
