from django.apps import AppConfig
from django.utils.module_loading import import_string


class TherapyConfig(AppConfig):
    name = "therapy"

    def ready(self) -> None:
        """A patient's course goes with them to another clinic. Models are there only by now."""
        taken_over = import_string("pumps.services.transfers.taken_over")
        taken_over.connect(import_string("therapy.services.handing_over.copy_course"), dispatch_uid="therapy")
