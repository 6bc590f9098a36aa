"""Each bad row gives exactly its lines, and nothing is stored."""

# ruff: noqa: E501  the messages stand as a person reads them

from pathlib import Path

import pytest

from pumps.models import PumpModel
from tests.interop.folders import NOTHING, a_folder, problems_of, stored

pytestmark = pytest.mark.django_db


def refill(
    at: str = "2026-11-01T15:00:00Z",
    aspirated: str = "5",
    filled: str = "40",
    strength: str = "500",
    expires: str = "2027-12-31",
    stability: str = "",
) -> str:
    return f"S1,{at},{aspirated},{filled},{strength},Lioresal,L3,{expires},{stability}\n"


def dose(
    at: str = "2026-11-01T15:00:00Z",
    mode: str = "simple_continuous",
    mcg: str = "210",
    steps: str = "",
    boluses: str = "",
) -> str:
    return f"S1,{at},{mode},{mcg},{steps},{boluses},\n"


BAD = [
    # clinics
    ("clinics", "Elm,Mars/Olympus,us,\n", ["clinics.csv:3 timezone: 'Mars/Olympus' is not a timezone; use an IANA name such as Europe/London"]),
    ("clinics", ",Europe/London,fr,\n", ["clinics.csv:3 name: must not be blank", "clinics.csv:3 label_set: 'fr' is none of us, uk"]),
    ("clinics", "Oak,Europe/London,us,Oak Clinic\n", ["clinics.csv:3 timezone: line 2 has 'America/New_York' for the same clinic, this line has 'Europe/London'"]),
    ("clinics", "Elm\n", ["clinics.csv:3 row: has 1 values, but the header has 4 columns"]),
    # patients
    ("patients", "Elm,M2,Bo,Ek,1990-01-01,,,spinal,no\n", ["patients.csv:3 clinic: there is no clinic 'Elm', neither in clinics.csv nor stored"]),
    ("patients", "Oak,M2,Bo,Ek,2026-12-01,,,spinal,no\n", ["patients.csv:3 date_of_birth: lies in the future"]),
    ("patients", "Oak,M2,Bo,Ek,1990-02-30,,,spinal,no\n", ["patients.csv:3 date_of_birth: '1990-02-30' is not in the calendar"]),
    ("patients", "Oak,M2,Bo,Ek,01/02/1990,,,spinal,no\n", ["patients.csv:3 date_of_birth: '01/02/1990' is not a date; write YYYY-MM-DD"]),
    ("patients", "Oak,M2,Bo,Ek,0990-02-20,,,spinal,no\n", ["patients.csv:3 date_of_birth: '0990-02-20' is not between the years 1900 and 2100"]),
    ("patients", "Oak,M2,,Ek,1990-01-01,nobody,,brain,maybe\n", [
        "patients.csv:3 given_name: must not be blank",
        "patients.csv:3 email: 'nobody' is not an e-mail address",
        "patients.csv:3 email_reminders: 'maybe' is neither yes nor no",
        "patients.csv:3 spasticity_origin: 'brain' is none of spinal, cerebral",
    ]),
    ("patients", f"Oak,{'M' * 65},Bo,Ek,1990-01-01,,,spinal,no\n", ["patients.csv:3 mrn: has 65 characters; at most 64 fit"]),
    ("patients", f"Oak,M2,Bo,Ek,1990-01-01,{'a' * 60}@{'b' * 60}.{'c' * 60}.{'d' * 60}.{'e' * 20}.org,,spinal,no\n", ["patients.csv:3 email: has 268 characters; at most 254 fit"]),
    ("patients", "Oak,M1,Eva,Rossi,1980-05-17,ada@example.org,+15550001,spinal,no\n", [
        "patients.csv:3 given_name: line 2 has 'Ada' for the same clinic and mrn, this line has 'Eva'",
        "patients.csv:3 email_reminders: line 2 has yes for the same clinic and mrn, this line has no",
    ]),
    # pumps
    ("pumps", "S2,M9,Oak,synchromed-ii-40,2026-01-10,,,,,\n", ["pumps.csv:3 mrn: there is no patient 'M9' in Oak, neither in patients.csv nor stored"]),
    ("pumps", "S2,M1,Elm,synchromed-ii-40,2026-01-10,,,,,\n", ["pumps.csv:3 clinic: there is no clinic 'Elm', neither in clinics.csv nor stored"]),
    ("pumps", "S2,M1,Oak,Pumpomat,2026-01-10,,,,,\n", ["pumps.csv:3 model: there is no model 'Pumpomat' in the catalogue; write its name or slug, e.g. synchromed-ii-40"]),
    ("pumps", "S2,M1,Oak,synchromed-ii-40,1979-01-10,,,,,\n", ["pumps.csv:3 implanted_on: lies before the patient's birth on 1980-05-17"]),
    ("pumps", "S2,M1,Oak,synchromed-ii-40,2026-11-23,,,,,\n", ["pumps.csv:3 implanted_on: lies in the future; enter the pump once it is implanted"]),
    ("pumps", "S2,M1,Oak,synchromed-ii-40,2026-01-10,,,,,2026-01-09\n", ["pumps.csv:3 explanted_on: lies before the implant on 2026-01-10"]),
    ("pumps", "S2,M1,Oak,synchromed-ii-40,2026-01-10,,,,,2026-12-24\n", ["pumps.csv:3 explanted_on: lies in the future; enter it once the pump is out"]),
    ("pumps", "S2,M1,Oak,synchromed-ii-40,2026-01-10,-0.1,40,,0.5,\n", [
        "pumps.csv:3 catheter_volume_ml: cannot be negative",
        "pumps.csv:3 low_reservoir_alarm_ml: the reservoir holds 40 mL",
        "pumps.csv:3 factory_flow_ml_per_day: this model is programmable and has no factory flow; leave it blank",
    ]),
    ("pumps", "S2,M1,Oak,synchromed-ii-40,2026-01-10,,,100.01,,\n", ["pumps.csv:3 flow_accuracy_pct: '100.01' is too large; at most 100"]),
    ("pumps", "S2,M1,Oak,synchromed-ii-40,2026-01-10,,,-1,,\n", ["pumps.csv:3 flow_accuracy_pct: cannot be negative"]),
    ("pumps", "S2,M1,Oak,codman-3000-30,2026-01-10,,,,0,\n", ["pumps.csv:3 factory_flow_ml_per_day: must be above 0"]),
    # refills
    ("refills", refill(filled="40.5"), ["refills.csv:4 filled_ml: The reservoir holds 40 mL; 40.5 mL does not fit."]),
    ("refills", refill(aspirated="-1"), ["refills.csv:4 aspirated_ml: A volume cannot be negative."]),
    ("refills", refill(aspirated="41", strength="0"), [
        "refills.csv:4 aspirated_ml: The reservoir holds 40 mL; 41 mL does not fit.",
        "refills.csv:4 concentration_mcg_per_ml: A concentration must be above 0 mcg/mL.",
    ]),
    ("refills", refill(aspirated="4,1"), ["refills.csv:4 row: has 10 values, but the header has 9 columns"]),
    ("refills", refill(aspirated='"4,1"', filled="NaN", strength="5e2"), [
        "refills.csv:4 aspirated_ml: '4,1' is not a number; write it like 12.5",
        "refills.csv:4 filled_ml: 'NaN' is not a number; write it like 12.5",
        "refills.csv:4 concentration_mcg_per_ml: '5e2' is not a number; write it like 12.5",
    ]),
    ("refills", refill(aspirated="4.1234", strength="1000000"), [
        "refills.csv:4 aspirated_ml: '4.1234' has too many decimal places; at most 3",
        "refills.csv:4 concentration_mcg_per_ml: '1000000' is too large; it must be below 1000000",
    ]),
    ("refills", refill(filled="", stability="0"), [
        "refills.csv:4 filled_ml: must not be blank",
        "refills.csv:4 stability_days: '0' is not a number of days; write a whole number from 1 to 1000",
    ]),
    ("refills", refill(expires="1949-12-31", stability="1001"), [
        "refills.csv:4 drug_expires_on: '1949-12-31' is not between the years 1950 and 2200",
        "refills.csv:4 stability_days: '1001' is not a number of days; write a whole number from 1 to 1000",
    ]),
    ("refills", refill(stability="0000000015000"), ["refills.csv:4 stability_days: '0000000015000' is not a number of days; write a whole number from 1 to 1000"]),
    ("refills", refill(at="1949-12-31T15:00Z"), ["refills.csv:4 refilled_at: '1949-12-31T15:00Z' is not between the years 1950 and 2200"]),
    ("refills", refill(at="2026-01-09T15:00:00Z"), ["refills.csv:4 refilled_at: The pump was implanted on 2026-01-10; this is before."]),
    ("refills", refill(at="2026-11-22T12:06:00Z"), ["refills.csv:4 refilled_at: A refill cannot lie in the future; enter the time it was done."]),
    ("refills", refill(at="2026-11-01"), ["refills.csv:4 refilled_at: '2026-11-01' is not a time; write it like 2026-03-05T18:15:00Z or 2026-03-05T13:15"]),
    ("refills", refill(at="2026-11-01T25:00:00Z"), ["refills.csv:4 refilled_at: '2026-11-01T25:00:00Z' is not in the calendar or on the clock"]),
    ("refills", refill(at="2026-11-01T01:30"), ["refills.csv:4 refilled_at: 2026-11-01T01:30 in America/New_York is ambiguous: the clocks went back and it came twice; add the UTC offset, -04:00 or -05:00"]),
    ("refills", refill(at="2026-03-08 02:30"), ["refills.csv:4 refilled_at: 2026-03-08T02:30 in America/New_York is impossible: the clocks went forward over it; correct the time or add its UTC offset"]),
    ("refills", refill().replace("S1", "S9"), ["refills.csv:4 serial_number: there is no pump 'S9', neither in pumps.csv nor stored"]),
    ("refills", refill(filled="-3", strength="-1").replace("S1", "S9"), [
        "refills.csv:4 serial_number: there is no pump 'S9', neither in pumps.csv nor stored",
        "refills.csv:4 filled_ml: A volume cannot be negative.",
        "refills.csv:4 concentration_mcg_per_ml: A concentration must be above 0 mcg/mL.",
    ]),
    ("refills", "S1,2026-10-02T11:00:00-04:00,6.2,40.0,500,Lioresal,L2,2027-12-31,180\n", [
        "refills.csv:4 aspirated_ml: line 3 has 6.1 for the same pump and refilled_at, this line has 6.2",
    ]),
    # dose changes
    ("dose_changes", dose(mcg="0"), ["dose_changes.csv:3 daily_dose_mcg: must be above 0; choose mode stopped for a stopped pump"]),
    ("dose_changes", dose(mcg=""), ["dose_changes.csv:3 daily_dose_mcg: must not be blank, unless the mode is stopped"]),
    ("dose_changes", dose(mode="stopped", mcg="5"), ["dose_changes.csv:3 daily_dose_mcg: must be 0 or blank when the pump is stopped"]),
    ("dose_changes", dose(mode="fast"), ["dose_changes.csv:3 mode: 'fast' is none of simple_continuous, flex, periodic_bolus, minimum_rate, stopped"]),
    ("dose_changes", dose(at="2026-01-09T12:00:00Z"), ["dose_changes.csv:3 effective_at: The pump was implanted on 2026-01-10; this is before."]),
    ("dose_changes", dose(mode="flex"), ["dose_changes.csv:3 steps: mode flex needs at least one step"]),
    ("dose_changes", dose(mode="flex", steps="00:00=8.70"), ["dose_changes.csv:3 steps: the 24 hours add up to 208.8000 mcg, but daily_dose_mcg is 210; they must agree within 0.5 %"]),
    ("dose_changes", dose(mode="flex", steps="24:00=9", mcg="-1"), [
        "dose_changes.csv:3 steps: '24:00' is not a time; write HH:MM, 00:00 to 23:59",
        "dose_changes.csv:3 daily_dose_mcg: must be above 0; choose mode stopped for a stopped pump",
    ]),
    ("dose_changes", dose(mode="periodic_bolus", boluses="08:00"), ["dose_changes.csv:3 boluses: '08:00' is not HH:MM=amount"]),
    ("dose_changes", dose(mode="periodic_bolus", boluses="08:00=x"), ["dose_changes.csv:3 boluses: 'x' is not a number; write it like 12.5"]),
    ("dose_changes", dose(mode="flex", steps="00:00=5000000;00:01=0"), ["dose_changes.csv:3 steps: '5000000' is too large; it must be below 1000000"]),
    ("dose_changes", dose(mode="periodic_bolus", boluses="08:00=1.00001"), ["dose_changes.csv:3 boluses: '1.00001' has too many decimal places; at most 4"]),
    ("dose_changes", dose(mode="flex", steps=f"00:00={'9' * 50_000}"), [f"dose_changes.csv:3 steps: '{'9' * 60}...' is too large; it must be below 1000000"]),
    ("dose_changes", dose(mode="flex", steps=f"{'0' * 50_000}=1"), [f"dose_changes.csv:3 steps: '{'0' * 60}...' is not a time; write HH:MM, 00:00 to 23:59"]),
    ("dose_changes", dose(boluses="08:00=5"), ["dose_changes.csv:3 boluses: mode simple_continuous has none; choose mode periodic_bolus or flex"]),
]  # fmt: skip


@pytest.mark.parametrize(("file", "line", "expected"), BAD, ids=[f"{n}-{row[0]}" for n, row in enumerate(BAD)])
def test_a_bad_row_gives_exactly_its_lines(tmp_path: Path, file: str, line: str, expected: list[str]) -> None:
    assert problems_of(a_folder(tmp_path, **{file: line})) == expected
    assert stored() == NOTHING


def test_every_bad_row_is_reported_at_once_in_order(tmp_path: Path) -> None:
    folder = a_folder(
        tmp_path,
        dose_changes=dose(mcg="-1"),
        refills=refill(filled="50") + refill(at="2026-11-02T15:00:00Z", strength="x"),
        pumps="S2,M1,Oak,Pumpomat,2026-01-10,,,,,\n",
    )
    places = [
        problem.partition(":")[0] + problem[problem.index(":") :].split(" ")[0] for problem in problems_of(folder)
    ]
    assert places == ["pumps.csv:3", "refills.csv:4", "refills.csv:5", "dose_changes.csv:3"]


def test_a_row_with_line_breaks_in_it_is_named_by_its_first_line(tmp_path: Path) -> None:
    change = 'S1,2026-11-01T15:00:00Z,simple_continuous,210,,,"two\nlines"\n' + dose(mcg="-1")
    assert problems_of(a_folder(tmp_path, dose_changes=change))[0].startswith("dose_changes.csv:5 daily_dose_mcg:")


def test_one_mistake_in_a_pump_is_not_reported_by_its_refills_too(tmp_path: Path) -> None:
    folder = a_folder(
        tmp_path,
        pumps="S2,M1,Elm,synchromed-ii-40,2026-13-10,,,,,\n",
        refills=refill().replace("S1", "S2"),
    )
    assert [problem.split(":")[0] for problem in problems_of(folder)] == ["pumps.csv", "pumps.csv"]


def test_long_texts_are_shown_from_where_they_differ(tmp_path: Path) -> None:
    twice = "".join(dose().removesuffix("\n") + "spasms " * 40 + each + "\n" for each in ("at night", "by day"))
    assert problems_of(a_folder(tmp_path, dose_changes=twice)) == [
        "dose_changes.csv:4 reason: line 3 has '...ms spasms at night' for the same pump and effective_at, "
        "this line has '...ms spasms by day'"
    ]


def test_an_empty_catalogue_is_told_once(tmp_path: Path) -> None:
    PumpModel.objects.all().delete()
    folder = a_folder(tmp_path, pumps="S2,M1,Oak,synchromed-ii-40,2026-13-10,,,,,\n")
    assert problems_of(folder) == [
        "pumps.csv:1 model: the catalogue of pump models is empty; load it with: bin/manage sync_catalogue",
        "pumps.csv:3 implanted_on: '2026-13-10' is not in the calendar",
    ]
