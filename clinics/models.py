"""Tenants and staff."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone as django_timezone

from clinics.access import Access, access_from
from clinics.queries import ClinicQuerySet, MembershipQuerySet
from clinics.roles import Role
from clinics.validators import validate_timezone


class Clinic(models.Model):
    """A tenant. Each row that belongs to a clinic is reached through `visible_to(user)`."""

    class LabelSet(models.TextChoices):
        US = "us", "US labels"
        UK = "uk", "UK monograph"

    name = models.CharField(max_length=200, unique=True)
    timezone = models.CharField(max_length=64, validators=[validate_timezone])
    label_set = models.CharField(max_length=8, choices=LabelSet, default=LabelSet.US)
    patient_facing_name = models.CharField(max_length=200, blank=True)
    # Clinical rules, section 2: scheduling margin, default 7, 3-14 days; stability in the pump, 180 days at most.
    refill_margin_days = models.PositiveSmallIntegerField(default=7)
    max_refill_interval_days = models.PositiveSmallIntegerField(default=180)
    # Patient messages stay off until an administrator presses go-live.
    patient_messages_since = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=django_timezone.now)

    objects = ClinicQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(refill_margin_days__gte=3, refill_margin_days__lte=14),
                name="clinic_margin_3_to_14_days",
            ),
            models.CheckConstraint(
                condition=Q(max_refill_interval_days__gte=14, max_refill_interval_days__lte=400),
                name="clinic_interval_14_to_400_days",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def name_for_patients(self) -> str:
        return self.patient_facing_name or "your clinic"


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def in_use(self) -> models.QuerySet[User]:
        """Accounts that may log in; demo accounts are in use nowhere but in the demo."""
        active = self.filter(is_active=True)
        return active if settings.DEMO else active.filter(is_demo=False)

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email__iexact=username)


class User(AbstractBaseUser):
    """A member of staff, who logs in by e-mail."""

    email = models.EmailField(max_length=254, unique=True)
    name = models.CharField(max_length=200, blank=True)
    is_active = models.BooleanField(default=True)
    # Demo accounts have a published password; they cannot log in outside the demo.
    is_demo = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=django_timezone.now)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar = []

    objects = UserManager()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(Lower("email"), name="user_email_ignoring_case")]

    def __str__(self) -> str:
        return self.name or self.email

    @cached_property
    def access(self) -> Access:
        """The user's roles, read once for the life of this instance (a request)."""
        return access_from(self.memberships.values_list("clinic_id", "role"))


class Membership(models.Model):
    """A role of a user in a clinic, or in all clinics, also later ones, where `clinic` is empty."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, null=True, blank=True, related_name="memberships")
    role = models.CharField(max_length=16, choices=[(role.value, role.value) for role in Role])
    created_at = models.DateTimeField(default=django_timezone.now)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "clinic", "role"], name="membership_once"),
            models.UniqueConstraint(
                fields=["user", "role"], condition=Q(clinic=None), name="membership_everywhere_once"
            ),
            models.CheckConstraint(condition=Q(role__in=[role.value for role in Role]), name="membership_role"),
        ]

    def __str__(self) -> str:
        return f"{self.user} is {self.role} of {self.clinic or 'all clinics'}"


class ApiKey(models.Model):
    """A key for `Authorization: Bearer`. Only its SHA-256 is kept; the key itself is seen once."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_keys")
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=django_timezone.now)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"API key of {self.user} made {self.created_at:%Y-%m-%d}"
