import os
import stat
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pypdf import PdfReader
from pypdf.generic import Destination

from alerts.models import Alert, Notification
from alerts.services import delivery, lifecycle, rotas
from clinical.escalation import REFILL_LADDER
from clinics.models import Change, Clinic, User
from clinics.roles import Role
from clinics.services.tenants import go_live
from patients.models import Contact, Patient
from patients.services import change as change_patient
from pumps import printing, tasks
from pumps.call_list_pdf import as_pdf
from pumps.models import Forecast, Pump
from pumps.services import call_list_files, fleet
from pumps.services.call_lists import (
    BOUNCED,
    LOW,
    NO_ADDRESS,
    NO_CONSENT,
    NO_NUMBER,
    NOT_LEFT,
    OFF,
    PAST,
    STALLED,
    STOPPED,
    CallList,
    Line,
    call_list,
)
from pumps.services.to_call import to_call
from scheduling.models import Appointment
from scheduling.services import reminders
from tests.builders import NOW, PASSWORD, a_clinic, a_patient, a_pump, a_running_pump, a_user
from tests.scheduling.visits import a_visit

pytestmark = pytest.mark.django_db
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# Refill-by lies 78.1 days after the fill (tests/alerts/test_telling.py).
REFILL_BY_DAYS = 78.1
REACHED: dict[str, Any] = {"email": "ada@example.org", "email_reminders": True}


@pytest.fixture
def folder(settings: object, tmp_path: Path) -> Path:
    settings.CALL_LIST_DIR = tmp_path / "lists"  # type: ignore[attr-defined]  # pytest-django's settings
    return tmp_path / "lists"


def due_in(clinic: Clinic, days: float, patient: Patient | None = None, **fields: Any) -> Pump:
    patient = patient or a_patient(clinic, phone="+1 555 0101", **fields)
    return a_running_pump(clinic, filled_days_ago=REFILL_BY_DAYS - days, patient=patient)


def line_of(found: CallList, pump: Pump) -> Line:
    [line] = [line for line in found.lines if line.pump.pk == pump.pk]
    return line


def text_of(data: bytes) -> str:
    """All of the text, with the breaks that a narrow column makes taken out."""
    return " ".join(" ".join(page.extract_text() for page in PdfReader(BytesIO(data)).pages).split())


def test_on_it_is_who_is_due_soon_has_no_date_or_anything_open() -> None:
    clinic = a_clinic()
    soon, late, unknown = due_in(clinic, 20), due_in(clinic, 60), a_pump(clinic)
    a_running_pump(a_clinic(), filled_days_ago=80)
    within, beyond = due_in(clinic, 34.9), due_in(clinic, 35.2)
    found = call_list(clinic, NOW)
    assert [line.pump for line in found.lines] == [unknown, soon, within]
    assert found.beyond == 2
    assert found.next_beyond == Forecast.objects.get(pump=beyond).refill_by
    Alert.objects.create(
        clinic=clinic, patient=late.patient, pump=late, kind=Alert.Kind.PUMP_STALLED, tiers=[], opened_at=NOW
    )
    assert line_of(call_list(clinic, NOW), late).open == ["Motor stall without recovery"]


@pytest.mark.parametrize(
    ("fields", "is_live", "why"),
    [
        (REACHED, True, ""),
        (REACHED, False, OFF),
        ({**REACHED, "email": ""}, True, NO_ADDRESS),
        ({**REACHED, "email_reminders": False}, True, NO_CONSENT),
    ],
)
def test_who_cannot_be_reached_by_message_is_to_phone(fields: dict[str, Any], is_live: bool, why: str) -> None:
    clinic = a_clinic()
    if is_live:
        clinic = go_live(clinic=clinic, now=NOW)
    pump = due_in(clinic, 20, **fields)
    fleet.tick(NOW)
    line = line_of(call_list(clinic, NOW), pump)
    assert (line.why_phone, line.is_to_phone) == (why, bool(why))


def test_who_is_stopped_or_late_without_a_visit_is_to_phone_though_messages_reach_them() -> None:
    clinic = a_clinic(patient_messages_since=NOW)
    late, low, booked = (due_in(clinic, days, **REACHED) for days in (-1, -30, -1))
    stopped, stalled = due_in(clinic, 60, **REACHED), due_in(clinic, 60, **REACHED)
    a_visit(booked, NOW + HOUR, late_reason="abroad")
    fleet.tick(NOW)
    for pump, kind in ((stopped, Alert.Kind.PUMP_STOPPED), (stalled, Alert.Kind.PUMP_STALLED)):
        Alert.objects.create(clinic=clinic, patient=pump.patient, pump=pump, kind=kind, tiers=[], opened_at=NOW)
    found = call_list(clinic, NOW).to_phone
    expected = [(stopped, STOPPED), (stalled, STALLED), (low, LOW), (late, PAST)]
    assert sorted((line.pump.pk, line.why_phone) for line in found) == sorted((pump.pk, why) for pump, why in expected)
    assert {line.pump.pk for line in found[:2]} == {stopped.pk, stalled.pk}
    assert [line.pump for line in found[2:]] == [low, late]
    first = to_call([clinic], NOW, 20)
    assert [line.pump.pk for line in first.lines] == [line.pump.pk for line in found]
    with CaptureQueriesContext(connection) as queries:
        to_call([clinic], NOW, 20)
    Alert.objects.filter(kind=Alert.Kind.PUMP_STALLED).delete()
    with CaptureQueriesContext(connection) as fewer:
        to_call([clinic], NOW, 20)
    assert len(queries) == len(fewer)
    assert "PHONE the pump is stopped" in text_of(as_pdf(call_list(clinic, NOW), "a4"))


def test_after_a_bounce_a_patient_is_to_phone_until_a_later_message_arrives() -> None:
    clinic = a_clinic()
    clinic = go_live(clinic=clinic, now=NOW)
    pump = due_in(clinic, 20, **REACHED)
    fleet.tick(NOW)
    message = Notification.objects.get(recipient=f"patient:{pump.patient_id}")
    assert call_list(clinic, NOW).to_phone == []
    message.state = Notification.State.FAILED
    message.save()
    assert line_of(call_list(clinic, NOW), pump).why_phone == BOUNCED
    assert call_list(clinic, NOW).to_phone == [line_of(call_list(clinic, NOW), pump)]
    message.pk, message.repeat_number, message.state = None, 2, Notification.State.SENT
    message.save()
    assert call_list(clinic, NOW).to_phone == []


def test_who_ended_the_mails_is_told_from_who_never_wanted_any() -> None:
    clinic = a_clinic(patient_messages_since=NOW)
    fields = {**REACHED, "email_reminders": False, "unsubscribed_at": NOW - 3 * DAY}
    pump = due_in(clinic, 20, **fields)
    fleet.tick(NOW)
    assert line_of(call_list(clinic, NOW), pump).why_phone == "unsubscribed on Thu 19 Nov 2026"
    change_patient(patient=pump.patient, changes={"email_reminders": True}, now=NOW, by=a_user())
    change_patient(patient=pump.patient, changes={"email_reminders": False}, now=NOW, by=a_user())
    assert line_of(call_list(clinic, NOW), pump).why_phone == NO_CONSENT


def test_a_tier_that_texts_reaches_who_consents_to_texts() -> None:
    clinic = a_clinic(patient_messages_since=NOW)
    ladder = [replace(tier, channels=("sms",)) for tier in REFILL_LADDER]
    lifecycle.store_ladder(clinic=clinic, ladder=ladder, risk_days=7, now=NOW)
    texted, mailed = due_in(clinic, 20, phone_reminders=True), due_in(clinic, 20, **REACHED)
    silent = due_in(clinic, 20, a_patient(clinic))
    fleet.tick(NOW)
    found = call_list(clinic, NOW)
    assert [line_of(found, pump).why_phone for pump in (texted, mailed, silent)] == ["", NO_CONSENT, NO_NUMBER]


def test_a_visit_of_which_nobody_was_reminded_is_to_phone() -> None:
    clinic = a_clinic(patient_messages_since=NOW)
    early, soon, reached = due_in(clinic, 60), due_in(clinic, 60), due_in(clinic, 60, **REACHED)
    for pump, days in ((early, 9), (soon, 8), (reached, 8)):
        a_visit(pump, NOW + days * DAY, now=NOW)
    due = NOW + DAY + HOUR
    reminders.write_due(due)
    assert call_list(clinic, due).to_phone == []
    later = due + 2 * HOUR
    found = call_list(clinic, later)
    assert [(line.pump, line.why_phone) for line in found.to_phone] == [(soon, NO_ADDRESS), (reached, NOT_LEFT)]
    delivery.deliver_all(delivery.claim(due), clock=lambda: due)
    found = call_list(clinic, later)
    assert [line.pump for line in found.to_phone] == [soon]
    assert {line.pump for line in found.lines} == {soon, reached}
    assert "07:00: not reminded" in text_of(as_pdf(found, "a4"))
    Appointment.objects.filter(pump=soon).update(state="confirmed")
    assert call_list(clinic, later).to_phone == []


def test_a_tier_that_is_of_the_clinic_alone_sends_nobody_to_the_telephone_yet() -> None:
    clinic = a_clinic()
    early, due = due_in(clinic, 27), due_in(clinic, 20.9)
    fleet.tick(NOW)
    found = call_list(clinic, NOW)
    assert Alert.objects.get(pump=early).tier == "book"
    assert line_of(found, early).why_phone == OFF
    assert [line.pump for line in found.to_phone] == [due]


def test_a_visit_in_time_ends_the_asking_for_one_but_not_the_call_once_it_is_urgent() -> None:
    clinic = a_clinic()
    asked, urgent = due_in(clinic, 20), due_in(clinic, 5)
    for pump in (asked, urgent):
        Appointment.objects.create(clinic=clinic, patient=pump.patient, pump=pump, starts_at=NOW + DAY)
    fleet.tick(NOW)
    found = call_list(clinic, NOW)
    assert [line.pump for line in found.to_phone] == [urgent]
    assert line_of(found, asked).visit == NOW + DAY
    Appointment.objects.filter(pump=asked).update(starts_at=NOW + 30 * DAY)
    assert len(call_list(clinic, NOW).to_phone) == 2


def test_contacts_stand_beside_the_patient_and_who_of_them_is_told() -> None:
    clinic = a_clinic()
    clinic = go_live(clinic=clinic, now=NOW)
    pump = due_in(clinic, 20)
    for kind, name, fields in (
        ("caregiver", "Joan", {"email": "joan@example.org", "email_reminders": True}),
        ("care_home", "Elm House", {"phone": "+1 555 0199"}),
        ("caregiver", "Gone", {"phone": "1", "ended_at": NOW}),
    ):
        Contact.objects.create(patient=pump.patient, kind=kind, name=name, **fields)
    line = line_of(call_list(clinic, NOW), pump)
    assert {person.name for person in line.people} == {str(pump.patient), "Joan", "Elm House"}
    assert [person.name for person in line.told_instead] == ["Joan"]


def test_the_number_of_queries_does_not_depend_on_how_many_are_on_it() -> None:
    clinic = a_clinic()
    due_in(clinic, 20)
    fleet.tick(NOW)
    with CaptureQueriesContext(connection) as few:
        call_list(clinic, NOW)
    for _ in range(4):
        due_in(clinic, 5)
    fleet.tick(NOW)
    with CaptureQueriesContext(connection) as many:
        assert len(call_list(clinic, NOW).lines) == 5
    assert len(many) == len(few)


def on_call(clinic: Clinic, person: User, now: datetime = NOW) -> None:
    rotas.set_rota(
        clinic=clinic,
        starts_on=now.astimezone(clinic.zone).date(),
        weekday=0,
        hand_over_at=time(0),
        people=[person.pk],
        by=person,
        now=now,
    )


def test_the_paper_says_it_all_as_text_with_a_title_headings_and_a_language() -> None:
    clinic = a_clinic("Hôpital Łódź")
    nurse = a_user(Role.NURSE, clinic, "on.call@example.org")
    User.objects.filter(pk=nurse.pk).update(phone="+1 555 0177")
    on_call(clinic, nurse)
    patient = a_patient(clinic, given_name="Zoë", family_name="Şahin-Łukasz", phone="+1 555 0123", mrn="MRN-77")
    pump = due_in(clinic, -1, patient)
    Contact.objects.create(patient=patient, kind="care_home", name="Elm House", phone="+1 555 0199")
    Contact.objects.create(patient=patient, kind="caregiver", name="Ἀθηνᾶ", phone="+1 555 0198")
    fleet.tick(NOW)
    data = as_pdf(call_list(clinic, NOW), "a4")
    text = text_of(data)
    for said in (
        "Call list: Hôpital Łódź",
        "As of Sun 22 Nov 2026, 07:00 (America/New_York)",
        "on.call@example.org (+1 555 0177)",
        "To phone: 1",
        "Şahin-Łukasz, Zoë MRN-77",
        "+1 555 0123",
        "Care home Elm House: +1 555 0199",
        "Caregiver Ἀθηνᾶ: +1 555 0198",
        "Past refill-by",
        "Refill due",
        "PHONE",
        "Page 1 of",
    ):
        assert said in text, said
    line = line_of(call_list(clinic, NOW), pump)
    for moment in (line.refill_by, line.low_at, line.empty_at):
        assert moment is not None
        local = moment.astimezone(clinic.zone)
        assert f"{local:%a} {local.day} {local:%b %Y}" in text
    reader = PdfReader(BytesIO(data))
    assert reader.metadata is not None
    assert reader.metadata.title == "Call list of Hôpital Łódź, Sun 22 Nov 2026"
    assert str(reader.root_object["/Lang"]) == "en"
    assert [str(entry["/Title"])[:8] for entry in reader.outline if isinstance(entry, Destination)] == [
        "To phone",
        "Everybod",
    ]
    assert "/StructTreeRoot" in reader.root_object


@pytest.mark.parametrize(("paper", "size"), [("a4", (842, 595)), ("letter", (792, 612))])
def test_it_is_made_for_either_paper(paper: str, size: tuple[int, int]) -> None:
    clinic = a_clinic()
    box = PdfReader(BytesIO(as_pdf(call_list(clinic, NOW), paper))).pages[0].mediabox
    assert (round(box.width), round(box.height)) == size


def test_a_long_list_goes_over_pages_with_its_heading_on_each_and_loses_nobody() -> None:
    clinic = a_clinic()
    patients = [a_patient(clinic, phone=f"+1 555 {number:04}") for number in range(60)]
    for patient in patients:
        a_pump(patient=patient)
    data = as_pdf(call_list(clinic, NOW), "letter")
    pages = [page.extract_text() for page in PdfReader(BytesIO(data)).pages]
    assert len(pages) > 2
    assert all("Telephone" in page for page in pages[:-1])
    text = text_of(data)
    assert all(patient.phone in text and patient.mrn in text for patient in patients)


def test_without_our_font_it_is_written_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(printing, "_fonts", lambda: None)
    clinic = a_clinic()
    due_in(clinic, 5, a_patient(clinic, family_name="Łukasz", mrn="MRN-78", phone="+1 555 0124"))
    text = text_of(as_pdf(call_list(clinic, NOW), "a4"))
    assert "?ukasz" in text
    assert "+1 555 0124" in text


def morning(clinic: Clinic, days: int = 0, clock: time = time(6)) -> datetime:
    return datetime.combine((NOW + days * DAY).date(), clock, tzinfo=ZoneInfo(clinic.timezone)).astimezone(UTC)


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/London", "Australia/Sydney"])
def test_it_is_on_disk_from_six_on_of_every_day_for_this_account_alone(zone: str, folder: Path) -> None:
    clinic = a_clinic("Harbor Clinic", timezone=zone)
    due_in(clinic, 5)
    assert call_list_files.write_due(morning(clinic) - timedelta(minutes=1)) == []
    [path] = call_list_files.write_due(morning(clinic))
    assert path == folder / f"{clinic.pk}-harbor-clinic" / "call-list-2026-11-22.pdf"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert "+1 555 0101" in text_of(path.read_bytes())
    assert call_list_files.write_due(morning(clinic) + DAY / 2) == []


def test_a_missed_morning_is_made_good_and_a_renamed_clinic_keeps_its_folder(folder: Path) -> None:
    clinic = a_clinic("Harbor")
    [first] = call_list_files.write_due(morning(clinic, clock=time(6)))
    Clinic.objects.filter(pk=clinic.pk).update(name="Port")
    [second] = call_list_files.write_due(morning(clinic, days=3, clock=time(23, 59)))
    assert second.parent == first.parent
    assert second.name == "call-list-2026-11-25.pdf"


def test_the_last_fourteen_are_kept(folder: Path) -> None:
    clinic = a_clinic()
    for day in range(16):
        call_list_files.write_due(morning(clinic, days=day))
    [kept] = folder.iterdir()
    names = sorted(path.name for path in kept.iterdir())
    assert names == [f"call-list-{(NOW + day * DAY).date()}.pdf" for day in range(2, 16)]


def test_a_disk_that_fails_leaves_the_old_list_whole_and_no_rest(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clinic, other = a_clinic(), a_clinic()
    path = call_list_files.write(clinic, morning(clinic))
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError("no space left")

    due_in(clinic, 5)
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="no space"):
            call_list_files.write(clinic, morning(clinic))
        assert call_list_files.write_due(morning(other)) == []
    assert [each.read_bytes() for each in path.parent.iterdir()] == [before]
    assert len(call_list_files.write_due(morning(other))) == 1


def test_the_task_and_the_command_write_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clinic, other = a_clinic("Harbor"), a_clinic("Port")
    monkeypatch.setattr(timezone, "now", lambda: morning(clinic))
    tasks.write_call_lists()
    assert len(list(folder.glob("*/*.pdf"))) == 2
    said = StringIO()
    call_command("write_call_lists", clinic="Port", stdout=said)
    assert said.getvalue().strip() == str(call_list_files.path_of(other, NOW.date()))
    with pytest.raises(CommandError, match="There is no clinic 'Nowhere'"):
        call_command("write_call_lists", clinic="Nowhere")


def logged_in(user: User) -> Client:
    client = Client()
    assert client.login(username=user.email, password=PASSWORD)
    return client


def test_the_page_shows_the_queue_first_and_alone_if_asked() -> None:
    clinic, now = a_clinic(), timezone.now()
    scheduler = a_user(Role.SCHEDULER, clinic)
    to_phone = a_running_pump(clinic, filled_days_ago=75, now=now)
    other = a_pump(clinic, now=now)
    fleet.tick(now)
    client = logged_in(scheduler)
    url = f"/clinics/{clinic.pk}/call-list/"
    assert client.get("/call-list/").headers["Location"] == url
    page = client.get(url)
    assert "To phone: 1" in page.text
    assert other.patient.mrn in page.text
    alone = client.get(f"{url}?only=phone")
    assert to_phone.patient.mrn in alone.text
    assert other.patient.mrn not in alone.text


def test_the_download_is_kept_in_the_history_and_another_clinics_is_not_there() -> None:
    clinic = a_clinic()
    scheduler = a_user(Role.SCHEDULER, clinic)
    client = logged_in(scheduler)
    url = f"/clinics/{clinic.pk}/call-list/download/"
    answer = client.get(f"{url}?paper=a4")
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="call-list-')
    assert "Call list" in text_of(answer.content)
    noted = Change.objects.get(clinic=clinic)
    assert (noted.by, noted.summary) == (scheduler, "Call list downloaded (A4)")
    client.get(f"{url}?paper=parchment")
    assert Change.objects.filter(summary="Call list downloaded (Letter)").count() == 1
    stranger = logged_in(a_user(Role.ADMINISTRATOR, a_clinic()))
    for address in (url, f"/clinics/{clinic.pk}/call-list/"):
        assert stranger.get(address).status_code == 404
    assert Change.objects.filter(clinic=clinic).count() == 2
