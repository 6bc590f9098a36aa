"""What commands about members of staff have in common."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from clinics.models import Clinic, User
from clinics.roles import Role


def add_membership(parser: CommandParser) -> None:
    """EMAIL --role ROLE (--clinic NAME | --all-clinics)."""
    parser.add_argument("email")
    parser.add_argument("--role", required=True, choices=[role.value for role in Role])
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--clinic", metavar="NAME")
    where.add_argument("--all-clinics", action="store_true", help="also clinics created later")


def clinic_of(options: dict[str, Any]) -> Clinic | None:
    """The clinic named, None for all clinics."""
    if options["all_clinics"]:
        return None
    clinic = Clinic.objects.filter(name=options["clinic"]).first()
    if clinic is None:
        names = ", ".join(Clinic.objects.values_list("name", flat=True)) or "none yet"
        raise CommandError(f"There is no clinic {options['clinic']!r}. Clinics: {names}.")
    return clinic


def account_of(options: dict[str, Any]) -> User:
    user = User.objects.filter(email__iexact=options["email"]).first()
    if user is None:
        raise CommandError(f"There is no account {options['email']!r}; make one with add_member.")
    return user
