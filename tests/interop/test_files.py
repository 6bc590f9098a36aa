"""Files, headers and encodings."""

from collections.abc import Iterator
from datetime import timedelta
from errno import EACCES
from os import fsdecode
from pathlib import Path

import pytest

from clinics.errors import Impossible
from interop import reading
from interop.records import Record
from tests.builders import NOW
from tests.interop.folders import GOOD, NOTHING, a_folder, problems_of, run, stored

pytestmark = pytest.mark.django_db


def test_a_byte_order_mark_and_any_column_order_are_fine(tmp_path: Path) -> None:
    folder = a_folder(tmp_path)
    (folder / "clinics.csv").write_text("timezone,name\r\nAmerica/New_York,Oak\r\n", encoding="utf-8-sig")
    assert run(folder).counts["clinics.csv"].new == 1


def test_another_encoding_is_named_with_its_line(tmp_path: Path) -> None:
    folder = a_folder(tmp_path)
    (folder / "clinics.csv").write_bytes(b"name,timezone\nOak,America/New_York\nCaf\xe9,Europe/Paris\n")
    assert problems_of(folder) == ["clinics.csv:3 row: is not UTF-8; save the file as CSV UTF-8"]
    assert stored() == NOTHING


def test_utf_16_is_refused_without_blaming_the_rows_that_refer_to_it(tmp_path: Path) -> None:
    folder = a_folder(tmp_path)
    (folder / "patients.csv").write_text(GOOD["patients.csv"], encoding="utf-16")
    assert problems_of(folder) == ["patients.csv:1 row: is not UTF-8; save the file as CSV UTF-8"]


OPEN_QUOTE = "is not CSV: a quote that opens on this line is not closed; close or remove it"
STRAY_QUOTE = "is not CSV: text follows a closing quote; write a quote within a cell twice"
NOT_UTF8 = "is not UTF-8; save the file as CSV UTF-8"
NEGATIVE = "A volume cannot be negative."
WEAK = "A concentration must be above 0 mcg/mL."


def refills(folder: Path, *lines: bytes) -> Path:
    """A good folder but for the refills, which begin on line 2."""
    a_folder(folder)
    header = b"serial_number,refilled_at,filled_ml,concentration_mcg_per_ml,lot_number\n"
    (folder / "refills.csv").write_bytes(header + b"".join(line + b"\n" for line in lines))
    return folder


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        (b'"a"b', STRAY_QUOTE),
        (b'"a', OPEN_QUOTE),
        (b"caf\xe9", NOT_UTF8),
        (b'"caf\xe9"b', STRAY_QUOTE),
    ],
)
def test_the_rest_of_a_bad_row_and_of_its_file_is_read(tmp_path: Path, bad: bytes, problem: str) -> None:
    folder = refills(
        tmp_path,
        b"S1,2026-07-10T15:00:00Z,-38,500," + bad,
        b"S1,2026-08-10T15:00:00Z,38,-5,two\xc3\xa9",
        b"S1,2026-09-10T15:00:00Z,38,-5," + bad,
    )
    assert problems_of(folder) == [
        f"refills.csv:2 row: {problem}",
        f"refills.csv:2 filled_ml: {NEGATIVE}",
        f"refills.csv:3 concentration_mcg_per_ml: {WEAK}",
        f"refills.csv:4 row: {problem}",
        f"refills.csv:4 concentration_mcg_per_ml: {WEAK}",
    ]
    assert stored() == NOTHING


def test_a_huge_cell_is_not_taken_for_an_open_quote(tmp_path: Path) -> None:
    folder = refills(tmp_path, b"S1,2026-07-10T15:00:00Z,38,500," + b"x" * 200_000, b"S1,2026-08-10T15:00:00Z,38,-5,")
    assert problems_of(folder) == [
        "refills.csv:2 row: has a cell of more than 131,072 characters; shorten it",
        f"refills.csv:3 concentration_mcg_per_ml: {WEAK}",
    ]


def test_an_open_quote_is_named_by_its_line_and_swallows_no_other(tmp_path: Path) -> None:
    good = [f"S1,{NOW - timedelta(days=number):%Y-%m-%dT%H:%MZ},38,500,".encode() for number in range(1, 90)]
    folder = refills(tmp_path, *good, b'S1,"2026-11-22T01:00Z,38,500,', *reversed(good), *good, b"S1,x,38,500,")
    problems = problems_of(folder)
    assert problems == [
        f"refills.csv:91 row: {OPEN_QUOTE}",
        "refills.csv:270 refilled_at: 'x' is not a time; write it like 2026-03-05T18:15:00Z or 2026-03-05T13:15",
    ]


def test_rows_that_refer_to_an_unreadable_row_are_not_blamed(tmp_path: Path) -> None:
    folder = a_folder(tmp_path, refills="S2,2026-10-02T15:00:00Z,6.1,40.0,500,,,,\n", pumps='"S2"x,M1,Oak\n')
    assert problems_of(folder) == [f"pumps.csv:3 row: {STRAY_QUOTE}"]


def test_a_header_that_is_not_utf8_will_do_if_its_columns_are_there(tmp_path: Path) -> None:
    folder = a_folder(tmp_path)
    (folder / "clinics.csv").write_bytes(b"name,timezone,gr\xf6\xdfe\nOak,Nowhere,1\n")
    assert [problem.split(": ")[0] for problem in problems_of(folder)] == [
        "clinics.csv:1 row",
        "clinics.csv:2 timezone",
    ]


def test_what_cannot_be_opened_is_named(tmp_path: Path) -> None:
    folder = a_folder(tmp_path)
    for file in ("pumps.csv", "refills.csv"):
        (folder / file).unlink()
    (folder / "pumps.csv").symlink_to("gone.csv")
    (folder / "refills.csv").mkdir()
    assert problems_of(folder) == [
        "pumps.csv:1 row: is not a file, or a link to a file that is gone",
        "refills.csv:1 row: is not a file, or a link to a file that is gone",
    ]


def test_what_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = a_folder(tmp_path)

    def refuse(path: Path) -> Iterator[Record]:
        raise PermissionError(EACCES, "Permission denied")

    monkeypatch.setattr(reading, "records", refuse)
    assert "refills.csv:1 row: the file cannot be read: Permission denied" in problems_of(folder)


def test_a_file_name_that_is_not_utf8_can_be_printed(tmp_path: Path) -> None:
    folder = a_folder(tmp_path)
    Path(fsdecode(bytes(folder) + b"/gr\xf6\xdfe.csv")).touch()
    assert run(folder).warnings == ["gr\ufffd\ufffde.csv: ignored, not a file of the import format"]


def test_a_missing_required_column_is_named(tmp_path: Path) -> None:
    folder = a_folder(tmp_path)
    (folder / "clinics.csv").write_text("name,time_zone\nOak,America/New_York\n")
    assert problems_of(folder) == ["clinics.csv:1 timezone: this column is required and missing"]


def test_semicolons_get_a_hint(tmp_path: Path) -> None:
    folder = a_folder(tmp_path)
    (folder / "clinics.csv").write_text("name;timezone\nOak;America/New_York\n")
    assert problems_of(folder)[0].endswith("separate the columns by commas")


def test_a_column_twice_is_refused(tmp_path: Path) -> None:
    folder = a_folder(tmp_path)
    (folder / "clinics.csv").write_text("name,timezone,name\nOak,America/New_York,Elm\n")
    assert problems_of(folder) == ["clinics.csv:1 name: this column is there twice; keep one"]


def test_an_empty_file_misses_its_columns(tmp_path: Path) -> None:
    folder = a_folder(tmp_path)
    (folder / "clinics.csv").write_text("")
    assert [problem.split(":")[1] for problem in problems_of(folder)] == ["1 name", "1 timezone"]


def test_blank_lines_are_skipped_and_counted(tmp_path: Path) -> None:
    folder = a_folder(tmp_path, clinics="\n,,,\nElm,Nowhere,us,\n")
    assert [problem.split(" ")[0] for problem in problems_of(folder)] == ["clinics.csv:5"]


def test_unknown_files_and_columns_are_ignored_with_a_warning(tmp_path: Path) -> None:
    folder = a_folder(tmp_path)
    (folder / "truth.csv").write_text("x\n")
    (folder / "clinics.csv").write_text("name,timezone,colour\nOak,America/New_York,green\n")
    report = run(folder)
    assert report.warnings == [
        "truth.csv: ignored, not a file of the import format",
        "clinics.csv: ignored unknown columns colour",
    ]


def test_a_nul_character_is_a_problem_not_a_crash(tmp_path: Path) -> None:
    folder = a_folder(tmp_path, clinics="El\0m,Europe/London,us,\n")
    assert problems_of(folder) == ["clinics.csv:3 name: holds a NUL character; type the text again"]


def test_no_folder_and_nothing_in_it(tmp_path: Path) -> None:
    with pytest.raises(Impossible, match="is not a folder"):
        run(tmp_path / "absent")
    with pytest.raises(Impossible, match="holds none of"):
        run(tmp_path)
