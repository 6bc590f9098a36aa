from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email

from clinics.management.arguments import add_membership, clinic_of
from clinics.roles import Role
from clinics.services.members import add_member, password_link


class Command(BaseCommand):
    help = "Give a role to an account, made if there is none, and print a one-time link to set its password."

    def add_arguments(self, parser: CommandParser) -> None:
        add_membership(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            validate_email(options["email"])
        except ValidationError as error:
            raise CommandError(f"{options['email']!r} is not an e-mail address.") from error
        user = add_member(email=options["email"], role=Role(options["role"]), clinic=clinic_of(options))
        self.stdout.write(password_link(user))
