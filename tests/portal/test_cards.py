"""The emergency card: on paper, and the page behind its code, which staff turn on, renew and end."""

import io
import re
from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import pytest
import qrcode
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation
from pypdf import PdfReader

from clinical.symptoms import OVERDOSE, WITHDRAWAL
from clinics.errors import Conflict, Impossible
from clinics.models import Change, User
from clinics.roles import Role
from patients.models import Patient
from portal.card_links import address_of, followed, token_of
from portal.emergency_card import SHORT, card_of
from portal.emergency_card_pdf import SIZES_PT, as_pdf
from portal.models import CardLink, CardOpening
from portal.services import cards
from pumps.models import Forecast, Pump
from pumps.services import care, transfers
from tests.builders import a_clinic, a_dose, a_patient, a_refill, a_running_pump, a_user

pytestmark = pytest.mark.django_db
CONSENT = "Ada herself, in writing"


@pytest.fixture
def pump() -> Pump:
    clinic = a_clinic("Harbor", phone="+1 555 0100")
    patient = a_patient(clinic, family_name="Rossi")
    return a_running_pump(clinic, patient=patient, now=timezone.now(), serial_number="SN-CARD-1")


@pytest.fixture
def nurse(pump: Pump) -> User:
    return a_user(Role.NURSE, pump.clinic)


def turned_on(pump: Pump, by: User) -> CardLink:
    return cards.turn_on(patient=pump.patient, consent=CONSENT, by=by, now=timezone.now())


def in_browser(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="clinics.backends.EmailBackend")
    return client


def path_of(link: CardLink) -> str:
    return urlsplit(address_of(link)).path


def sheet(pump: Pump, *, address: str | None = None, language: str = "en", paper: str = "a4") -> PdfReader:
    card = card_of(pump.patient, timezone.now())
    assert card is not None
    with translation.override(language):
        return PdfReader(io.BytesIO(as_pdf(card, paper, address)))


def text_of(reader: PdfReader) -> str:
    return " ".join(" ".join(page.extract_text() for page in reader.pages).split())


def smallest(reader: PdfReader) -> float:
    sizes: list[float] = []

    def see(text: str, cm: Any, tm: Any, font: Any, size: float) -> None:
        if text.strip():
            sizes.append(size)

    reader.pages[0].extract_text(visitor_text=see)
    return min(sizes)


# --- on paper -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("paper", ["a4", "letter"])
@pytest.mark.parametrize("language", ["en", "es"])
def test_a_card_says_all_that_matters_on_one_page(pump: Pump, paper: str, language: str) -> None:
    reader = sheet(pump, language=language, paper=paper, address="https://brim.example.org/c/" + "x" * 60)
    text = text_of(reader)
    assert len(reader.pages) == 1
    for said in ("Ada Rossi", "SN-CARD-1", "500 mcg/mL", "200 mcg", "8.33 mcg", "+1 555 0100", "911"):
        assert said in text, said
    assert "MRI" in text or "RM" in text, "the least important part of the back is there too"
    assert smallest(reader) >= SIZES_PT[-1] - 0.01
    assert root_of(reader)["/Lang"] == language
    assert all("/FontFile2" in font["/FontDescriptor"] for font in fonts(reader))


def root_of(reader: PdfReader) -> Any:
    return reader.trailer["/Root"]


def fonts(reader: PdfReader) -> list[Any]:
    resources: Any = reader.pages[0]["/Resources"]
    return [font.get_object()["/DescendantFonts"][0].get_object() for font in resources["/Font"].values()]


def test_a_long_name_and_model_still_fit(pump: Pump) -> None:
    Patient.objects.filter(pk=pump.patient_id).update(
        given_name="Maximiliana " * 6, family_name="Featherstonehaugh" * 4
    )
    pump.clinic.name = "Department of Physical Medicine and Rehabilitation of the University Hospital " * 2
    pump.clinic.save()
    pump.patient.refresh_from_db()
    text = text_of(sheet(pump, address="https://brim.example.org/c/" + "x" * 60))
    assert "911" in text
    assert "Printed" in text


def test_the_code_holds_the_address_and_is_described(pump: Pump, nurse: User) -> None:
    address = address_of(turned_on(pump, nurse))
    reader = sheet(pump, address=address)
    [picture] = reader.pages[0].images
    image = picture.image
    assert image is not None
    made = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_M, border=4, box_size=8)
    made.add_data(address)
    made.make(fit=True)
    wanted = made.get_matrix()
    grey: Any = image.convert("L")
    found = [[grey.getpixel((8 * x + 4, 8 * y + 4)) < 128 for x in range(len(wanted))] for y in range(len(wanted))]
    assert found == wanted
    assert 21 / len(wanted) >= 0.4, "a phone reads squares of 0.4 mm"
    assert "/StructTreeRoot" in root_of(reader)


def test_without_the_page_there_is_no_code(pump: Pump) -> None:
    assert list(sheet(pump).pages[0].images) == []


def test_every_sign_of_the_rules_is_on_the_card() -> None:
    assert {each.code for each in (*WITHDRAWAL, *OVERDOSE)} - {"unwell"} == set(SHORT)


def test_a_stopped_pump_says_so(pump: Pump) -> None:
    a_dose(pump, timezone.now() - timedelta(hours=1), now=timezone.now(), mode="stopped", daily_dose_mcg=Decimal(0))
    pump.refresh_from_db()
    assert "no drug is flowing" in text_of(sheet(pump))


def test_without_a_pump_in_use_there_is_no_card(pump: Pump) -> None:
    assert card_of(a_patient(pump.clinic), timezone.now()) is None


def test_a_card_says_what_is_in_the_pump_and_what_the_patient_gets(pump: Pump) -> None:
    now = timezone.now()
    a_refill(
        pump,
        now,
        now=now,
        concentration_mcg_per_ml=Decimal(2000),
        programmed_concentration_mcg_per_ml=Decimal(500),
    )
    text = text_of(sheet(pump))
    assert "2000 mcg/mL (the pump is programmed for 500 mcg/mL)" in text
    assert "800 mcg per day" in text


def test_a_card_says_that_the_motor_stalled(pump: Pump) -> None:
    Forecast.objects.filter(pump=pump).update(stalled_at=timezone.now())
    assert "stalled" in text_of(sheet(pump))


# --- staff ----------------------------------------------------------------------------------------------------------


def test_the_page_is_off_until_consent_is_noted(pump: Pump, nurse: User) -> None:
    client, path = in_browser(nurse), reverse("emergency_card", args=[pump.patient_id])
    assert "Off" in client.get(path).text
    assert client.post(path, {"consent": " "}).context["form"].errors["consent"]
    assert not CardLink.objects.exists()
    page = client.post(path, {"consent": CONSENT}, follow=True)
    link = CardLink.objects.get()
    assert address_of(link) in page.text
    assert CONSENT in page.text
    assert Change.objects.filter(subject=f"patient:{pump.patient_id}", summary__contains="turned on").count() == 1


def test_refusals_of_the_service(pump: Pump, nurse: User) -> None:
    now = timezone.now()
    with pytest.raises(Impossible):
        cards.turn_on(patient=pump.patient, consent="  ", by=nurse, now=now)
    with pytest.raises(Conflict):
        cards.renew(patient=pump.patient, by=nurse, now=now)
    turned_on(pump, nurse)
    with pytest.raises(Conflict):
        turned_on(pump, nurse)
    cards.turn_off(patient=pump.patient, by=nurse, now=now)
    with pytest.raises(Conflict):
        cards.turn_off(patient=pump.patient, by=nurse, now=now)


def test_a_card_is_printed_and_the_history_says_by_whom(pump: Pump, nurse: User) -> None:
    answer = in_browser(nurse).get(reverse("print_card", args=[pump.patient_id]))
    assert answer["Content-Type"] == "application/pdf"
    assert "Ada Rossi" in text_of(PdfReader(io.BytesIO(answer.content)))
    change = Change.objects.get(summary__startswith="Emergency card printed")
    assert (change.by, change.summary) == (nurse, "Emergency card printed, without a link")


def test_who_does_not_see_clinical_data_prints_no_card(pump: Pump) -> None:
    client = in_browser(a_user(Role.SCHEDULER, pump.clinic))
    for name in ("emergency_card", "print_card"):
        assert client.get(reverse(name, args=[pump.patient_id])).status_code == 403
    auditor = in_browser(a_user(Role.AUDITOR, pump.clinic))
    assert auditor.get(reverse("emergency_card", args=[pump.patient_id])).status_code == 200
    assert auditor.post(reverse("emergency_card", args=[pump.patient_id]), {"consent": CONSENT}).status_code == 403
    assert auditor.post(reverse("end_card", args=[pump.patient_id])).status_code == 403


def test_another_clinics_card_does_not_exist(pump: Pump) -> None:
    stranger = in_browser(a_user(Role.ADMINISTRATOR, a_clinic()))
    for name in ("emergency_card", "print_card"):
        assert stranger.get(reverse(name, args=[pump.patient_id])).status_code == 404
    for name in ("renew_card", "end_card"):
        assert stranger.post(reverse(name, args=[pump.patient_id])).status_code == 404


# --- the page behind the code ---------------------------------------------------------------------------------------


def test_the_page_says_what_holds_today(client: Client, pump: Pump, nurse: User) -> None:
    path = path_of(turned_on(pump, nurse))
    assert "200 mcg per day" in client.get(path).text
    a_dose(pump, timezone.now() - timedelta(minutes=5), now=timezone.now(), daily_dose_mcg=Decimal("220.5"))
    page = client.get(path)
    assert "220.5 mcg per day (9.19 mcg per hour)" in page.text
    assert "+1 555 0100" in page.text
    assert "no-store" in page["Cache-Control"]
    assert "noindex" in page["X-Robots-Tag"]
    assert page["Referrer-Policy"] == "no-referrer"
    assert client.post(path).status_code == 405


def test_an_ended_or_renewed_card_says_so_and_nothing_of_the_patient(client: Client, pump: Pump, nurse: User) -> None:
    old = path_of(turned_on(pump, nurse))
    new = path_of(cards.renew(patient=pump.patient, by=nurse, now=timezone.now()))
    assert client.get(new).status_code == 200
    cards.turn_off(patient=pump.patient, by=nurse, now=timezone.now())
    again = path_of(turned_on(pump, nurse))
    for path in (old, new):
        page = client.get(path)
        assert page.status_code == 410
        assert "no longer valid" in page.text
        assert "+1 555 0100" in page.text
        assert not re.search("Rossi|Ada|SN-CARD|mcg", page.text)
    assert client.get(again).status_code == 200
    Patient.objects.filter(pk=pump.patient_id).update(status="deceased", status_on=timezone.now().date())
    assert client.get(again).status_code == 410


@pytest.mark.parametrize("status", ["deceased", "therapy_ended", "transferred"])
def test_a_page_ends_for_good_with_the_care(client: Client, pump: Pump, nurse: User, status: str) -> None:
    now = timezone.now()
    path = path_of(turned_on(pump, nurse))
    given: dict[str, Any] = {"patient": pump.patient, "on": now.date() - timedelta(days=1), "now": now, "by": nurse}
    care.change_status(**given, status="active", reason="looked at")
    assert client.get(path).status_code == 200, "care goes on"
    care.change_status(**given, status=status, reason="told by phone")
    link = CardLink.objects.get()
    assert link.turned_off_at == now
    changes = Change.objects.filter(subject=f"patient:{pump.patient_id}", summary__contains="with the end of care")
    assert changes.get().by == nurse
    care.change_status(**given, status="active", reason="a mistake")
    assert client.get(path).status_code == 410
    assert changes.count() == 1
    assert path_of(turned_on(pump, nurse)) != path


def test_a_page_that_was_on_while_care_had_ended_does_not_come_back(client: Client, pump: Pump, nurse: User) -> None:
    """As it stands in a database from before pages ended with the care."""
    path, now = path_of(turned_on(pump, nurse)), timezone.now()
    Patient.objects.filter(pk=pump.patient_id).update(status="deceased", status_on=now.date())
    on = now.date() - timedelta(days=1)
    care.change_status(patient=pump.patient, status="active", on=on, reason="a mistake", now=now, by=nurse)
    assert client.get(path).status_code == 410


def test_a_change_of_care_that_fails_leaves_the_page_on(client: Client, pump: Pump, nurse: User) -> None:
    path, now = path_of(turned_on(pump, nurse)), timezone.now()
    with pytest.raises(Impossible):
        care.change_status(patient=pump.patient, status="deceased", on=now.date(), reason=" ", now=now, by=nurse)
    assert client.get(path).status_code == 200


def test_a_page_ends_when_another_clinic_takes_the_patient_over(client: Client, pump: Pump, nurse: User) -> None:
    path, now = path_of(turned_on(pump, nurse)), timezone.now()
    offer = transfers.offer(patient=pump.patient, message="", by=nurse, now=now)
    transfers.accept(transfer=offer, clinic=a_clinic("Bay"), mrn="B1", by=nurse, now=now)
    assert client.get(path).status_code == 410
    assert not CardLink.objects.filter(turned_off_at=None).exists(), "the new clinic asks for consent of its own"


@pytest.mark.parametrize("token", ["x", "1.abc:def", "%00", "1", ":", "é"])
def test_a_link_nobody_made_is_404(client: Client, token: str) -> None:
    assert client.get(f"/c/{token}/").status_code == 404


def test_a_signed_link_cannot_be_changed(pump: Pump, nurse: User) -> None:
    token = token_of(turned_on(pump, nurse))
    assert followed(token) is not None
    assert followed("9" + token) is None


def test_each_opening_is_kept_once_a_minute(client: Client, pump: Pump, nurse: User) -> None:
    link = turned_on(pump, nurse)
    for _ in range(3):
        client.get(path_of(link))
    assert CardOpening.objects.filter(link=link, was_shown=True).count() == 1
    later = timezone.now() + timedelta(minutes=2)
    cards.opened(link=link, was_shown=True, now=later)
    assert CardOpening.objects.count() == 2
    noted = Change.objects.filter(subject=f"patient:{pump.patient_id}", summary__contains="opened, without a log-in")
    assert noted.count() == 1, "once an hour"
    cards.opened(link=link, was_shown=True, now=later + timedelta(hours=2))
    assert noted.count() == 2
    page = in_browser(nurse).get(reverse("emergency_card", args=[pump.patient_id]))
    assert "When it was opened" in page.text


def test_nobody_goes_through_links(client: Client, pump: Pump, nurse: User) -> None:
    path = path_of(turned_on(pump, nurse))
    statuses = [client.get("/c/guess/").status_code for _ in range(35)]
    assert statuses[:29] == [404] * 29
    assert statuses[-1] == 429
    refused = client.get(path)
    assert refused.status_code == 429
    assert "Rossi" not in refused.text


def test_the_page_speaks_the_readers_language(client: Client, pump: Pump, nurse: User) -> None:
    path = path_of(turned_on(pump, nurse))
    assert '<html lang="es"' in client.get(f"{path}?language=es").text
    assert '<html lang="en"' in client.get(f"{path}?language=xx").text
    Patient.objects.filter(pk=pump.patient_id).update(language="es")
    assert '<html lang="es"' in client.get(path).text
    assert translation.get_language() != "es"
