"""What a pump's visits call for: an alert of their own, and quiet for the tiers that ask for a visit."""

from collections.abc import Sequence
from dataclasses import dataclass

from alerts.models import Alert
from clinical.escalation import Anchor, Tier
from clinical.saying import say
from clinics.words import in_english, moment_words
from pumps.models import Forecast
from scheduling.models import Appointment

Kind = Alert.Kind
OF_VISITS = (Kind.APPOINTMENT_LATE, Kind.NO_SHOW)
# A visit that is too late, or was missed: for those who book.
VISIT_LADDER = (Tier("urgent", Anchor.OPENED, 0, ("scheduler", "nurse"), False, 24, True),)


@dataclass(frozen=True)
class Visits:
    """Of some pumps: the visit that stands, and the one that was missed last, by pump id."""

    standing: dict[int, Appointment]
    missed: dict[int, Appointment]

    @classmethod
    def of(cls, pump_ids: Sequence[int]) -> "Visits":
        """As `standing_and_missed`."""
        return cls(*Appointment.objects.standing_and_missed(pump_ids))

    def by_kind(self, row: Forecast) -> dict[str, Appointment]:
        """The visit that calls for an alert, by the alert's kind.

        One after `refill_by` is too late. One that was missed is so until a visit is booked or the pump is refilled.
        """
        if not row.in_use:
            return {}
        found: dict[str, Appointment] = {}
        standing, missed = self.standing.get(row.pump_id), self.missed.get(row.pump_id)
        if standing is not None and is_late(row, standing):
            found[Kind.APPOINTMENT_LATE] = standing
        is_refilled = missed is not None and row.filled_at is not None and row.filled_at > missed.booked_at
        if missed is not None and standing is None and not is_refilled:
            found[Kind.NO_SHOW] = missed
        return found

    def why_closed(self, row: Forecast, kind: str, *, is_refilled: bool) -> str:
        """Why an alert of a visit is called for no longer."""
        if is_refilled:
            return "refilled"
        is_booked = row.pump_id in self.standing
        if kind == Kind.NO_SHOW:
            return say("a new visit is booked") if is_booked else say("put right")
        return say("the visit is before refill-by") if is_booked else say("the visit is off")


def is_late(row: Forecast, visit: Appointment) -> bool:
    """Whether a visit is after the moment the pump is to be refilled by."""
    return row.refill_by is not None and visit.starts_at > row.refill_by


def is_quieted(alert: Alert) -> bool:
    """Whether a visit in time is booked, so that the tiers that ask for one are quiet."""
    return alert.booked_at is not None and alert.refill_by is not None and alert.booked_at <= alert.refill_by


def visit_words(row: Forecast, visit: Appointment) -> str:
    return say("visit on %(starts_at)s", starts_at=in_english(moment_words, visit.starts_at, row.clinic.zone))
