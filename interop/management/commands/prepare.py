from typing import Any

from django.conf import settings
from django.core.checks import Tags
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import DEFAULT_DB_ALIAS


class Command(BaseCommand):
    help = "Make the stores ready for this version: migrations, static files, catalogue, and the demo where it is on."

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", interactive=False, verbosity=0)
        call_command("createcachetable", verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
        call_command("sync_catalogue", stdout=self.stderr)
        # In production this fails where the database holds demo accounts.
        self.check(tags=[Tags.database], databases=[DEFAULT_DB_ALIAS])
        if settings.DEMO:
            call_command("load_demo", stdout=self.stdout)
