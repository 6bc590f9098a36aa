from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from clinics.models import Clinic
from pumps.services import call_list_files


class Command(BaseCommand):
    help = "Write the call list of every clinic, or of one, as a PDF to print, and say where it is."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--clinic", metavar="NAME")

    def handle(self, *args: Any, **options: Any) -> None:
        clinics = Clinic.objects.order_by("pk")
        if options["clinic"] is not None:
            clinics = clinics.filter(name=options["clinic"])
            if not clinics:
                names = ", ".join(Clinic.objects.values_list("name", flat=True)) or "none yet"
                raise CommandError(f"There is no clinic {options['clinic']!r}. Clinics: {names}.")
        for clinic in clinics:
            try:
                self.stdout.write(str(call_list_files.write(clinic, timezone.now())))
            except OSError as error:
                raise CommandError(f"The call list of {clinic} cannot be written: {error}.") from error
