from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from clinics.management.arguments import account_of, add_membership, clinic_of
from clinics.roles import Role
from clinics.services.members import remove_member


class Command(BaseCommand):
    help = "Take one role from an account. Its other roles, its log-in and its API keys stay; see revoke_tokens."

    def add_arguments(self, parser: CommandParser) -> None:
        add_membership(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        user, clinic = account_of(options), clinic_of(options)
        where = clinic.name if clinic is not None else "all clinics"
        if not remove_member(user=user, role=Role(options["role"]), clinic=clinic):
            held = "; ".join(str(membership) for membership in user.memberships.all()) or "no role at all"
            raise CommandError(f"{user} is not {options['role']} of {where}. Held: {held}.")
        self.stdout.write(f"{user} is no longer {options['role']} of {where}.")
