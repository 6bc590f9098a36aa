import re
from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from clinics.models import Clinic, User
from clinics.roles import Role
from patients.models import Patient, SearchWord
from pumps.models import Pump
from pumps.queries import patients_matching
from tests.builders import a_clinic, a_patient, a_pump, a_user

pytestmark = pytest.mark.django_db
MANY = 20_000


@pytest.fixture
def clinic() -> Clinic:
    return a_clinic()


@pytest.fixture
def nurse(clinic: Clinic) -> User:
    return a_user(Role.NURSE, clinic)


def found(text: str, user: User) -> set[int]:
    return set(patients_matching(Pump.objects.all(), text, user).values_list("pk", flat=True))


def words(patient: Patient) -> list[str]:
    return sorted(SearchWord.objects.filter(patient=patient).values_list("word", flat=True))


def test_words_are_those_of_name_mrn_and_phone(clinic: Clinic) -> None:
    patient = a_patient(clinic, given_name="Zoë", family_name="O'Hara-Lind", mrn="A-12_b", phone="+1 555 0199")
    assert words(patient) == ["0199", "1", "12", "15550199", "555", "<99105551", "a", "b", "hara", "lind", "o", "zoe"]


def test_words_follow_a_change_and_nothing_else_is_written(clinic: Clinic) -> None:
    changed, other = a_patient(clinic, mrn="A1", family_name="Lind"), a_patient(clinic, mrn="A2", family_name="Berg")
    Patient.objects.filter(pk=changed.pk).update(family_name="Ek", mrn="B7")
    assert words(changed) == ["ada", "b7", "ek"]
    assert words(other) == ["a2", "ada", "berg"]
    Patient.objects.bulk_update([Patient(pk=each.pk, phone="555") for each in (changed, other)], ["phone"])
    assert words(changed) == ["555", "<555", "ada", "b7", "ek"]
    assert words(other) == ["555", "<555", "a2", "ada", "berg"]


def test_a_change_of_other_fields_leaves_the_words_as_they_are(clinic: Clinic) -> None:
    patient = a_patient(clinic)
    before = _places(patient)
    Patient.objects.filter(pk=patient.pk).update(language="de", email="ada@example.org")
    assert _places(patient) == before


def _places(patient: Patient) -> list[tuple[str, str]]:
    """Where the rows lie: one that is written anew lies elsewhere."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT word, ctid::text FROM patients_searchword WHERE patient_id = %s", [patient.pk])
        return sorted(cursor.fetchall())


def test_words_of_many_entered_at_once_and_of_those_deleted(clinic: Clinic, nurse: User) -> None:
    born = date(1980, 1, 1)
    made = Patient.objects.bulk_create(
        Patient(clinic=clinic, mrn=f"B{number}", given_name="Ines", family_name="Vale", date_of_birth=born)
        for number in range(3)
    )
    assert found("ines b2", nurse) == {made[2].pk}
    Patient.objects.filter(mrn__in=["B0", "B1"]).delete()
    assert found("vale", nurse) == {made[2].pk}
    assert SearchWord.objects.count() == 3


def test_a_patient_who_changes_clinic_is_found_there_alone(clinic: Clinic, nurse: User) -> None:
    there = a_clinic()
    patient = a_patient(clinic, family_name="Lind")
    Patient.objects.filter(pk=patient.pk).update(clinic=there)
    assert found("lind", nurse) == set()
    assert found("lind", a_user(Role.NURSE, there)) == {patient.pk}


def test_a_user_finds_the_patients_of_their_clinics_alone(clinic: Clinic, nurse: User) -> None:
    second, strangers = a_clinic(), a_clinic()
    here, there, elsewhere = (
        a_patient(each, given_name="Ada", family_name="Lind") for each in (clinic, second, strangers)
    )
    of_two = a_user(Role.NURSE, clinic)
    of_two.memberships.create(clinic=second, role=Role.NURSE.value)
    for text in ("lin", "lind ada", here.mrn, there.mrn, elsewhere.mrn):
        mine = {each.pk for each in (here, there, elsewhere) if not text.startswith("M") or each.mrn == text}
        assert found(text, nurse) == mine & {here.pk}
        assert found(text, of_two) == mine & {here.pk, there.pk}
        assert found(text, a_user(Role.NURSE)) == mine
        assert found(text, a_user()) == set()


@pytest.mark.parametrize(
    "text",
    [
        "zo",
        "ZOË",
        "lind",
        "o'hara",
        "O\u2019Hara-Li",
        "hara-lind zoë",
        "zoë ohm",
        "A-12",
        "b",
        "155501",
        "555-01",
        "0199",
    ],
)
def test_every_word_of_the_text_begins_one_of_the_patient(clinic: Clinic, nurse: User, text: str) -> None:
    patient = a_patient(
        clinic, given_name="Zoë", family_name="O'Hara-Lind Ohm", mrn="A-12_b", phone="+1 (555) 01-99 / 0199"
    )
    a_patient(clinic, given_name="Olaf", family_name="Hansen", mrn="C9")
    assert found(text, nurse) == {patient.pk}


@pytest.mark.parametrize(
    "text", ["ara", "zoë hansen", "%", "_", "\\", "%lind", "l%d", "l_nd", "zo\\", "::*", "' or 1", ""]
)
def test_nothing_else_is_found(clinic: Clinic, nurse: User, text: str) -> None:
    a_patient(clinic, given_name="Zo", family_name="Hara", mrn="A1")
    a_patient(clinic, given_name="Olaf", family_name="Hansen", mrn="C9")
    expected = Patient.objects.filter(mrn="A1") if text == "zo\\" else Patient.objects.none()
    assert found(text, nurse) == {each.pk for each in expected}


def test_the_signs_of_a_pattern_mean_themselves(clinic: Clinic, nurse: User) -> None:
    """No stored word holds one; asked for directly, each is a character like any other."""
    patient = a_patient(clinic, mrn="A1")
    SearchWord.objects.create(patient=patient, clinic=clinic, word="x%y_z\\w")
    for beginning in ("x%", "x%y_z", "x%y_z\\"):
        assert SearchWord.objects.filter(word__startswith=beginning).count() == 1
    assert not SearchWord.objects.filter(word__startswith="x_y").exists()


def test_a_patient_counts_once_however_many_of_their_words_begin_so(clinic: Clinic, nurse: User) -> None:
    for _ in range(3):
        a_patient(clinic, given_name="Linda", family_name="Lind Lindberg")
    assert len(set(SearchWord.objects.patients("lin", nurse, most=3))) == 3
    assert len(set(SearchWord.objects.patients("lin lind", nurse, most=2))) == 2


def test_words_may_be_written_anywhere_in_the_alphabet(clinic: Clinic, nurse: User) -> None:
    last = a_patient(clinic, family_name="Żółć", mrn="\U0010ffff")
    assert found("żół", nurse) == {last.pk}


@pytest.fixture
def _large(clinic: Clinic) -> None:
    """So many patients of one family name, of whom one has a pump; another clinic has as many."""
    for each in (clinic, a_clinic()):
        with connection.cursor() as cursor:
            cursor.execute(
                """
                INSERT INTO patients_patient (clinic_id, mrn, given_name, family_name, date_of_birth, email, phone,
                    language, email_reminders, spasticity_origin, flags, allergies_status, allergies, status,
                    status_reason, created_at, phone_reminders)
                SELECT %s, 'M' || number, 'Name' || number %% 10, 'Smith', '1980-01-01', '', '', 'en', false, 'spinal',
                    '{}', 'not_asked', '', 'active', '', now(), false
                FROM generate_series(1, %s) AS number
                """,
                [each.pk, MANY],
            )
    a_pump(clinic, patient=Patient.objects.get(clinic=clinic, mrn="M77"))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE patients_patient, patients_searchword, pumps_pump")


@pytest.mark.usefixtures("_large")
@pytest.mark.parametrize("everywhere", [False, True])
def test_no_search_reads_a_large_table_from_end_to_end(nurse: User, everywhere: bool) -> None:
    user = a_user(Role.NURSE) if everywhere else nurse
    for text in ("smith", "s", "smith name7", "name7 smith", "smith m77", "m7 name7", "nobody", "SN"):
        with CaptureQueriesContext(connection) as queries:
            list(patients_matching(Pump.objects.all(), text, user).by_name()[:51])
            list(Pump.objects.matching(text, user).values_list("pk", flat=True))
        plans = {query["sql"]: _plan(query["sql"]) for query in queries.captured_queries}
        assert any("searchword" in plan for plan in plans.values())
        for sql, plan in plans.items():
            assert not re.search(r"Seq Scan on patients_", plan), f"{sql}\n{plan}"


def _plan(sql: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN " + sql)
        return "\n".join(line for (line,) in cursor.fetchall())


@pytest.mark.parametrize(
    "text",
    ["zoe", "ZOË", "lukasz", "Łuk", "strasse", "Straße", "ohara", "aerø", "aero", "gunes", "strasse-lukasz zoe"],
)
def test_accents_count_neither_in_the_search_nor_in_the_name(clinic: Clinic, nurse: User, text: str) -> None:
    patient = a_patient(clinic, given_name="Zoë Łukasz", family_name="Straße-Ærø OHara Güneş", mrn="A1")
    a_patient(clinic, given_name="Olaf", family_name="Hansen", mrn="C9")
    assert found(text, nurse) == {patient.pk}


@pytest.mark.parametrize(
    "text", ["0958", "60958", "79460958", "2079460958", "02079460958", "020 7946 0958", "442079460958", "0958 lind"]
)
def test_a_phone_number_is_found_by_its_last_digits(clinic: Clinic, nurse: User, text: str) -> None:
    patient = a_patient(clinic, family_name="Lind", phone="+44 20 7946 0958", mrn="A1")
    a_patient(clinic, family_name="Lind", phone="+44 20 7946 0959", mrn="A2")
    assert found(text, nurse) == {patient.pk}


@pytest.mark.parametrize("text", ["958", "0957", "7946095", "<8590", "2079460958 hansen"])
def test_fewer_digits_or_others_find_nobody(clinic: Clinic, nurse: User, text: str) -> None:
    a_patient(clinic, family_name="Lind", phone="+442079460958", mrn="A1")
    assert found(text, nurse) == set()


@pytest.mark.parametrize("text", ["ngp12", "NGP123456H", "lind ngp12", "ngp123 lind zoe", "A1 ngp", "ngp lin"])
def test_a_serial_number_beside_other_words_in_any_order(clinic: Clinic, nurse: User, text: str) -> None:
    patient = a_patient(clinic, given_name="Zoë", family_name="Lind", mrn="A1")
    a_pump(clinic, patient=patient, serial_number="NGP123456H")
    a_pump(clinic, patient=a_patient(clinic, family_name="Berg", mrn="A2"), serial_number="NGP999999H")
    a_pump(a_clinic(), serial_number="NGP123456H")
    assert patient.pk in found(text, nurse)
    assert found(text, nurse) <= ({patient.pk} if "ngp12" in text.lower() or " " in text else found("ngp", nurse))
    assert found("ngp12 berg", nurse) == set()
