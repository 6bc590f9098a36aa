"""How much each alert matters, by its kind and tier: shown as a word, and what lists are sorted by."""

from django.db.models import Case, IntegerField, Value, When
from django.utils.translation import gettext_lazy

from clinical.escalation import Priority

# By kind; where a kind has tiers, by the tier it is in. Kinds are those of `Alert.Kind`.
_OF_REFILL = {
    "": Priority.INFORMATION,
    "book": Priority.INFORMATION,
    "patient": Priority.INFORMATION,
    "unbooked": Priority.LOW,
    "urgent": Priority.MEDIUM,
    "past": Priority.HIGH,
    "low": Priority.HIGH,
    "empty": Priority.HIGH,
}
_OF_SERVICE = {
    "": Priority.INFORMATION,
    "half_year": Priority.INFORMATION,
    "quarter": Priority.LOW,
    "ended": Priority.HIGH,
}
BY_TIER = {"refill_due": _OF_REFILL, "service_ending": _OF_SERVICE}
BY_KIND = {
    "withdrawal": Priority.HIGH,
    "overdose": Priority.HIGH,
    "pump_alarm_two_tones": Priority.HIGH,
    "pump_stopped": Priority.HIGH,
    "pump_stalled": Priority.HIGH,
    "concentration_not_programmed": Priority.HIGH,
    "nobody_on_call": Priority.HIGH,
    "pump_alarm": Priority.MEDIUM,
    "appointment_late": Priority.MEDIUM,
    "no_show": Priority.MEDIUM,
    "discrepancy": Priority.MEDIUM,
    "interrogation_due": Priority.MEDIUM,
    "forecast_unknown": Priority.MEDIUM,
    "delivery_failed": Priority.MEDIUM,
    "engine_late": Priority.MEDIUM,
    "call_back": Priority.MEDIUM,
    "flow_changed": Priority.MEDIUM,
    "plan_unconfirmed": Priority.LOW,
}
WORDS = {
    Priority.HIGH: gettext_lazy("High"),
    Priority.MEDIUM: gettext_lazy("Medium"),
    Priority.LOW: gettext_lazy("Low"),
    Priority.INFORMATION: gettext_lazy("Information"),
}
ORDER = tuple(Priority)


def priority_of(kind: str, tier: str) -> Priority:
    """
    Raises:
        KeyError: there is no such kind, or the kind has no such tier.
    """
    return BY_TIER[kind][tier] if kind in BY_TIER else BY_KIND[kind]


def rank() -> Case:
    """An alert's place by priority, 0 for the highest, as an expression over its row."""
    by_tier = [
        When(kind=kind, tier=tier, then=Value(ORDER.index(priority)))
        for kind, tiers in BY_TIER.items()
        for tier, priority in tiers.items()
    ]
    by_kind = [When(kind=kind, then=Value(ORDER.index(priority))) for kind, priority in BY_KIND.items()]
    return Case(*by_tier, *by_kind, default=Value(len(ORDER)), output_field=IntegerField())
