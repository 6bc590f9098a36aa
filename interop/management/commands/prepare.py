from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Make the stores ready for this version: migrations, static files, catalogue, and the demo where it is on."

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", interactive=False, verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
        call_command("sync_catalogue", stdout=self.stderr)
        if settings.DEMO:
            call_command("load_demo", stdout=self.stdout)
