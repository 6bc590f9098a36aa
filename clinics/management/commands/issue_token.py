from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from clinics.management.arguments import account_of
from clinics.services.keys import issue_api_key


class Command(BaseCommand):
    help = "Print a new API key of an account, and nothing else."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(issue_api_key(user=account_of(options), name="made by issue_token"))
