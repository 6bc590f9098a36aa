"""Tenants and staff."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone as django_timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinics.access import Access, access_from
from clinics.opening import WEEK, WORKING_WEEK
from clinics.queries import (
    AccountMailQuerySet,
    ApiKeyQuerySet,
    ClinicOwned,
    ClinicQuerySet,
    InvitationQuerySet,
    MembershipQuerySet,
)
from clinics.roles import ROLE_NAMES, Role
from clinics.validators import validate_timezone
from clinics.work_models import Job as Job
from clinics.work_models import JobFile as JobFile
from clinics.work_models import Work as Work

ROLES = [(role.value, ROLE_NAMES[role]) for role in Role]


def working_week() -> list[int]:
    return list(WORKING_WEEK)


class Clinic(models.Model):
    """A tenant. Each row that belongs to a clinic is reached through `visible_to(user)`."""

    class LabelSet(models.TextChoices):
        US = "us", gettext_lazy("US labels")
        UK = "uk", gettext_lazy("UK monograph")

    name = models.CharField(max_length=200, unique=True)
    timezone = models.CharField(max_length=64, validators=[validate_timezone])
    label_set = models.CharField(max_length=8, choices=LabelSet, default=LabelSet.US)
    patient_facing_name = models.CharField(max_length=200, blank=True)
    # What patients are told to call: the clinic itself, and, in an emergency, the public number (blank: the usual one).
    phone = models.CharField(max_length=40, blank=True)
    emergency_number = models.CharField(max_length=20, blank=True)
    # Clinical rules, section 2: scheduling margin, default 7, 3-14 days; stability in the pump, 180 days at most.
    refill_margin_days = models.PositiveSmallIntegerField(default=7)
    max_refill_interval_days = models.PositiveSmallIntegerField(default=180)
    # What patients are written to in, where Brim does not speak their own.
    language = models.CharField(max_length=8, choices=settings.LANGUAGES, default="en")
    # Patient messages stay off until an administrator presses go-live.
    patient_messages_since = models.DateTimeField(null=True, blank=True)
    # Weekdays on which the clinic refills, Monday 0 to Sunday 6.
    opening_days = ArrayField(models.PositiveSmallIntegerField(), default=working_week)
    # Whether everybody with a role here must log in with a second factor.
    second_factor_required = models.BooleanField(default=False)
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
            models.CheckConstraint(
                condition=Q(opening_days__len__gte=1, opening_days__contained_by=list(WEEK)),
                name="clinic_opens_on_some_weekday",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def name_for_patients(self) -> str:
        return self.patient_facing_name or _("your clinic")

    @property
    def number_in_emergency(self) -> str:
        """What somebody calls whose life is in danger."""
        return self.emergency_number or EMERGENCY_NUMBERS[Clinic.LabelSet(self.label_set)]


# Where a clinic has set none: the public number of the country its labels are of.
EMERGENCY_NUMBERS = {Clinic.LabelSet.US: "911", Clinic.LabelSet.UK: "999"}


class ClosedDay(models.Model):
    """A day on which a clinic refills nobody although its weekday is an opening day."""

    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="closed_days")
    day = models.DateField()
    name = models.CharField(max_length=100, blank=True)

    class Meta:
        ordering: ClassVar = ["day"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["clinic", "day"], name="closed_day_once_a_clinic")]

    def __str__(self) -> str:
        return f"{self.day} {self.name}".strip()


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


class Look(models.TextChoices):
    LIGHT = "light", gettext_lazy("Light")
    DARK = "dark", gettext_lazy("Dark")
    CONTRAST = "contrast", gettext_lazy("High contrast")


class User(AbstractBaseUser):
    """A member of staff, who logs in by e-mail."""

    email = models.EmailField(max_length=254, unique=True)
    name = models.CharField(max_length=200, blank=True)
    # Where alerts reach them by text message and call; blank: they do not.
    phone = models.CharField(max_length=40, blank=True)
    # What pages say to them in, and how they look; blank: as the browser asks.
    language = models.CharField(max_length=8, choices=settings.LANGUAGES, blank=True)
    look = models.CharField(max_length=8, choices=Look, blank=True)
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
    role = models.CharField(max_length=16, choices=ROLES)
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


class Invitation(models.Model):
    """Roles offered to an e-mail address in a clinic, or in all clinics where `clinic` is empty.

    It is open until it is accepted, withdrawn or too old. Whether the address has an account already shows nowhere
    before it is accepted. The link is signed over the id and `nonce`; a new nonce ends an older link.
    """

    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, null=True, blank=True, related_name="invitations")
    email = models.EmailField(max_length=254)
    roles = ArrayField(models.CharField(max_length=16, choices=ROLES))
    nonce = models.CharField(max_length=16)
    invited_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(default=django_timezone.now)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    accepted_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    mail = models.ForeignKey("AccountMail", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")

    objects = InvitationQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                Lower("email"),
                "clinic",
                name="invitation_one_open_an_address",
                condition=Q(accepted_at=None, withdrawn_at=None),
            ),
            models.CheckConstraint(condition=Q(roles__len__gte=1), name="invitation_offers_a_role"),
        ]

    def __str__(self) -> str:
        return f"{self.email} invited as {', '.join(self.roles)}"


class AccountMail(models.Model):
    """The outbox of mail about accounts: invitations, password links, notices of changes to a log-in.

    A page only queues; a task sends, again and again until the server takes it or `expires_at` has passed, so a page
    answers alike whether an address has an account or not, and whether the mail server is there or not. The text is
    blanked once it is sent, since it may hold a link that opens an account.
    """

    to = models.EmailField(max_length=254)
    subject = models.CharField(max_length=300)
    body = models.TextField(blank=True)
    created_at = models.DateTimeField(default=django_timezone.now)
    due_at = models.DateTimeField(default=django_timezone.now)
    expires_at = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)
    sent_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=500, blank=True)

    objects = AccountMailQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            # AccountMailQuerySet.due
            models.Index(fields=["due_at"], name="account_mail_due", condition=Q(sent_at=None)),
        ]

    def __str__(self) -> str:
        return f"{self.subject} to {self.to}"


class ApiKey(models.Model):
    """A key for `Authorization: Bearer`. Only its SHA-256 is kept; the key itself is seen once."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=100, default="unnamed")
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=django_timezone.now)
    # The day (UTC) of its latest call, so that a key costs one write a day.
    last_used_on = models.DateField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-pk"]

    def __str__(self) -> str:
        return f"{self.name}, an API key of {self.user}"


class Change(models.Model):
    """Who changed what, beside the ledger of events, which keeps its own. Append-only, like it.

    `clinic` is empty for what belongs to none. `subject` is such as "patient:7"; `details` maps a field to what was
    there before and after, as text.
    """

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, null=True, blank=True, related_name="changes")
    at = models.DateTimeField()
    by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    subject = models.CharField(max_length=40)
    summary = models.CharField(max_length=300)
    details = models.JSONField(default=dict, blank=True)

    objects = ClinicOwned["Change"].as_manager()

    class Meta:
        ordering: ClassVar = ["-pk"]
        indexes: ClassVar = [
            # the history on a patient's, a pump's or a person's page
            models.Index(fields=["subject", "-id"], name="change_of_subject"),
            # the history of a clinic
            models.Index(fields=["clinic", "-id"], name="change_of_clinic"),
            # the same beside what else happened, by time
            models.Index(fields=["clinic", "-at", "-id"], name="change_of_clinic_at"),
        ]

    def __str__(self) -> str:
        return f"{self.subject}: {self.summary}"
