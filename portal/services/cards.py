"""Turning the page behind a patient's card on and off, and keeping when it was opened."""

import secrets
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from clinical.saying import say
from clinics.errors import Conflict, Impossible
from clinics.history import note, subject_of
from clinics.models import User
from patients.models import Patient
from patients.services import locked_for_change
from portal.models import CardLink, CardOpening

# One reader looks again and again: so long it is one opening.
ONE_OPENING = timedelta(minutes=1)
# In the history of changes, which people read, it stands at most so often.
ONE_NOTE = timedelta(hours=1)


def _new_nonce() -> str:
    return secrets.token_urlsafe(9)


def card_link_of(patient: Patient) -> CardLink | None:
    return CardLink.objects.select_related("turned_on_by").filter(patient=patient).first()


@transaction.atomic
def turn_on(*, patient: Patient, consent: str, by: User, now: datetime) -> CardLink:
    """Let whoever scans the patient's card see its page. Cards of before stay ended.

    Raises:
        Conflict: it is on already, or the patient is not in care here.
        Impossible: nothing is noted of the consent.
    """
    locked = locked_for_change(patient)
    if locked.status != Patient.Status.ACTIVE:
        raise Conflict(_("Only a patient in care has a card. Correct the status first."))
    if not consent.strip():
        raise Impossible({"consent": [_("Write who agreed, and how: without consent the page stays off.")]})
    link = CardLink.objects.filter(patient=locked).first() or CardLink(patient=locked)
    if link.pk is not None and link.is_on:
        raise Conflict(_("The page is on already."))
    link.nonce, link.consent = _new_nonce(), consent.strip()
    link.turned_on_at = link.renewed_at = now
    link.turned_on_by, link.turned_off_at = by, None
    link.save()
    note(
        clinic=locked.clinic,
        by=by,
        at=now,
        subject=subject_of(locked),
        summary=say("Page behind the emergency card turned on"),
        details={"consent": ["blank", link.consent]},
    )
    return link


def _locked_on(patient: Patient) -> CardLink:
    link = CardLink.objects.select_for_update(of=("self",)).select_related("patient__clinic").filter(patient=patient)
    found = link.first()
    if found is None or not found.is_on:
        raise Conflict(_("The page is off already."))
    return found


@transaction.atomic
def turn_off(*, patient: Patient, by: User, now: datetime) -> CardLink:
    """End the page and every link printed so far.

    Raises:
        Conflict: it is off.
    """
    link = _locked_on(patient)
    link.turned_off_at = now
    link.save(update_fields=["turned_off_at"])
    _noted(link, say("Page behind the emergency card turned off"), by, now)
    return link


@transaction.atomic
def renew(*, patient: Patient, by: User, now: datetime) -> CardLink:
    """A new link, for a new card: the links printed before end.

    Raises:
        Conflict: it is off.
    """
    link = _locked_on(patient)
    link.nonce, link.renewed_at = _new_nonce(), now
    link.save(update_fields=["nonce", "renewed_at"])
    _noted(link, say("Emergency card renewed: the links printed before have ended"), by, now)
    return link


def printed(*, patient: Patient, has_link: bool, by: User, now: datetime) -> None:
    """Keep who took a card."""
    with_link, without = say("Emergency card printed, with its link"), say("Emergency card printed, without a link")
    summary = with_link if has_link else without
    note(clinic=patient.clinic, by=by, at=now, subject=subject_of(patient), summary=summary)


def end_with_care(sender: Any, *, patient: Patient, by: User | None, now: datetime, **kwargs: Any) -> None:
    """Within the transaction in which care ends: the page ends for good. Should the patient come back, it is for staff
    to ask for consent again, and to turn on a new one.

    Heard when care begins again, too, so that no page comes back to life that was on before this was so.
    """
    link = CardLink.objects.select_for_update(of=("self",)).select_related("patient__clinic")
    found = link.filter(patient=patient, turned_off_at=None).first()
    if found is not None:
        found.turned_off_at = now
        found.save(update_fields=["turned_off_at"])
        _noted(found, say("Page behind the emergency card turned off, with the end of care"), by, now)


def _noted(link: CardLink, summary: str, by: User | None, now: datetime) -> None:
    note(clinic=link.patient.clinic, by=by, at=now, subject=subject_of(link.patient), summary=summary)


@transaction.atomic
def opened(*, link: CardLink, was_shown: bool, now: datetime) -> None:
    """Keep that the page was opened; several times within a minute are one, and the history says so once an hour."""
    last = link.openings.filter(was_shown=was_shown).first()
    if last is not None and last.at > now - ONE_OPENING:
        return
    CardOpening.objects.create(link=link, at=now, was_shown=was_shown)
    if was_shown and (last is None or last.at <= now - ONE_NOTE):
        patient = link.patient
        summary = say("Page behind the emergency card opened, without a log-in")
        note(clinic=patient.clinic, by=None, at=now, subject=subject_of(patient), summary=summary)
