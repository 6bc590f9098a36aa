from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from clinics.errors import Conflict
from interop import demo_today
from interop.demo import LogIn, load
from pumps.services import nightly


class Command(BaseCommand):
    help = "Load the demo clinics, once, with visits of today, and print the log-ins. Refuses outside the demo."

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        try:
            log_ins = load(now=now)
        except Conflict as error:
            raise CommandError(str(error)) from error
        if log_ins:
            # At each start, since a demo that was loaded on another day has none left.
            demo_today.book(now)
            # The fleet's figures are of last night.
            nightly.run_if_due(now)
        self.stdout.write(table(log_ins) if log_ins else "The database holds clinics already: no demo was loaded.")


def table(log_ins: Sequence[LogIn]) -> str:
    rows = [("Role", "E-mail", "Password", "Clinics")]
    rows += [(log_in.role, log_in.email, log_in.password, log_in.clinics) for log_in in log_ins]
    widths = [max(len(row[place]) for row in rows) for place in range(4)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
