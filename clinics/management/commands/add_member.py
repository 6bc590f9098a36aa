from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email

from clinics.models import Clinic
from clinics.roles import Role
from clinics.services import add_member, password_link


class Command(BaseCommand):
    help = "Give a role to an account, made if there is none, and print a one-time link to set its password."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--role", required=True, choices=[role.value for role in Role])
        where = parser.add_mutually_exclusive_group(required=True)
        where.add_argument("--clinic", metavar="NAME")
        where.add_argument("--all-clinics", action="store_true", help="also clinics created later")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            validate_email(options["email"])
        except ValidationError as error:
            raise CommandError(f"{options['email']!r} is not an e-mail address.") from error
        clinic = None if options["all_clinics"] else _clinic(options["clinic"])
        user = add_member(email=options["email"], role=Role(options["role"]), clinic=clinic)
        self.stdout.write(password_link(user))


def _clinic(name: str) -> Clinic:
    clinic = Clinic.objects.filter(name=name).first()
    if clinic is None:
        names = ", ".join(Clinic.objects.values_list("name", flat=True)) or "none yet"
        raise CommandError(f"There is no clinic {name!r}. Clinics: {names}.")
    return clinic
