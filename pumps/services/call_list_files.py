"""The call lists on disk, written each morning: what is left when nothing else answers."""

import logging
import os
import re
from datetime import date, datetime, time
from pathlib import Path
from tempfile import NamedTemporaryFile

from django.conf import settings

from clinics.models import Clinic
from pumps.call_list_pdf import as_pdf, usual_paper
from pumps.services.call_lists import call_list

logger = logging.getLogger(__name__)

# Of the clinic's wall clock, every day: before anybody comes in.
FROM = time(6)
KEPT = 14
_NAME = "call-list-{day}.pdf"
_OURS = "call-list-????-??-??.pdf"


def write_due(now: datetime) -> list[Path]:
    """Write today's list of each clinic whose morning has begun and that has none yet; returns the new files.

    The file itself says that it is written, so a missed hour, a lost queue or a killed worker is made good by the next
    look. A clinic that fails is logged and looked at again; the others are written.
    """
    written = []
    for clinic in Clinic.objects.order_by("pk"):
        local = now.astimezone(clinic.zone)
        if local.time() < FROM or path_of(clinic, local.date()).exists():
            continue
        try:
            written.append(write(clinic, now))
        except Exception:  # the task's edge: whatever it is, the other clinics go on
            logger.exception("the call list of clinic %s could not be written", clinic.pk)
    return written


def write(clinic: Clinic, now: datetime) -> Path:
    """Write a clinic's list of now in the place of today's, all of it or nothing, readable for this account alone.

    Raises:
        OSError: the folder cannot be made or written to.
    """
    found = call_list(clinic, now)
    path = path_of(clinic, now.astimezone(clinic.zone).date())
    for folder in (path.parent.parent, path.parent):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _store(path, as_pdf(found, usual_paper(found)))
    for old in sorted(path.parent.glob(_OURS))[:-KEPT]:
        old.unlink(missing_ok=True)
    return path


def _store(path: Path, data: bytes) -> None:
    """Under another name first, which is mode 0600 from its beginning; then, once it is on the disk, in its place."""
    with NamedTemporaryFile(dir=path.parent, prefix=".", suffix=".new", delete=False) as file:
        try:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        except OSError:
            Path(file.name).unlink(missing_ok=True)
            raise
    os.replace(file.name, path)


def path_of(clinic: Clinic, day: date) -> Path:
    """One folder a clinic, by id and name, so that a person finds it; the id alone decides."""
    root = Path(settings.CALL_LIST_DIR)
    known = next(iter(sorted(root.glob(f"{clinic.pk}-*"))), None)
    name = re.sub(r"[^a-z0-9]+", "-", clinic.name.lower()).strip("-") or "clinic"
    return (known or root / f"{clinic.pk}-{name[:60]}") / _NAME.format(day=day.isoformat())
