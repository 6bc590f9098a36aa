from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from clinics.errors import Impossible
from interop.importing import Report, import_folder
from interop.problems import ImportRefused


class Command(BaseCommand):
    help = "Load a folder of CSV files in the import format, all or nothing. Running it twice changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", metavar="DIR", type=Path)
        parser.add_argument("--dry-run", action="store_true", help="check everything and store nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            report = import_folder(
                folder=options["folder"],
                user=None,
                now=timezone.now(),
                dry_run=options["dry_run"],
                progress=self._progress,
            )
        except ImportRefused as refusal:
            self._note(f"warning: {warning}" for warning in refusal.warnings)
            count = len(refusal.problems)
            # The problems begin on a line of their own, so that each can be read by a program.
            raise CommandError(f"{count} problem{'s' * (count != 1)}; nothing was stored.\n{refusal}") from refusal
        except Impossible as error:
            raise CommandError(
                " ".join(message for messages in error.errors.values() for message in messages)
            ) from error
        self.stdout.write("\n".join(lines(report)))

    def _progress(self, what: str, done: int, total: int) -> None:
        self._note([f"{what}: {done:,} of {total:,}" if total else f"{what}: {done:,}" if done else what])

    def _note(self, texts: Any) -> None:
        for text in texts:
            self.stderr.write(text, style_func=str)


def lines(report: Report) -> list[str]:
    would = "would be " if report.dry_run else ""
    counts = [
        f"{file}: {count.new:,} {would}new, {count.unchanged:,} unchanged" for file, count in report.counts.items()
    ]
    forecasts = f"{report.forecasts:,} forecasts {would}computed"
    warnings = [f"warning: {warning}" for warning in report.warnings]
    closing = ["Dry run: nothing was stored."] if report.dry_run else []
    return [*counts, forecasts, *warnings, *closing]
