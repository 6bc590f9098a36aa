"""The kinds of event beside refills and dose changes: what each is called and which fields it has."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from pumps.models import Event

Kind = Event.Kind


@dataclass(frozen=True)
class EventKind:
    """`required` and `optional` name the kind's own fields; every kind has `occurred_at` and `reason` besides.

    One that is `by_action` has no form of its own: it is a button where it is asked for.
    """

    code: str
    title: Promise
    explained: Promise
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    programmable_only: bool = True
    by_action: bool = False

    @property
    def fields(self) -> tuple[str, ...]:
        return self.required + self.optional


_LIST = (
    EventKind(
        Kind.INTERROGATION,
        gettext_lazy("Interrogation"),
        gettext_lazy(
            "What the programmer showed. It is held against this ledger; an alarm that was heard is settled by it."
        ),
        optional=("volume_ml", "daily_dose_mcg", "pump_clock", "patient_bolus_mcg", "alarms"),
    ),
    EventKind(
        Kind.STOP,
        gettext_lazy("Pump stopped"),
        gettext_lazy("The pump was stopped and delivers nothing until it is restarted. An alert goes out at once."),
    ),
    EventKind(
        Kind.RESTART,
        gettext_lazy("Pump restarted"),
        gettext_lazy("The pump runs again, on the program it had before it was stopped."),
    ),
    EventKind(
        Kind.STALL,
        gettext_lazy("Motor stall"),
        gettext_lazy(
            "The motor has stalled: drug may not be flowing. An alert goes out until the recovery is recorded."
        ),
    ),
    EventKind(
        Kind.STALL_RECOVERY,
        gettext_lazy("Recovery from a motor stall"),
        gettext_lazy("The motor runs again. The time between stall and recovery counts as no delivery."),
    ),
    EventKind(
        Kind.MRI,
        gettext_lazy("MRI scan"),
        gettext_lazy("The patient was in an MRI scanner. Brim asks for an interrogation after it."),
        optional=("reservoir_emptied",),
        programmable_only=False,
    ),
    EventKind(
        Kind.BOLUS,
        gettext_lazy("Single bolus"),
        gettext_lazy("A dose given by the pump at once, beside its program."),
        required=("dose_mcg",),
        optional=("duration_hours",),
    ),
    EventKind(
        Kind.PRIMING_BOLUS,
        gettext_lazy("Priming bolus"),
        gettext_lazy(
            "Drug delivered fast to fill tubing and catheter, after an implant, a revision or a catheter access."
        ),
        required=("volume_ml",),
    ),
    EventKind(
        Kind.BRIDGE_BOLUS,
        gettext_lazy("Bridge bolus"),
        gettext_lazy(
            "After a change of concentration: the old drug in tubing and catheter, delivered at the old dose."
        ),
        required=("volume_ml", "duration_hours"),
        optional=("dose_mcg",),
    ),
    EventKind(
        Kind.RESERVOIR_ACCESS,
        gettext_lazy("Reservoir access"),
        gettext_lazy("Drug taken out of or put into the reservoir outside a refill."),
        required=("aspirated_ml", "injected_ml"),
        programmable_only=False,
    ),
    EventKind(
        Kind.CATHETER_ACCESS,
        gettext_lazy("Catheter access"),
        gettext_lazy("Fluid aspirated through the catheter access port. The reservoir keeps its volume."),
        required=("aspirated_ml",),
        programmable_only=False,
    ),
    EventKind(
        Kind.CATHETER_REVISION,
        gettext_lazy("Catheter revision"),
        gettext_lazy("The catheter was repaired, shortened or replaced."),
        optional=("catheter_volume_ml",),
        programmable_only=False,
    ),
    EventKind(
        Kind.ALARM_REPORTED,
        gettext_lazy("Alarm reported"),
        gettext_lazy("Somebody heard the pump alarm. An alert goes out until the pump is interrogated or refilled."),
        optional=("tones",),
    ),
    EventKind(
        Kind.DOSE_CONFIRMED,
        gettext_lazy("Planned dose programmed"),
        gettext_lazy(
            "A dose change that was planned has been made. Until somebody says so, it is a plan "
            "whose moment has passed."
        ),
        required=("confirms_at",),
        by_action=True,
    ),
)
KINDS: dict[str, EventKind] = {str(kind.code): kind for kind in _LIST}
FORMS: dict[str, EventKind] = {code: kind for code, kind in KINDS.items() if not kind.by_action}
# Fields of which a kind may have some.
ALL_FIELDS = tuple(sorted({field for kind in _LIST for field in kind.fields}))
