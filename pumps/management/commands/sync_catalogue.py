from typing import Any

from django.core.management.base import BaseCommand

from pumps.services.catalogue import sync


class Command(BaseCommand):
    help = "Bring the pump models up to date with the catalogue file; fields edited by an administrator stay."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{sync()} pump models")
