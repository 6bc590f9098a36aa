"""Files, headers and encodings."""

from pathlib import Path

import pytest

from clinics.errors import Impossible
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


def test_an_open_quote_is_named(tmp_path: Path) -> None:
    folder = a_folder(tmp_path, clinics='Elm,Europe/London,us,"Elm\n')
    [problem] = problems_of(folder)
    assert problem.startswith("clinics.csv:3 row: is not CSV")


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
