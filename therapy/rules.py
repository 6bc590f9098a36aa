"""Which rules hold at a clinic: its label set, tightened by its own protocol."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.utils.translation import gettext as _

from clinical.labels import LABEL_SETS, LabelSet
from clinical.protocols import problems, tightened
from clinics.models import Clinic
from clinics.saying import said
from patients.models import Patient
from therapy.models import Protocol, Trial


@dataclass(frozen=True)
class Rules:
    """`labels` with the protocol's figures in place; `protocol` is None where the clinic has none of its own."""

    labels: LabelSet
    protocol: Protocol | None

    @property
    def version_words(self) -> str:
        """Which versions they are, as a decision keeps them."""
        values = {"labels": said(self.labels.name), "version": self.labels.version}
        if self.protocol is None:
            return _("%(labels)s %(version)s") % values
        return _("%(labels)s %(version)s, the clinic's protocol %(own)s") % {**values, "own": self.protocol.version}


def protocol_of(clinic_id: int) -> Protocol | None:
    """A clinic's newest protocol."""
    return Protocol.objects.filter(clinic=clinic_id).order_by("-version").first()


def rules_of(clinic: Clinic) -> Rules:
    protocol = protocol_of(clinic.pk)
    return _rules(clinic.label_set, protocol)


def rules_of_trial(trial: Trial) -> Rules:
    """The rules a screening was begun under."""
    return _rules(trial.label_set, trial.protocol)


def _rules(label_set: str, protocol: Protocol | None) -> Rules:
    labels = LABEL_SETS[label_set]
    if protocol is None:
        return Rules(labels, None)
    return Rules(tightened(labels, figures_of(protocol, labels)), protocol)


def figures_of(protocol: Protocol, labels: LabelSet) -> dict[str, Decimal]:
    """A protocol's figures. One that a newer label set has overtaken, which would be looser now, does not count."""
    figures = {key: Decimal(value) for key, value in protocol.figures.items()}
    wrong = problems(figures, labels)
    return {key: value for key, value in figures.items() if key not in wrong}


def age_of(patient: Patient, on: date) -> int:
    """Whole years at a day."""
    born = patient.date_of_birth
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))
