"""Rows of the import format to a folder of CSV files, one pump after the other, so that a fleet needs no memory."""

import csv
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path

from interop.simulation import SimClinic, SimPump
from interop.tables import CLINICS, DOSE_CHANGES, PATIENTS, PUMPS, REFILLS, R, Table


def write(folder: Path, clinics: Sequence[SimClinic], pumps: Iterable[SimPump]) -> int:
    """Write a simulated fleet; returns how many pumps."""
    count = 0
    with ExitStack() as files:
        clinic_file = _open(folder, CLINICS, files)
        for clinic in clinics:
            clinic_file.writerow(vars(clinic))
        patients, pump_file = _open(folder, PATIENTS, files), _open(folder, PUMPS, files)
        refills, doses = _open(folder, REFILLS, files), _open(folder, DOSE_CHANGES, files)
        for simulated in pumps:
            count += 1
            patients.writerow(simulated.patient)
            pump_file.writerow(simulated.pump)
            refills.writerows(simulated.refills)
            doses.writerows(simulated.dose_changes)
    return count


def _open(folder: Path, table: Table[R], files: ExitStack) -> "csv.DictWriter[str]":
    stream = files.enter_context((folder / table.file).open("w", encoding="utf-8", newline=""))
    names = [column.name for column in table.columns if column.name != "clinic" or column.required]
    writer = csv.DictWriter(stream, names, lineterminator="\n")
    writer.writeheader()
    return writer
