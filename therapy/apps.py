from django.apps import AppConfig
from django.utils.module_loading import import_string

# What is heard of the room below, and by whom.
HEARD = {
    "pumps.services.transfers.taken_over": "therapy.services.handing_over.copy_course",
    "pumps.services.plans.confirming": "therapy.services.weaning.ask_for_a_read_back",
    "pumps.services.ledger.dose_made": "therapy.services.weaning.end_by_another_dose",
    "pumps.services.ledger.entry_voided": "therapy.services.weaning.end_by_void",
}


class TherapyConfig(AppConfig):
    name = "therapy"

    def ready(self) -> None:
        """A course goes along to another clinic, and a taper ends with what it was planned on.

        Models are there only by now.
        """
        for signal, hears in HEARD.items():
            import_string(signal).connect(import_string(hears), dispatch_uid="therapy")
