import pytest

from clinics.access import access_from
from clinics.roles import GRANTS, Permission, Role

P = Permission
# Design, section 4, row by row.
TABLE = {
    Role.SCHEDULER: {P.SEE, P.BOOK},
    Role.NURSE: {P.SEE, P.SEE_CLINICAL, P.LOG, P.LOG_DRUG_DATA, P.BOOK, P.PROPOSE_DOSE},
    Role.PRESCRIBER: {P.SEE, P.SEE_CLINICAL, P.LOG, P.LOG_DRUG_DATA, P.BOOK, P.PROPOSE_DOSE, P.SIGN_DOSE},
    Role.PHARMACIST: {P.SEE, P.SEE_CLINICAL, P.LOG_DRUG_DATA, P.PROPOSE_DOSE},
    Role.ADMINISTRATOR: {P.SEE, P.SEE_CLINICAL, P.LOG, P.LOG_DRUG_DATA, P.BOOK, P.ADMINISTER},
    Role.AUDITOR: {P.SEE, P.SEE_CLINICAL, P.AUDIT},
}


@pytest.mark.parametrize("role", list(Role))
def test_the_role_table(role: Role) -> None:
    assert GRANTS[role] == TABLE[role]


def test_roles_add_up_within_a_clinic_and_not_across() -> None:
    access = access_from([(1, "scheduler"), (1, "pharmacist"), (2, "nurse")])
    assert access.can(P.BOOK, 1)
    assert access.can(P.LOG_DRUG_DATA, 1)
    assert not access.can(P.LOG, 1)
    assert access.can(P.LOG, 2)
    assert not access.can(P.SEE, 3)
    assert access.clinic_ids == [1, 2]


def test_a_role_in_all_clinics_counts_in_later_ones() -> None:
    access = access_from([(None, "auditor"), (1, "nurse")])
    assert access.clinic_ids is None
    assert access.can(P.AUDIT, 99)
    assert not access.can(P.LOG, 99)
    assert access.can_everywhere(P.AUDIT)
    assert not access.can_everywhere(P.LOG)


def test_nobody_may_do_anything() -> None:
    access = access_from([])
    assert access.clinic_ids == []
    assert not any(access.can_somewhere(permission) for permission in Permission)
