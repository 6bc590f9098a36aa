from anymail.signals import tracking
from django.apps import AppConfig
from django.utils.module_loading import import_string


class AlertsConfig(AppConfig):
    name = "alerts"

    def ready(self) -> None:
        """What a mail provider says, once anymail has checked who says it. Models are there only by now."""
        tracking.connect(import_string("alerts.callbacks.on_tracking"), dispatch_uid="alerts")
