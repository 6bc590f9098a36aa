"""What is typed at a visit: kept by its counter, its person's own, gone after half a day; and a visit stored once."""

from datetime import timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from clinics.errors import Conflict, Impossible, NeedsConfirmation, Overtaken
from clinics.models import Clinic, User
from clinics.roles import Role
from pumps.models import Pump, VisitDraft
from pumps.services import drafts, guided
from pumps.services.entries import DoseEntry, RefillEntry
from pumps.services.guided import Visit
from tests.builders import NOW, a_clinic, a_running_pump, a_user

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
VALUES = {"aspirated_ml": ["8"]}


@pytest.fixture
def clinic() -> Clinic:
    return a_clinic("Harbor")


@pytest.fixture
def pump(clinic: Clinic) -> Pump:
    return a_running_pump(clinic, filled_days_ago=80)


@pytest.fixture
def nurse(clinic: Clinic) -> User:
    return a_user(Role.NURSE, clinic)


def keep(
    pump: Pump, user: User, token: UUID, counter: int, value: str = "8", hours: int = 0, base: int | None = None
) -> VisitDraft:
    values, now = {"aspirated_ml": [value]}, NOW + hours * HOUR
    return drafts.keep(pump=pump, user=user, token=token, counter=counter, values=values, now=now, base=base)


def test_the_highest_counter_counts(pump: Pump, nurse: User) -> None:
    token = uuid4()
    keep(pump, nurse, token, 3, "7")
    keep(pump, nurse, token, 9, "8")
    with pytest.raises(Overtaken):
        keep(pump, nurse, token, 5, "9")
    assert VisitDraft.objects.get().values == {"aspirated_ml": ["8"]}


def test_a_second_window_that_is_behind_changes_nothing_and_goes_on_by_a_higher_counter(
    pump: Pump, nurse: User
) -> None:
    first, second = uuid4(), uuid4()
    keep(pump, nurse, first, 4)
    with pytest.raises(Overtaken):
        keep(pump, nurse, second, 4, "9")
    kept = keep(pump, nurse, second, 5, "9")
    assert (kept.token, kept.values) == (second, {"aspirated_ml": ["9"]})
    assert VisitDraft.objects.count() == 1


def test_a_window_that_is_built_on_something_older_changes_nothing(pump: Pump, nurse: User) -> None:
    token = uuid4()
    keep(pump, nurse, token, 5, base=0)
    with pytest.raises(Overtaken):
        keep(pump, nurse, token, 9, "9", base=4)
    with pytest.raises(Overtaken):
        keep(pump, nurse, uuid4(), 9, "9", base=0)
    assert VisitDraft.objects.get().values == {"aspirated_ml": ["8"]}
    assert keep(pump, nurse, token, 9, "9", base=5).values == {"aspirated_ml": ["9"]}


def test_a_token_of_another_pumps_visit_is_refused(pump: Pump, clinic: Clinic, nurse: User) -> None:
    token, other = uuid4(), a_running_pump(clinic, filled_days_ago=80)
    keep(other, nurse, token, 1)
    keep(pump, nurse, uuid4(), 1)
    with pytest.raises(Conflict, match="another visit"):
        keep(pump, nurse, token, 2, "9")
    assert VisitDraft.objects.get(pump=pump).values == {"aspirated_ml": ["8"]}


def test_a_draft_is_its_persons_own_and_ends_after_half_a_day(pump: Pump, clinic: Clinic, nurse: User) -> None:
    keep(pump, nurse, uuid4(), 1)
    colleague, stranger = a_user(Role.NURSE, clinic), a_user(Role.NURSE, a_clinic())
    assert VisitDraft.objects.of(nurse, pump, NOW) is not None
    assert VisitDraft.objects.of(colleague, pump, NOW) is None
    assert list(VisitDraft.objects.visible_to(stranger)) == []
    assert VisitDraft.objects.of(nurse, pump, NOW + 12 * HOUR) is None
    assert drafts.purge(NOW + 11 * HOUR) == 0
    assert drafts.purge(NOW + 12 * HOUR) == 1


def test_who_left_the_clinic_goes_on_with_nothing(pump: Pump, nurse: User) -> None:
    keep(pump, nurse, uuid4(), 1)
    nurse.memberships.all().delete()
    assert VisitDraft.objects.of(User.objects.get(pk=nurse.pk), pump, NOW) is None


def test_an_old_draft_makes_way(pump: Pump, nurse: User) -> None:
    keep(pump, nurse, uuid4(), 900)
    kept = keep(pump, nurse, uuid4(), 1, hours=13)
    assert (kept.counter, VisitDraft.objects.count()) == (1, 1)


@pytest.mark.parametrize(
    ("counter", "values"),
    [(0, VALUES), (-1, VALUES), (3_000_000_000, VALUES), (1, {"x": ["\x00"]}), (1, {"x": ["9" * 20_001]})],
)
def test_rubbish_is_not_kept(pump: Pump, nurse: User, counter: int, values: dict[str, list[str]]) -> None:
    with pytest.raises(Impossible):
        drafts.keep(pump=pump, user=nurse, token=uuid4(), counter=counter, values=values, now=NOW)
    assert not VisitDraft.objects.exists()


def test_a_token_of_somebody_else_is_refused(pump: Pump, clinic: Clinic, nurse: User) -> None:
    token, colleague = uuid4(), a_user(Role.NURSE, clinic)
    keep(pump, nurse, token, 1)
    with pytest.raises(Overtaken):
        keep(pump, colleague, token, 1)
    with pytest.raises(Conflict):
        store(pump, colleague, token)


def refill(aspirated: str = "8") -> RefillEntry:
    return RefillEntry(
        refilled_at=NOW,
        filled_ml=Decimal(40),
        concentration_mcg_per_ml=Decimal(500),
        aspirated_ml=Decimal(aspirated),
    )


def store(pump: Pump, user: User, token: UUID, visit: Visit | None = None, *confirmed: str) -> int:
    visit = visit or Visit(refill())
    return guided.store(pump_id=pump.pk, token=token, visit=visit, user=user, now=NOW, confirmed=confirmed).pk


def test_a_visit_is_stored_once_and_its_draft_is_done_with(pump: Pump, nurse: User) -> None:
    token = uuid4()
    keep(pump, nurse, token, 7)
    first = store(pump, nurse, token)
    assert store(pump, nurse, token) == first
    assert pump.events.filter(kind="refill").count() == 2
    kept = VisitDraft.objects.get()
    assert (kept.refill_id, kept.values) == (first, {})
    with pytest.raises(Conflict):
        keep(pump, nurse, token, 8)


def dose(mcg: str) -> DoseEntry:
    return DoseEntry(effective_at=NOW, mode="simple_continuous", daily_dose_mcg=Decimal(mcg))


def test_every_question_is_asked_at_once_and_nothing_is_stored_before(pump: Pump, nurse: User) -> None:
    visit = Visit(refill("0"), dose("4800"), checks={"fill": "odd"})
    with pytest.raises(NeedsConfirmation) as asked:
        store(pump, nurse, uuid4(), visit)
    codes = [doubt.code for doubt in asked.value.doubts]
    assert {"aspirated_nothing", "aspirated_unexpected", "fill_odd", "factor_24"} <= set(codes)
    assert pump.events.count() == 2
    store(pump, nurse, uuid4(), visit, *codes)
    assert list(pump.events.order_by("pk").values_list("kind", flat=True)[2:]) == ["refill", "dose_change"]


def test_a_dose_that_cannot_be_takes_the_refill_with_it(pump: Pump, nurse: User) -> None:
    impossible = DoseEntry(effective_at=NOW, mode="flex", daily_dose_mcg=Decimal(200))
    with pytest.raises(Impossible):
        store(pump, nurse, uuid4(), Visit(refill(), impossible))
    assert pump.events.count() == 2


def test_what_follows_counts_dose_and_refill_together(pump: Pump, nurse: User) -> None:
    read = Pump.objects.select_related("clinic", "model", "patient").get(pk=pump.pk)
    found = guided.consequence(read, Visit(refill(), dose("220")), now=NOW)
    assert (found.before.daily_dose_mcg, found.after.daily_dose_mcg) == (Decimal(200), Decimal(220))
    assert found.after.volume_ml == pytest.approx(40)
    store(pump, nurse, uuid4(), Visit(refill(), dose("220")), *(doubt.code for doubt in found.doubts))
    pump.forecast.refresh_from_db()
    assert pump.forecast.refill_by == found.after.forecast.refill_by
