"""Crash injection: every piece of work on the alert path is cut between each two of its steps, and goes on after it.

Lost must be 0; a message comes twice only where the cut fell between its acceptance by the server and the commit.
"""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from django.core import mail
from django.db import transaction

from alerts.models import Alert, Notification
from alerts.services import delivery
from clinics.roles import Role
from pumps.models import Forecast, Pump
from pumps.services import devices, fleet
from tests.alerts.test_telling import a_due_pump
from tests.builders import NOW, a_clinic, a_refill, a_user
from tests.faults.stopping import Cut, stepping

pytestmark = pytest.mark.django_db
PUMPS = 2
LATER = NOW + delivery.LEASE + timedelta(seconds=1)


class Again(Exception):
    """Undoes a world, so that the next cut begins with the same."""


def deliver(now: datetime) -> None:
    while ids := delivery.claim(now):
        for pk in ids:
            delivery.deliver(pk, now=now)


def due_fleet() -> list[Pump]:
    clinic = a_clinic()
    a_user(Role.SCHEDULER, clinic, email="book@example.org")
    a_user(Role.NURSE, clinic, email="nurse@example.org")
    pumps = [a_due_pump(clinic, -1) for _ in range(PUMPS)]
    Alert.objects.all().delete()
    Forecast.objects.update(next_alert_at=NOW)
    return pumps


@dataclass(frozen=True)
class Count:
    """Of a piece of work cut before one step. `unnoted`: what the server had taken and no commit had noted by then."""

    step: str
    sent: int
    lost: int
    twice: int
    unnoted: int


def taken() -> Counter[str]:
    return Counter(message.extra_headers["Message-ID"] for message in mail.outbox)


def rows(**of: object) -> list[Notification]:
    mails = Notification.objects.filter(channel="email", alert__kind="refill_due", **of)
    return list(mails.select_related("alert", "user"))


def count(pumps: list[Pump], step: str, unnoted: int) -> Count:
    """Each pump's alert that stands has to reach two people, once."""
    arrived = taken()
    standing = Alert.objects.open().filter(pump__in=pumps, kind="refill_due").values_list("pump", flat=True)
    wanted = {(pump, who) for pump in standing for who in ("book@example.org", "nurse@example.org")}
    got = {
        (row.alert.pump_id, row.user.email)
        for row in rows()
        if row.alert is not None and row.user is not None and delivery.message_id(row) in arrived
    }
    assert len(rows()) == 2 * len(pumps)
    return Count(step, arrived.total(), len(wanted - got), arrived.total() - len(arrived), unnoted)


def cut_everywhere(
    monkeypatch: pytest.MonkeyPatch, pumps: list[Pump], work: Callable[[], object], now: datetime = LATER
) -> list[Count]:
    """Cut `work` at each of its steps in turn; each time let the engine run on from `now`, and count."""
    with suppress(Again), transaction.atomic():
        with stepping(monkeypatch, None) as whole:
            work()
        raise Again
    found = []
    for at in range(whole.done):
        mail.outbox.clear()
        with suppress(Again), transaction.atomic():
            with stepping(monkeypatch, at) as steps, pytest.raises(Cut):
                work()
            noted = {delivery.message_id(row) for row in rows(state="sent")}
            unnoted = len(set(taken()) - noted)
            fleet.tick(now)
            deliver(now)
            found.append(count(pumps, steps.names[-1], unnoted))
            raise Again
    return found


def test_a_round_cut_between_any_two_steps_loses_nothing_and_repeats_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    pumps = due_fleet()
    found = cut_everywhere(monkeypatch, pumps, lambda: fleet.tick(NOW))
    assert len(found) > 20
    assert {(each.lost, each.twice, each.unnoted) for each in found} == {(0, 0, 0)}


def test_delivery_cut_anywhere_repeats_only_what_was_taken_and_not_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    pumps = due_fleet()
    fleet.tick(NOW)
    found = cut_everywhere(monkeypatch, pumps, lambda: deliver(NOW))
    assert {each.lost for each in found} == {0}
    assert [each for each in found if each.twice != each.unnoted] == []
    # There is such a moment for each message, and never for two at once.
    assert sum(each.step == "taken by the server" for each in found) == 2 * PUMPS
    assert {each.twice for each in found} == {0, 1}


# A cut leaves the cursor open that was reading, as a process does that is gone.
@pytest.mark.filterwarnings("ignore:.*ServerCursorMixin:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("what", ["refill", "explant"])
def test_what_makes_a_message_moot_counts_wholly_or_not_at_all(monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    """Cut in the middle of a refill or an explant, the message still goes; once it is stored, it does not."""
    user, pumps = a_user(), due_fleet()
    fleet.tick(NOW)

    def work() -> None:
        if what == "refill":
            a_refill(pumps[0], NOW, by=user)
        else:
            devices.correct(pump=Pump.objects.get(pk=pumps[0].pk), changes={"explanted_on": NOW.date()}, now=NOW)

    found = cut_everywhere(monkeypatch, pumps, work, NOW)
    assert len(found) > 5
    assert {(each.lost, each.twice) for each in found} == {(0, 0)}
    # All of these cuts fell before the commit, but for those in what is read after it.
    assert sum(each.sent == 2 * PUMPS for each in found) > 5
    assert {each.sent for each in found} <= {2 * PUMPS, 2 * (PUMPS - 1)}
    mail.outbox.clear()
    work()
    deliver(NOW)
    assert len(mail.outbox) == 2 * (PUMPS - 1)
