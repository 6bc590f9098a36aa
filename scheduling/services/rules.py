"""What a clinic sets about its visits, and the secret address of its calendar."""

import secrets
from dataclasses import asdict, dataclass
from datetime import datetime, time

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from clinical.saying import say
from clinics.errors import Impossible
from clinics.history import differences, kept, note, subject_of
from clinics.models import Clinic, User
from scheduling.models import VisitRules
from scheduling.services import visits
from scheduling.times import CHANNELS

SALT = "scheduling.feed"
MINUTES = (5, 480)
PLACES = (1, 100)
MISSED_HOURS = (1, 72)
REMINDER_DAYS = (1, 60)
MOST_REMINDERS = 5


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Settings to store, as of `VisitRules`."""

    opens_at: time
    closes_at: time
    minutes: int
    places: int
    reminder_days: list[int]
    reminder_channels: list[str]
    remind_from: time
    remind_until: time
    missed_after_hours: int | None


@transaction.atomic
def change(*, clinic: Clinic, wanted: Wanted, by: User, now: datetime) -> VisitRules:
    """Store a clinic's rules; its visits are reminded of and missed by them from now on.

    Raises:
        Impossible: a number outside its range, or hours that end before they begin; messages per field.
    """
    _check(wanted)
    rules = _locked(clinic)
    fields = asdict(wanted)
    fields["reminder_days"] = sorted(set(wanted.reminder_days), reverse=True)
    fields["reminder_channels"] = [way.value for way in CHANNELS if way in wanted.reminder_channels]
    before = kept(rules, fields)
    for field, value in fields.items():
        setattr(rules, field, value)
    details = differences(before, kept(rules, fields))
    if details:
        rules.save()
        visits.recompute_due(clinic, now=now)
        summary = say("Settings of visits changed")
        note(clinic=clinic, by=by, at=now, subject=subject_of(clinic), summary=summary, details=details)
    return rules


def _locked(clinic: Clinic) -> VisitRules:
    VisitRules.objects.get_or_create(clinic=clinic)
    return VisitRules.objects.select_for_update().get(clinic=clinic)


def _check(wanted: Wanted) -> None:
    errors: dict[str, list[str]] = {}
    if wanted.closes_at <= wanted.opens_at:
        errors["closes_at"] = [_("Close later than you open.")]
    if wanted.remind_until <= wanted.remind_from:
        errors["remind_until"] = [_("End later than you begin.")]
    for field, (lowest, highest) in (("minutes", MINUTES), ("places", PLACES), ("missed_after_hours", MISSED_HOURS)):
        value = getattr(wanted, field)
        if value is not None and not lowest <= value <= highest:
            errors[field] = [_("From %(lowest)s to %(highest)s.") % {"lowest": lowest, "highest": highest}]
    first, last = REMINDER_DAYS
    if len(set(wanted.reminder_days)) > MOST_REMINDERS:
        errors["reminder_days"] = [
            _("At most %(most_reminders)s reminders of a visit.") % {"most_reminders": MOST_REMINDERS}
        ]
    elif not all(first <= day <= last for day in wanted.reminder_days):
        errors["reminder_days"] = [_("Each from %(first)s to %(last)s days before.") % {"first": first, "last": last}]
    if not set(wanted.reminder_channels) <= set(CHANNELS):
        errors["reminder_channels"] = [_("Choose from %(value)s.") % {"value": ", ".join(CHANNELS)}]
    elif wanted.reminder_days and not wanted.reminder_channels:
        errors["reminder_channels"] = [_("Choose at least one, or leave the days before blank to remind nobody.")]
    if errors:
        raise Impossible(errors)


@transaction.atomic
def renew_feed(*, clinic: Clinic, by: User, now: datetime) -> VisitRules:
    """A new address for the clinic's calendar; the one before ends at once."""
    rules = _locked(clinic)
    rules.feed_nonce = secrets.token_urlsafe(9)
    rules.feed_key = rules.feed_key or secrets.token_hex(8)
    rules.save(update_fields=["feed_nonce", "feed_key"])
    summary = say("New address of the calendar of visits")
    note(clinic=clinic, by=by, at=now, subject=subject_of(clinic), summary=summary)
    return rules


@transaction.atomic
def end_feed(*, clinic: Clinic, by: User, now: datetime) -> None:
    """No calendar can be read any more."""
    rules = _locked(clinic)
    rules.feed_nonce = ""
    rules.save(update_fields=["feed_nonce"])
    summary = say("Calendar of visits switched off")
    note(clinic=clinic, by=by, at=now, subject=subject_of(clinic), summary=summary)


def feed_link(rules: VisitRules) -> str:
    """The secret address of a clinic's calendar; empty until there is one."""
    if not rules.feed_nonce:
        return ""
    token = signing.dumps([rules.clinic_id, rules.feed_nonce], salt=SALT)
    return settings.BASE_URL + reverse("calendar_feed", args=[token])


def behind(token: str) -> VisitRules | None:
    """Whose calendar an address is; None if it is wrong or has been renewed."""
    try:
        clinic_id, nonce = signing.loads(token, salt=SALT)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    rules = VisitRules.objects.select_related("clinic").filter(clinic=clinic_id).exclude(feed_nonce="").first()
    return rules if rules is not None and secrets.compare_digest(rules.feed_nonce, str(nonce)) else None
