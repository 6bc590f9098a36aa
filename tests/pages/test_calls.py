"""What came of a telephone call is kept with one press, shown wherever the pump is to be called, and taken back."""

from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pypdf import PdfReader

from clinics.errors import Conflict
from clinics.models import Clinic, User
from clinics.roles import Role
from patients.models import Patient
from pumps.models import Pump
from pumps.services import fleet
from scheduling.models import Call
from scheduling.services import calls
from tests.builders import a_clinic, a_patient, a_running_pump, a_user
from tests.pages.conftest import logged_in

PART = {"HX-Request": "true"}


@pytest.fixture
def pump(clinic: Clinic) -> Pump:
    now = timezone.now()
    found = a_running_pump(
        clinic, filled_days_ago=80, now=now, patient=a_patient(clinic, family_name="Past", phone="+1 555 0100")
    )
    fleet.tick(now)
    return found


@pytest.fixture
def ann(clinic: Clinic) -> User:
    user = a_user(Role.SCHEDULER, clinic)
    user.name = "Ann Lee"
    user.save()
    return user


@pytest.fixture
def scheduler(ann: User) -> Client:
    return logged_in(ann)


def path_of(pump: Pump) -> str:
    return reverse("log_call", args=[pump.pk])


def list_of(pump: Pump) -> str:
    return reverse("clinic_call_list", args=[pump.clinic_id])


def send(client: Client, pump: Pump, outcome: str = "no_answer", **sent: Any) -> Any:
    return client.post(path_of(pump), {"outcome": outcome, "place": "phone", **sent}, headers=PART)


def test_one_press_keeps_the_call_and_the_row_says_so(scheduler: Client, ann: User, pump: Pump) -> None:
    assert "Nobody answered" in scheduler.get(list_of(pump)).text
    answer = send(scheduler, pump)
    call = Call.objects.get()
    assert (call.clinic, call.patient, call.pump, call.by) == (pump.clinic, pump.patient, pump, ann)
    said = f"Called {call.at.astimezone(pump.clinic.zone):%H:%M}, nobody answered · Ann Lee"
    assert f'data-said="{said}"' in answer.text
    assert "data-focus" in answer.text
    assert answer["HX-Trigger"] == f"called-{pump.pk}-all", "the other table of the page shows it too"
    beside = scheduler.get(path_of(pump), {"place": "all"}, headers=PART).text
    assert said in beside
    assert "data-focus" not in beside
    for page in (list_of(pump), reverse("worklist_now"), reverse("pump", args=[pump.pk])):
        assert said in scheduler.get(page).text, page


@pytest.mark.parametrize(
    ("outcome", "note", "said"),
    [
        ("left_message", "", "left a message · Ann Lee"),
        ("will_call_back", "on Tuesday", "will call back: on Tuesday · Ann Lee"),
        ("other", "wants the bus first", ": wants the bus first · Ann Lee"),
    ],
)
def test_something_else_may_come_of_it(scheduler: Client, pump: Pump, outcome: str, note: str, said: str) -> None:
    assert said in send(scheduler, pump, outcome, note=note).text
    assert (Call.objects.get().outcome, Call.objects.get().note) == (outcome, note)


@pytest.mark.parametrize("sent", [{"outcome": ""}, {"outcome": "\x00"}, {"outcome": "other"}, {"note": "x" * 10_000}])
def test_rubbish_keeps_nothing_and_says_what_to_do(scheduler: Client, pump: Pump, sent: dict[str, str]) -> None:
    answer = send(scheduler, pump, **{"place": "\x00", **sent})
    assert "said-error" in answer.text
    assert not Call.objects.exists()
    assert scheduler.post(path_of(pump), {"outcome": "", **sent}, follow=True).status_code == 200


def test_a_quick_finger_called_once(scheduler: Client, pump: Pump) -> None:
    send(scheduler, pump)
    send(scheduler, pump)
    assert Call.objects.count() == 1
    send(scheduler, pump, "left_message")
    assert Call.objects.count() == 2


def test_undo_marks_it_as_entered_in_error_and_both_stay(scheduler: Client, ann: User, pump: Pump) -> None:
    send(scheduler, pump, "left_message")
    first = Call.objects.get()
    send(scheduler, pump)
    call = Call.objects.latest("pk")
    undo = reverse("call_error", args=[call.pk])
    assert undo in send(scheduler, pump).text
    answer = scheduler.post(undo, {"place": "phone"}, headers=PART)
    assert "marked as entered in error" in answer.text
    assert "visually-hidden" not in answer.text.partition("data-focus")[0], "the focus is seen"
    assert "left a message" in answer.text, "the call before it is the last one again"
    void = Call.objects.get(voids=call)
    assert (void.by, void.outcome) == (ann, "")
    assert Call.objects.last_of([pump.pk], since=call.at - timedelta(days=1)) == {pump.pk: first}
    assert "already marked" in scheduler.post(undo, headers=PART).text
    page = scheduler.get(reverse("visit", args=[pump.pk])).text
    assert "<s>Called" in page
    assert "marked by Ann Lee" in page
    assert "said-error" in scheduler.post(reverse("call_error", args=[void.pk]), headers=PART).text


def test_it_works_without_script(scheduler: Client, pump: Pump) -> None:
    for place, back in (
        ("phone", list_of(pump)),
        ("alone", f"{list_of(pump)}?only=phone"),
        ("now", reverse("worklist_now")),
        ("visit", reverse("visit", args=[pump.pk])),
        ("nowhere", reverse("pump", args=[pump.pk])),
    ):
        assert scheduler.post(path_of(pump), {"outcome": "no_answer", "place": place})["Location"] == back
    text = scheduler.get(list_of(pump)).text
    assert "Past: Called" in text
    undo = f"{reverse('call_error', args=[Call.objects.get().pk])}?place=phone"
    assert f'action="{undo}"' in text
    answer = scheduler.post(undo, follow=True)
    assert answer.redirect_chain[0][0] == list_of(pump)
    assert "marked as entered in error" in answer.text
    assert scheduler.get(path_of(pump))["Location"] == reverse("pump", args=[pump.pk])
    refused = scheduler.post(path_of(pump), {"outcome": "other", "place": "phone"}, follow=True)
    assert "Write what came of the call" in refused.text


def test_the_paper_says_who_called_when(scheduler: Client, pump: Pump) -> None:
    send(scheduler, pump)
    data = scheduler.get(reverse("download_call_list", args=[pump.clinic_id])).content
    text = " ".join("\n".join(page.extract_text() for page in PdfReader(BytesIO(data)).pages).split())
    local = Call.objects.get().at.astimezone(pump.clinic.zone)
    assert f"Called {local:%a} {local.day} {local:%b %Y, %H:%M}, nobody answered · Ann Lee" in text


def test_a_call_of_long_ago_was_about_another_refill(scheduler: Client, ann: User, pump: Pump) -> None:
    long_ago = timezone.now() - timedelta(days=31)
    calls.log(patient=pump.patient, pump_id=pump.pk, outcome="no_answer", note="", by=ann, now=long_ago)
    assert "· Ann Lee" not in scheduler.get(reverse("pump", args=[pump.pk])).text
    assert "nobody answered · Ann Lee" in scheduler.get(reverse("visit", args=[pump.pk])).text


def test_those_who_do_not_book_and_strangers(
    clinic: Clinic, scheduler: Client, nurse: Client, stranger: Client, pump: Pump
) -> None:
    send(scheduler, pump)
    undo = reverse("call_error", args=[Call.objects.get().pk])
    auditor = logged_in(a_user(Role.AUDITOR, clinic))
    for client, status in ((auditor, 403), (stranger, 404)):
        assert client.post(path_of(pump), {"outcome": "no_answer"}).status_code == status
        assert client.get(path_of(pump), headers=PART).status_code == status
        assert client.post(undo).status_code == status
    assert Call.objects.count() == 1
    text = auditor.get(list_of(pump)).text
    assert "nobody answered · Ann Lee" in text
    assert path_of(pump) not in text
    assert undo not in nurse.get(list_of(pump)).text, "a colleague marks it on the page of visits, not in passing"
    assert undo in nurse.get(reverse("visit", args=[pump.pk])).text


def test_a_record_that_has_gone_is_not_written_to(ann: User, pump: Pump) -> None:
    Patient.objects.filter(pk=pump.patient_id).update(status="transferred", status_on="2026-11-01")
    with pytest.raises(Conflict, match="transferred"):
        calls.log(
            patient=pump.patient, pump_id=pump.pk, outcome="no_answer", note="", by=ann, now=timezone.now()
        )  # fmt: skip


def test_the_database_keeps_what_was_kept(scheduler: Client, pump: Pump) -> None:
    send(scheduler, pump)
    for change in (lambda: Call.objects.update(note="x"), lambda: Call.objects.all().delete()):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            change()


def test_an_auditor_reads_of_it(clinic: Clinic, scheduler: Client, pump: Pump) -> None:
    send(scheduler, pump)
    a_clinic("Elsewhere")
    asked = {"clinic": str(clinic.pk), "kind": "change"}
    text = logged_in(a_user(Role.AUDITOR, clinic)).get(reverse("audit"), asked).text
    assert "Telephone call" in text
