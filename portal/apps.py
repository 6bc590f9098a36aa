from django.apps import AppConfig
from django.utils.module_loading import import_string


class PortalConfig(AppConfig):
    name = "portal"

    def ready(self) -> None:
        """An emergency card's page ends with the care at its clinic. Models are there only by now."""
        care_changed = import_string("pumps.services.care.care_changed")
        care_changed.connect(import_string("portal.services.cards.end_with_care"), dispatch_uid="portal")
