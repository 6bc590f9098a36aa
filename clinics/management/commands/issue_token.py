from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from clinics.models import User
from clinics.services import issue_api_key


class Command(BaseCommand):
    help = "Print a new API key of an account, and nothing else."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(email__iexact=options["email"]).first()
        if user is None:
            raise CommandError(f"There is no account {options['email']!r}; make one with add_member.")
        self.stdout.write(issue_api_key(user=user))
