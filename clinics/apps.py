from django.apps import AppConfig

from clinics.fields import speak_plainly


class ClinicsConfig(AppConfig):
    name = "clinics"

    def ready(self) -> None:
        speak_plainly()
