"""What is said once something is stored: what it was, what moved because of it, and the way to take it back."""

from datetime import datetime

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _

from alerts.models import Alert
from clinics.words import day
from pumps.models import Event, Forecast, Pump
from pumps.pages import returning


def tell(
    request: HttpRequest, pump: Pump, said: str, before: Forecast, *, now: datetime, logged: Event | None = None
) -> None:
    """`before` is the forecast as it stood; `logged` is what was stored at `now`, None where nothing can be undone."""
    after = Forecast.objects.get(pump=pump)
    told = [said, _moved(pump, before.refill_by, after.refill_by)]
    alerts = Alert.objects.filter(pump=pump).order_by("pk")
    if logged is not None:
        told += returning.ended(logged)
        closed = alerts.filter(Q(closed_by_event=logged) | Q(closed_at=now))
        told += [_closed(alert) % {"what": alert.get_kind_display()} for alert in closed]
    reopened = alerts.filter(closed_at=None, steps__what="reopened", steps__at=now).distinct()
    told += [_("Reminder open again: %(what)s.") % {"what": alert.get_kind_display()} for alert in reopened]
    opened = alerts.filter(closed_at=None, opened_at=now)
    told += [
        _("Alert opened, and somebody is told: %(what)s.") % {"what": alert.get_kind_display()} for alert in opened
    ]
    messages.success(request, with_undo("\n".join(told), logged))


def _closed(alert: Alert) -> str:
    return _("Reminder closed: %(what)s.") if alert.kind == Alert.Kind.REFILL_DUE else _("Alert closed: %(what)s.")


def with_undo(said: str, logged: Event | None) -> str:
    """A message with the way to mark what was logged as entered in error, with all that was stored together with it."""
    if logged is None:
        return said
    address, words = reverse("void_event", args=[logged.pump_id, logged.pk]), _("Undo (entered in error)")
    if Event.objects.stored_with(logged).exists():
        address, words = f"{address}?all=1", _("Undo all of it (entered in error)")
    return format_html('{}\n<a href="{}">{}</a>', said, address, words)


def _moved(pump: Pump, before: datetime | None, after: datetime | None) -> str:
    zone = pump.clinic.zone
    old = day(before, zone) if before is not None else _("no date")
    new = day(after, zone) if after is not None else _("no date")
    if old == new:
        return _("Refill by stays %(day)s.") % {"day": new}
    if before is None:
        return _("Refill by is now %(day)s.") % {"day": new}
    return _("Refill by moved from %(old)s to %(new)s.") % {"old": old, "new": new}
