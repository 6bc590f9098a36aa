from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from alerts.models import OnCallRota, StandIn
from alerts.services import oncall, rotas
from clinics.errors import Conflict, Impossible
from clinics.models import AccountMail, Change, Clinic, User
from clinics.roles import Role
from tests.api.clients import client_of, results
from tests.builders import PASSWORD, a_clinic, a_user

pytestmark = pytest.mark.django_db
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
# A Sunday, 07:00 in New York.
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
MONDAY = date(2026, 11, 23)


def staff(clinic: Clinic, count: int = 3) -> list[User]:
    return [a_user(Role.NURSE, clinic) for _ in range(count)]


def a_rota(clinic: Clinic, people: Sequence[User], *, by: User | None = None, now: datetime = NOW) -> OnCallRota:
    """From today on, hand-over on Mondays at 08:00."""
    return rotas.set_rota(
        clinic=clinic,
        starts_on=now.astimezone(clinic.zone).date(),
        weekday=0,
        hand_over_at=time(8),
        people=[user.pk for user in people],
        by=by or a_user(Role.ADMINISTRATOR, clinic),
        now=now,
    )


def a_stand_in(clinic: Clinic, user: User, begins: datetime, ends: datetime, *, now: datetime = NOW) -> StandIn:
    by = a_user(Role.ADMINISTRATOR, clinic)
    return rotas.stand_in(
        clinic=clinic, user_id=user.pk, begins_at=begins, ends_at=ends, reason="holiday", by=by, now=now
    )


def at(clinic: Clinic, day: date, clock: time) -> datetime:
    return datetime.combine(day, clock, tzinfo=clinic.zone).astimezone(UTC)


def who(clinic: Clinic, now: datetime) -> int | None:
    return oncall.on_call([clinic.pk], now).get(clinic.pk)


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/London", "Australia/Sydney"])
def test_the_turn_changes_at_the_hand_over_on_the_clinics_wall(zone: str) -> None:
    clinic = a_clinic(timezone=zone)
    first, second, _ = people = staff(clinic)
    a_rota(clinic, people)
    change = at(clinic, MONDAY, time(8))
    assert [who(clinic, change - MINUTE), who(clinic, change)] == [first.pk, second.pk]


def test_each_clinic_has_its_own_and_the_number_of_queries_does_not_grow() -> None:
    clinics = [a_clinic() for _ in range(3)]
    people = [staff(clinic, 1)[0] for clinic in clinics]
    for clinic, person in zip(clinics[:2], people[:2], strict=True):
        a_rota(clinic, [person])
    with CaptureQueriesContext(
        connection,
    ) as one:
        oncall.on_call([clinics[0].pk], NOW + HOUR + DAY)
    with CaptureQueriesContext(connection) as all_of_them:
        found = oncall.on_call([clinic.pk for clinic in clinics], NOW + DAY + HOUR)
    assert found == {clinics[0].pk: people[0].pk, clinics[1].pk: people[1].pk}
    assert len(all_of_them) == len(one) == 4
    assert oncall.on_call([], NOW) == {}


def test_whoever_left_the_staff_is_not_on_call_and_nobody_is() -> None:
    clinic = a_clinic()
    first, second = staff(clinic, 2)
    a_rota(clinic, [first, second])
    now = NOW + 2 * HOUR
    assert who(clinic, now) == first.pk
    first.memberships.all().delete()
    assert who(clinic, now) is None
    [spell, following, *_] = oncall.schedule(clinic, now)
    assert (spell.user, spell.left, following.user) == (None, first, second)
    assert who(clinic, at(clinic, MONDAY, time(8))) == second.pk


def test_an_account_that_may_not_log_in_is_not_on_call() -> None:
    clinic = a_clinic()
    [person] = staff(clinic, 1)
    a_rota(clinic, [person])
    User.objects.filter(pk=person.pk).update(is_active=False)
    assert who(clinic, NOW + 2 * HOUR) is None


def test_a_member_of_all_clinics_can_be_on_call() -> None:
    clinic, person = a_clinic(), a_user(Role.PRESCRIBER)
    a_rota(clinic, [person])
    assert who(clinic, NOW + 2 * HOUR) == person.pk


def test_a_stand_in_holds_from_its_beginning_until_before_its_end() -> None:
    clinic = a_clinic()
    first, second, third = staff(clinic)
    a_rota(clinic, [first, second])
    begins, ends = NOW + 3 * HOUR, NOW + 9 * HOUR
    a_stand_in(clinic, third, begins, ends)
    moments = (begins - MINUTE, begins, ends - MINUTE, ends)
    assert [who(clinic, moment) for moment in moments] == [first.pk, third.pk, third.pk, first.pk]


@pytest.mark.parametrize(
    ("begins", "ends", "is_refused"), [(0, 3, False), (0, 3.01, True), (4, 5, True), (8.99, 12, True), (9, 12, False)]
)
def test_two_cannot_stand_in_at_once(begins: float, ends: float, is_refused: bool) -> None:
    clinic = a_clinic()
    first, second, _ = staff(clinic)
    a_stand_in(clinic, first, NOW + 3 * HOUR, NOW + 9 * HOUR)
    if is_refused:
        with pytest.raises(Conflict, match="stands in already from"):
            a_stand_in(clinic, second, NOW + begins * HOUR, NOW + ends * HOUR)
    else:
        a_stand_in(clinic, second, NOW + begins * HOUR, NOW + ends * HOUR)
    assert StandIn.objects.count() == (1 if is_refused else 2)


def test_an_ended_stand_in_holds_no_longer_and_frees_its_time() -> None:
    clinic = a_clinic()
    first, second, third = staff(clinic)
    a_rota(clinic, [first])
    one = a_stand_in(clinic, second, NOW + 3 * HOUR, NOW + 9 * HOUR)
    by = a_user(Role.ADMINISTRATOR, clinic)
    rotas.end_stand_in(stand_in_id=one.pk, by=by, now=NOW + 5 * HOUR)
    assert [who(clinic, NOW + 5 * HOUR - MINUTE), who(clinic, NOW + 5 * HOUR)] == [second.pk, first.pk]
    assert AccountMail.objects.filter(to=second.email, subject__contains="do not stand in").count() == 1
    a_stand_in(clinic, third, NOW + 5 * HOUR, NOW + 9 * HOUR, now=NOW + 5 * HOUR)
    with pytest.raises(Conflict, match="ended already"):
        rotas.end_stand_in(stand_in_id=one.pk, by=by, now=NOW + 6 * HOUR)


def test_one_called_off_before_it_begins_never_holds() -> None:
    clinic = a_clinic()
    first, second = staff(clinic, 2)
    a_rota(clinic, [first])
    one = a_stand_in(clinic, second, NOW + 3 * HOUR, NOW + 9 * HOUR)
    rotas.end_stand_in(stand_in_id=one.pk, by=a_user(), now=NOW + HOUR)
    assert who(clinic, NOW + 4 * HOUR) == first.pk


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"ends_at": NOW + 3 * HOUR}, "ends_at"),
        ({"begins_at": NOW - 2 * DAY, "ends_at": NOW - DAY}, "ends_at"),
        ({"ends_at": NOW + 100 * DAY}, "ends_at"),
        ({"reason": "  "}, "reason"),
    ],
)
def test_an_impossible_stand_in_is_refused_at_its_field(change: dict[str, object], field: str) -> None:
    clinic = a_clinic()
    [person] = staff(clinic, 1)
    values = {"begins_at": NOW + 3 * HOUR, "ends_at": NOW + 5 * HOUR, "reason": "a swap", **change}
    with pytest.raises(Impossible) as refused:
        rotas.stand_in(clinic=clinic, user_id=person.pk, by=a_user(), now=NOW, **values)  # type: ignore[arg-type]  # one value of several kinds
    assert list(refused.value.errors) == [field]
    assert not StandIn.objects.exists()


def test_nobody_from_outside_stands_in_or_takes_turns() -> None:
    clinic, outsider = a_clinic(), a_user(Role.NURSE, a_clinic())
    with pytest.raises(Impossible, match="not on the staff"):
        a_stand_in(clinic, outsider, NOW + HOUR, NOW + DAY)
    with pytest.raises(Impossible, match="not on the staff"):
        a_rota(clinic, [outsider])
    assert not OnCallRota.objects.exists()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"people": []}, "people"),
        ({"starts_on": date(2026, 11, 21)}, "starts_on"),
        ({"starts_on": date(2028, 1, 1)}, "starts_on"),
        ({"weekday": 7}, "weekday"),
    ],
)
def test_an_impossible_rota_is_refused_at_its_field(change: dict[str, object], field: str) -> None:
    clinic = a_clinic()
    [person] = staff(clinic, 1)
    values = {"starts_on": MONDAY, "weekday": 0, "hand_over_at": time(8), "people": [person.pk], **change}
    with pytest.raises(Impossible) as refused:
        rotas.set_rota(clinic=clinic, by=a_user(), now=NOW, **values)  # type: ignore[arg-type]  # one value of several kinds
    assert list(refused.value.errors) == [field]


def test_the_database_refuses_a_stand_in_that_ends_before_it_begins() -> None:
    clinic = a_clinic()
    [person] = staff(clinic, 1)
    with pytest.raises(IntegrityError), transaction.atomic():
        StandIn.objects.create(
            clinic=clinic, user=person, begins_at=NOW, ends_at=NOW, reason="x", made_by=person, made_at=NOW
        )


def test_who_is_on_call_hands_the_rest_of_the_turn_over_and_both_are_told() -> None:
    clinic = a_clinic()
    first, second, third = staff(clinic)
    a_rota(clinic, [first, second])
    now = NOW + 3 * HOUR
    rotas.hand_over(clinic=clinic, to_user_id=third.pk, reason="ill", by=first, now=now)
    end = at(clinic, MONDAY, time(8))
    assert [who(clinic, moment) for moment in (now - MINUTE, now, end - MINUTE, end)] == [
        first.pk,
        third.pk,
        third.pk,
        second.pk,
    ]
    assert set(AccountMail.objects.values_list("to", flat=True)) == {first.email, third.email}
    assert Change.objects.filter(clinic=clinic, summary__contains="Handed over by").count() == 1


def test_what_was_handed_over_can_be_handed_on() -> None:
    clinic = a_clinic()
    first, second, third = staff(clinic)
    a_rota(clinic, [first])
    rotas.hand_over(clinic=clinic, to_user_id=second.pk, reason="", by=first, now=NOW + 3 * HOUR)
    rotas.hand_over(clinic=clinic, to_user_id=third.pk, reason="", by=second, now=NOW + 5 * HOUR)
    moments = (NOW + 4 * HOUR, NOW + 5 * HOUR - MINUTE, NOW + 5 * HOUR, at(clinic, MONDAY, time(8)))
    assert [who(clinic, moment) for moment in moments] == [second.pk, second.pk, third.pk, first.pk]


def test_an_administrator_hands_over_for_somebody_and_nobody_else_may() -> None:
    clinic = a_clinic()
    first, second, third = staff(clinic)
    a_rota(clinic, [first])
    with pytest.raises(PermissionDenied):
        rotas.hand_over(clinic=clinic, to_user_id=third.pk, reason="", by=second, now=NOW + 3 * HOUR)
    assert who(clinic, NOW + 4 * HOUR) == first.pk
    administrator = a_user(Role.ADMINISTRATOR, clinic)
    rotas.hand_over(clinic=clinic, to_user_id=third.pk, reason="", by=administrator, now=NOW + 3 * HOUR)
    assert who(clinic, NOW + 4 * HOUR) == third.pk
    with pytest.raises(Impossible, match="on call already"):
        rotas.hand_over(clinic=clinic, to_user_id=third.pk, reason="", by=administrator, now=NOW + 4 * HOUR)


def test_with_nobody_on_call_there_is_nothing_to_hand_over() -> None:
    clinic = a_clinic()
    administrator = a_user(Role.ADMINISTRATOR, clinic)
    with pytest.raises(Conflict, match="Nobody is on call"):
        rotas.hand_over(clinic=clinic, to_user_id=administrator.pk, reason="", by=administrator, now=NOW)


def test_a_turn_is_a_week_on_the_wall_though_the_clocks_change() -> None:
    """The rota is of the wall: New York goes back on 1 November 2026."""
    clinic = a_clinic()
    first, second = staff(clinic, 2)
    a_rota(clinic, [first, second], now=datetime(2026, 10, 26, 16, tzinfo=UTC))
    change = datetime(2026, 11, 2, 8, tzinfo=ZoneInfo("America/New_York"))
    assert [who(clinic, change - MINUTE), who(clinic, change)] == [first.pk, second.pk]


def logged_in(user: User) -> Client:
    client = Client()
    assert client.login(username=user.email, password=PASSWORD)
    return client


def test_everybody_sees_the_page_and_administrators_change_it() -> None:
    clinic, now = a_clinic(), timezone.now()
    scheduler, administrator = a_user(Role.SCHEDULER, clinic), a_user(Role.ADMINISTRATOR, clinic)
    url = f"/clinics/{clinic.pk}/on-call/"
    assert "Nobody is on call now." in logged_in(scheduler).get(url).text
    assert logged_in(scheduler).get("/on-call/").headers["Location"] == url
    browser = logged_in(administrator)
    sent = {
        "starts_on": now.astimezone(clinic.zone).date().isoformat(),
        "weekday": "0",
        "hand_over_at": "00:00",
        "person_1": str(scheduler.pk),
        "person_3": str(administrator.pk),
    }
    assert browser.post(f"{url}rota/", sent).status_code == 302
    rota = OnCallRota.objects.get()
    assert (rota.people, rota.weekday, rota.hand_over_at) == ([scheduler.pk, administrator.pk], 0, time(0))
    assert f"{scheduler} is on call now" in browser.get(url).text
    assert logged_in(scheduler).post(f"{url}rota/", sent).status_code == 403
    answer = logged_in(scheduler).post(url, {"user": str(administrator.pk), "reason": "a swap"})
    assert answer.status_code == 302
    assert who(clinic, timezone.now()) == administrator.pk
    assert "no further" not in logged_in(scheduler).get(url).text
    page = browser.post(f"{url}rota/", {**sent, "person_1": "", "person_3": ""})
    assert "Choose at least one person." in page.text


def test_the_page_refuses_an_overlap_in_words_and_ends_a_stand_in() -> None:
    clinic, now = a_clinic(), timezone.now()
    administrator = a_user(Role.ADMINISTRATOR, clinic)
    one = a_stand_in(clinic, administrator, now + HOUR, now + 5 * HOUR, now=now)
    browser = logged_in(administrator)
    wall = [(now + hours * HOUR).astimezone(clinic.zone).strftime("%Y-%m-%dT%H:%M") for hours in (2, 3)]
    sent = {"user": administrator.pk, "begins_at": wall[0], "ends_at": wall[1], "reason": "swap"}
    url = f"/clinics/{clinic.pk}/on-call/stand-ins/"
    assert "stands in already" in browser.post(url, sent).text
    assert browser.post(f"{url}{one.pk}/end/").status_code == 302
    assert browser.post(url, sent).status_code == 302
    assert StandIn.objects.filter(ended_at=None).count() == 1


def test_the_api_reads_changes_and_hands_over() -> None:
    clinic, now = a_clinic(), timezone.now()
    nurse, administrator = a_user(Role.NURSE, clinic), a_user(Role.ADMINISTRATOR, clinic)
    ours, theirs = client_of(administrator), client_of(a_user(Role.ADMINISTRATOR, a_clinic()))
    url = f"/api/v1/clinics/{clinic.pk}/on-call/"
    rota = {
        "starts_on": now.astimezone(clinic.zone).date().isoformat(),
        "weekday": 0,
        "hand_over_at": "00:00",
        "people": [str(nurse.pk)],
    }
    assert client_of(nurse).put(f"{url}rota/", rota).status_code == 403
    assert theirs.put(f"{url}rota/", rota).status_code == 404
    assert ours.put(f"{url}rota/", rota).status_code == 200
    [row] = results(ours.get("/api/v1/on-call/"))
    assert row == {"clinic": str(clinic.pk), "user": str(nurse.pk), "name": str(nurse), "email": nurse.email}
    answer = client_of(nurse).post(f"{url}hand-over/", {"user": str(administrator.pk)})
    assert answer.status_code == 201, answer.content
    [first, *_] = ours.get(url).json()["spells"]
    assert (first["user"], first["is_stand_in"]) == (str(administrator.pk), True)
    body = {"user": str(nurse.pk), "begins_at": first["begins_at"], "ends_at": first["ends_at"], "reason": "swap"}
    assert ours.post(f"{url}stand-ins/", body).status_code == 409
    assert theirs.delete(f"{url}stand-ins/{answer.json()['id']}/").status_code == 404
    assert ours.delete(f"{url}stand-ins/{answer.json()['id']}/").status_code == 204
    assert ours.post(f"{url}stand-ins/", body).status_code == 201
    assert len(results(client_of(nurse).get(f"{url}stand-ins/"))) == 1
    assert theirs.get(url).status_code == 404
    assert results(theirs.get("/api/v1/on-call/"))[0]["user"] is None
