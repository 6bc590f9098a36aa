"""Whether reminders leave, and how late: for administrators, from the engine's own pulse and the outbox."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from alerts.services import engine as pulse
from alerts.services.delays import delays
from clinics.models import Clinic, User
from clinics.pages import user_of
from clinics.roles import Permission
from pumps.pictures.axes import Time
from pumps.pictures.delays import delay_picture
from pumps.services.fleet import late_pumps

SHOWN = timedelta(days=7)


def engine(request: HttpRequest) -> HttpResponse:
    user, now = user_of(request), timezone.now()
    clinics = _administered(user)
    if not clinics:
        raise PermissionDenied(_("Your role does not include: administer."))
    state, zone = pulse.state(now=now, late_pumps=late_pumps(now)), _zone(clinics)
    found = delays([clinic.pk for clinic in clinics], since=now - SHOWN)
    context: dict[str, Any] = {
        "state": state,
        "late": _late(state),
        "parts": [(pulse.WORDS[part], at) for part, at in state.parts.items()],
        "silent": {silence["part"] for silence in state.silent},
        "zone": zone,
        "picture": delay_picture(found, _axis(now, zone), pulse.patience()) if found else None,
    }
    return render(request, "pumps/engine.html", context)


def _administered(user: User) -> list[Clinic]:
    visible = Clinic.objects.visible_to(user).order_by("name", "pk")
    return [clinic for clinic in visible if user.access.can(Permission.ADMINISTER, clinic.pk)]


def _zone(clinics: list[Clinic]) -> ZoneInfo:
    """That of the clinics where it is one, else UTC."""
    zones = {clinic.timezone for clinic in clinics}
    return clinics[0].zone if len(zones) == 1 else ZoneInfo("UTC")


def _axis(now: datetime, zone: ZoneInfo) -> Time:
    """Whole hours, the one that runs among them."""
    hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return Time(hour - SHOWN, hour + timedelta(hours=1), zone)


def _late(state: pulse.EngineState) -> list[str]:
    """What is due for too long, in words; only what there is."""
    counted = [
        (state.late_pumps, ngettext("%(n)s pump not looked at", "%(n)s pumps not looked at", state.late_pumps)),
        (state.late_alerts, ngettext("%(n)s alert not told", "%(n)s alerts not told", state.late_alerts)),
        (
            state.late_notifications,
            ngettext("%(n)s message not sent", "%(n)s messages not sent", state.late_notifications),
        ),
        (state.late_digests, ngettext("%(n)s digest not sent", "%(n)s digests not sent", state.late_digests)),
        (
            state.alerts_unheard,
            ngettext("%(n)s alert that reached nobody", "%(n)s alerts that reached nobody", state.alerts_unheard),
        ),
    ]
    return [words % {"n": count} for count, words in counted if count] or [_("nothing")]
