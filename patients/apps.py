from django.apps import AppConfig
from django.contrib.auth import signals
from django.utils.module_loading import import_string

HEARD = {
    signals.user_logged_in: "patients.signing_in.logged_in",
    signals.user_logged_out: "patients.signing_in.logged_out",
    signals.user_login_failed: "patients.signing_in.failed",
}


class PatientsConfig(AppConfig):
    name = "patients"

    def ready(self) -> None:
        """Log-ins are kept. Models are there only by now."""
        for signal, hears in HEARD.items():
            signal.connect(import_string(hears), dispatch_uid="viewings")
