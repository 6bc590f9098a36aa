from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from clinics.management.arguments import account_of
from clinics.services.keys import revoke_api_keys


class Command(BaseCommand):
    help = "Revoke every API key of an account, and print how many there were."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(str(revoke_api_keys(user=account_of(options), now=timezone.now())))
