"""What one user may reach: read once a request, then asked without queries."""

from collections.abc import Iterable
from dataclasses import dataclass

from clinics.roles import GRANTS, Permission, Role


@dataclass(frozen=True)
class Access:
    """Roles in every clinic (also those made later), and roles in single clinics by clinic id."""

    everywhere: frozenset[Role]
    by_clinic: dict[int, frozenset[Role]]

    @property
    def clinic_ids(self) -> list[int] | None:
        """The clinics the user belongs to; None means all of them."""
        return None if self.everywhere else sorted(self.by_clinic)

    def roles_in(self, clinic_id: int) -> frozenset[Role]:
        return self.everywhere | self.by_clinic.get(clinic_id, frozenset())

    def can(self, permission: Permission, clinic_id: int) -> bool:
        return any(permission in GRANTS[role] for role in self.roles_in(clinic_id))

    def can_somewhere(self, permission: Permission) -> bool:
        roles = self.everywhere.union(*self.by_clinic.values())
        return any(permission in GRANTS[role] for role in roles)

    def can_everywhere(self, permission: Permission) -> bool:
        """Through a role held in all clinics, present and future."""
        return any(permission in GRANTS[role] for role in self.everywhere)


def access_from(memberships: Iterable[tuple[int | None, str]]) -> Access:
    """Access from rows of (clinic id or None for all, role)."""
    everywhere: set[Role] = set()
    by_clinic: dict[int, set[Role]] = {}
    for clinic_id, role in memberships:
        if clinic_id is None:
            everywhere.add(Role(role))
        else:
            by_clinic.setdefault(clinic_id, set()).add(Role(role))
    return Access(frozenset(everywhere), {clinic: frozenset(roles) for clinic, roles in by_clinic.items()})
