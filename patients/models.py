"""People with a pump."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy

from clinics.models import ApiKey, Clinic, User
from patients.queries import (
    ContactQuerySet,
    PatientQuerySet,
    SearchWordQuerySet,
    TransferQuerySet,
    ViewingQuerySet,
)


class Patient(models.Model):
    class Origin(models.TextChoices):
        SPINAL = "spinal", gettext_lazy("Spinal")
        CEREBRAL = "cerebral", gettext_lazy("Cerebral")

    class Status(models.TextChoices):
        ACTIVE = "active", gettext_lazy("Active")
        DECEASED = "deceased", gettext_lazy("Deceased")
        THERAPY_ENDED = "therapy_ended", gettext_lazy("Therapy ended")
        TRANSFERRED = "transferred", gettext_lazy("Transferred")

    class Flag(models.TextChoices):
        """Conditions that raise the risk of ITB (clinical rules, section 3)."""

        GERIATRIC = "geriatric", gettext_lazy("Older age")
        KIDNEY_DISEASE = "kidney_disease", gettext_lazy("Kidney disease")
        EPILEPSY = "epilepsy", gettext_lazy("Epilepsy")
        BRAIN_DISEASE = "brain_disease", gettext_lazy("Stroke or other brain disease")
        PARKINSONS = "parkinsons", gettext_lazy("Parkinson's disease")
        MENTAL_ILLNESS = "mental_illness", gettext_lazy("Mental illness")
        BREATHING_DIFFICULTY = "breathing_difficulty", gettext_lazy("Breathing difficulty")
        T6_OR_ABOVE = "t6_or_above", gettext_lazy("Spinal cord injury at or above T6")
        COMMUNICATION_DIFFICULTY = "communication_difficulty", gettext_lazy("Communication difficulty")
        EARLIER_WITHDRAWAL = "earlier_withdrawal", gettext_lazy("Earlier withdrawal")
        PREGNANT = "pregnant", gettext_lazy("Pregnant")
        BREAST_FEEDING = "breast_feeding", gettext_lazy("Breast-feeding")

    class Allergies(models.TextChoices):
        NOT_ASKED = "not_asked", gettext_lazy("Not asked yet")
        NONE_KNOWN = "none_known", gettext_lazy("None known")
        LISTED = "listed", gettext_lazy("As listed")

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="patients")
    mrn = models.CharField("MRN", max_length=64)
    given_name = models.CharField(max_length=100)
    family_name = models.CharField(max_length=100)
    date_of_birth = models.DateField()
    email = models.EmailField(max_length=254, blank=True)
    phone = models.CharField(max_length=40, blank=True)
    language = models.CharField(max_length=16, default="en")
    # The patient's consent to e-mail reminders.
    email_reminders = models.BooleanField(default=False)
    # The patient's consent to text messages and calls by a voice.
    phone_reminders = models.BooleanField(default=False)
    # The address bounced or its owner complained: nothing is sent to it, and somebody has to phone.
    email_undeliverable_since = models.DateTimeField(null=True, blank=True)
    # When they ended the e-mails by the link in one, until they consent again.
    unsubscribed_at = models.DateTimeField(null=True, blank=True)
    spasticity_origin = models.CharField(max_length=16, choices=Origin)
    flags = ArrayField(models.CharField(max_length=32, choices=Flag), default=list, blank=True)
    # Whether anybody asked is a fact of its own: a blank list is not "none".
    allergies_status = models.CharField(max_length=16, choices=Allergies, default=Allergies.NOT_ASKED)
    allergies = models.CharField(max_length=1000, blank=True)
    status = models.CharField(max_length=16, choices=Status, default=Status.ACTIVE)
    status_on = models.DateField(null=True, blank=True)
    status_reason = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = PatientQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["family_name", "given_name", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["clinic", "mrn"], name="patient_mrn_once_a_clinic"),
            models.CheckConstraint(
                condition=Q(status="active") | Q(status_on__isnull=False), name="patient_status_has_a_date"
            ),
            models.CheckConstraint(
                condition=Q(allergies_status="listed") & ~Q(allergies="")
                | ~Q(allergies_status="listed") & Q(allergies=""),
                name="patient_allergies_listed_or_not",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.given_name} {self.family_name}"


class SearchWord(models.Model):
    """A word of a patient's name, MRN or phone number, by whose beginning they are found.

    Written by the database alone: triggers on patients keep it (migration 0003), so there are no foreign keys to check.
    """

    pk = models.CompositePrimaryKey("patient_id", "word")
    patient = models.ForeignKey(
        Patient, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="words"
    )
    clinic = models.ForeignKey(
        Clinic, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    # In the order of its bytes, so that what begins alike is one range of an index.
    word = models.TextField(db_collation="C")

    objects = SearchWordQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            # SearchWordQuerySet.patients, for those who belong to some clinics and to all
            models.Index(fields=["clinic", "word", "patient"], name="searchword_of_clinic"),
            models.Index(fields=["word", "patient"], name="searchword_of_all"),
        ]

    def __str__(self) -> str:
        return self.word


def _of(model: type[models.Model], *, null: bool = True) -> models.ForeignKey[Any, Any]:
    """A reference of a viewing: neither checked nor indexed by itself, since one is written with every page."""
    return models.ForeignKey(
        model, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, null=null, related_name="+"
    )


class Viewing(models.Model):
    """Somebody saw something of a patient, took a file away, or logged in. Append-only, for as long as it is kept.

    `what` is the name of a page, the pattern of a call, or one of `patients.viewings.SIGN_INS`; `key` the program that
    called. Without a patient it is of a clinic, without a clinic of the person alone.
    """

    at = models.DateTimeField()
    user = _of(User, null=False)
    key = _of(ApiKey)
    patient = _of(Patient)
    clinic = _of(Clinic)
    what = models.CharField(max_length=80)

    objects = ViewingQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            # who saw what in a clinic, of a patient, by a person: newest first
            models.Index(fields=["clinic", "-at", "-id"], name="viewing_of_clinic"),
            models.Index(fields=["patient", "-at", "-id"], name="viewing_of_patient"),
            # also recent patients, and whether it was written within the last minute
            models.Index(fields=["user", "-at", "-id"], name="viewing_by_user"),
        ]

    def __str__(self) -> str:
        return f"{self.what} of patient {self.patient_id} by {self.user_id}"


class Contact(models.Model):
    """Somebody to tell beside the patient: a caregiver, or the care home. One that has ended is kept for the record."""

    class Kind(models.TextChoices):
        CAREGIVER = "caregiver", gettext_lazy("Caregiver")
        CARE_HOME = "care_home", gettext_lazy("Care home")

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="contacts")
    kind = models.CharField(max_length=16, choices=Kind)
    name = models.CharField(max_length=200)
    relationship = models.CharField(max_length=100, blank=True)
    phone = models.CharField(max_length=40, blank=True)
    email = models.EmailField(max_length=254, blank=True)
    # Consent, the contact's and the patient's, to e-mail reminders about the patient's visits.
    email_reminders = models.BooleanField(default=False)
    # The same, to text messages and calls by a voice.
    phone_reminders = models.BooleanField(default=False)
    # As on the patient.
    email_undeliverable_since = models.DateTimeField(null=True, blank=True)
    unsubscribed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = ContactQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["pk"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=~Q(phone="") | ~Q(email=""), name="contact_can_be_reached"),
            models.CheckConstraint(condition=Q(email_reminders=False) | ~Q(email=""), name="contact_reminded_by_email"),
        ]

    def __str__(self) -> str:
        return self.name


class Transfer(models.Model):
    """A patient's record offered to another clinic, by a link signed over the id and `nonce`.

    Until it is accepted nothing changes: the clinic that offers goes on reminding. `copy` is the patient as they are
    in the clinic that accepted; the offered record stays where it is, read-only from then on.
    """

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="transfers")
    nonce = models.CharField(max_length=16)
    note = models.CharField(max_length=500, blank=True)
    offered_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    offered_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    accepted_at = models.DateTimeField(null=True, blank=True)
    accepted_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    copy = models.OneToOneField(
        Patient, on_delete=models.PROTECT, null=True, blank=True, related_name="transferred_from"
    )

    objects = TransferQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["patient"],
                name="transfer_one_open_a_patient",
                condition=Q(accepted_at=None, withdrawn_at=None),
            ),
            models.CheckConstraint(
                condition=Q(accepted_at=None, copy=None) | Q(accepted_at__isnull=False, copy__isnull=False),
                name="transfer_accepted_has_a_copy",
            ),
        ]

    def __str__(self) -> str:
        return f"transfer of patient {self.patient_id}"
