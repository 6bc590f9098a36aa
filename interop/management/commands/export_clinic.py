from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from clinics.models import Clinic
from interop.exporting import export_folder


class Command(BaseCommand):
    help = "Write everything of a clinic into a new folder, as CSV files that import_clinic reads."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("clinic", metavar="NAME")
        parser.add_argument("folder", metavar="DIR", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        clinic = Clinic.objects.filter(name=options["clinic"]).first()
        if clinic is None:
            names = ", ".join(Clinic.objects.values_list("name", flat=True)) or "none yet"
            raise CommandError(f"There is no clinic {options['clinic']!r}. Clinics: {names}.")
        folder: Path = options["folder"]
        try:
            folder.mkdir(mode=0o700, parents=True)
        except FileExistsError as error:
            raise CommandError(f"{folder} is there already; name a new folder.") from error
        except OSError as error:
            raise CommandError(f"{folder} cannot be made: {error.strerror}.") from error
        self.stdout.write("\n".join(export_folder(clinic=clinic, folder=folder)))
