"""What somebody types at a guided refill visit, kept until it is stored, thrown away, or too old.

A draft belongs to one person and is in no ledger. The highest `counter` counts, and `base` says which one a window is
built on: what was overtaken on its way, and a second window that is behind, change nothing.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from clinics.errors import Conflict, Impossible, Overtaken
from clinics.models import User
from pumps.models import Pump, VisitDraft

Values = Mapping[str, Sequence[str]]

# Far more than anybody types: a form of the page with all its rows.
MOST_NAMES, MOST_LETTERS, HIGHEST_COUNTER = 400, 20_000, 2_000_000_000


@transaction.atomic
def keep(
    *, pump: Pump, user: User, token: UUID, counter: int, values: Values, now: datetime, base: int | None = None
) -> VisitDraft:
    """Keep what was typed, as of `counter`, upon what was kept as of `base`; None for whatever is kept.

    Raises:
        Impossible: more than anybody types, or what no form sends.
        Conflict: the visit is stored already, or the token is of another visit.
        Overtaken: something newer is kept; it was typed in another window, or on another device.
    """
    _check(counter, values)
    mine = VisitDraft.objects.select_for_update().filter(pump=pump, user=user)
    mine.too_old(now).delete()
    if mine.filter(token=token, refill__isnull=False).exists():
        raise Conflict(_("This visit is stored already."))
    draft = mine.filter(refill=None).first()
    if draft is None:
        return _begun(pump, user, token, counter, values, now)
    if counter <= draft.counter or (base is not None and base != draft.counter):
        raise Overtaken(_("This visit was gone on with in another window, or on another device."))
    draft.token, draft.counter, draft.values, draft.saved_at = token, counter, dict(values), now
    try:
        with transaction.atomic():
            draft.save(update_fields=["token", "counter", "values", "saved_at"])
    except IntegrityError as error:
        raise Conflict(_("This page is of another visit. Open the visit again from the pump's page.")) from error
    return draft


def _begun(pump: Pump, user: User, token: UUID, counter: int, values: Values, now: datetime) -> VisitDraft:
    draft = VisitDraft(clinic=pump.clinic, pump=pump, user=user, token=token, begun_at=now, saved_at=now)
    draft.counter, draft.values = counter, dict(values)
    try:
        with transaction.atomic():
            draft.save(force_insert=True)
    except IntegrityError as error:
        raise Overtaken(_("Another window has begun this visit just now.")) from error
    return draft


def _check(counter: int, values: Values) -> None:
    letters = sum(len(value) for typed in values.values() for value in typed)
    is_rubbish = any("\x00" in value for typed in values.values() for value in typed) or any(
        "\x00" in n for n in values
    )
    if is_rubbish or len(values) > MOST_NAMES or letters > MOST_LETTERS or not 0 < counter <= HIGHEST_COUNTER:
        raise Impossible({"values": [_("This cannot be kept: it is too long, or not what the page sends.")]})


def throw_away(*, pump: Pump, user: User) -> bool:
    """Forget what the person has begun at a pump; whether there was anything."""
    deleted, _rows = VisitDraft.objects.filter(pump=pump, user=user, refill=None).delete()
    return deleted > 0


def purge(now: datetime) -> int:
    """Forget what is too old to be gone on with; returns how many."""
    deleted, _rows = VisitDraft.objects.too_old(now).delete()
    return deleted
