"""What is uploaded: the files of a folder, or a zip of them, to named contents. Nothing is written to a disk."""

import zipfile
import zlib
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import PurePosixPath
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from clinical.saying import say
from clinics.errors import Impossible
from clinics.words import later
from interop.problems import FILE_ORDER

MOST_BYTES = 200 * 1024 * 1024
MOST_FILES = 200
# All that zipfile raises for a file that is no zip, is cut off, needs a password, or was packed in a way it does not
# know: it passes on what the decoders and the file's own bytes make of it.
UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    NotImplementedError,  # an unknown compression
    RuntimeError,  # a password
    EOFError,
    OSError,  # a position before the file's beginning
    ValueError,  # a date or a name that cannot be
)
READABLE = later(gettext_noop("The files are %(files)s."), files=", ".join(FILE_ORDER))


def contents(uploaded: "Sequence[UploadedFile[Any]]") -> tuple[dict[str, bytes], list[str]]:
    """The files of the import format by name, and warnings about the others.

    Raises:
        Impossible: nothing to import, a file twice, too much, or a zip that cannot be read.
    """
    if not uploaded:
        raise Impossible(
            {"files": [_("Choose the folder, its files, or a zip of them. %(readable)s") % {"readable": READABLE}]}
        )
    if len(uploaded) > MOST_FILES:
        raise Impossible(
            {
                "files": [
                    _("That is %(count)s files; choose the folder that holds the CSV files.") % {"count": len(uploaded)}
                ]
            }
        )
    found: dict[str, bytes] = {}
    ignored: list[str] = []
    total = 0
    for file in uploaded:
        name = file.name or ""
        total += file.size or 0
        if total > MOST_BYTES:
            raise _too_large()
        if name.lower().endswith(".zip"):
            _unzip(file, found, ignored)
        else:
            _add(name, file.read, found, ignored)
    if not found:
        raise Impossible(
            {"files": [_("None of these is a file of the import format. %(readable)s") % {"readable": READABLE}]}
        )
    return found, [
        say("%(name)s: ignored, not a file of the import format", name=name) for name in sorted(set(ignored))
    ]


def _too_large() -> Impossible:
    return Impossible(
        {
            "files": [
                _("More than %(limit)s MB; split the clinics over several imports.") % {"limit": MOST_BYTES // 1024**2}
            ]
        }
    )


def _unzip(file: "UploadedFile[Any]", found: dict[str, bytes], ignored: list[str]) -> None:
    try:
        archive = zipfile.ZipFile(file)
    except UNREADABLE as error:
        raise _no_zip(file.name) from error
    with archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        # What the entries say of their size may be wrong, so what is read is counted as well.
        if len(entries) > MOST_FILES or sum(entry.file_size for entry in entries) > MOST_BYTES:
            raise _too_large()
        for entry in entries:
            _add(entry.filename, partial(_read, file.name, archive, entry), found, ignored)


def _no_zip(name: str | None) -> Impossible:
    return Impossible(
        {"files": [_("%(name)s cannot be unzipped; make the zip again, without a password.") % {"name": name}]}
    )


def _read(name: str | None, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    try:
        with archive.open(entry) as stream:
            content = stream.read(MOST_BYTES + 1)
    except UNREADABLE as error:
        raise _no_zip(name) from error
    if len(content) > MOST_BYTES:
        raise _too_large()
    return content


def _add(path: str, read: Callable[[], bytes], found: dict[str, bytes], ignored: list[str]) -> None:
    name = PurePosixPath(path.replace("\\", "/")).name
    if name not in FILE_ORDER:
        ignored.append(name[:100])
    elif name in found:
        raise Impossible({"files": [_("%(name)s is there twice; leave one of them out.") % {"name": name}]})
    else:
        found[name] = read()
