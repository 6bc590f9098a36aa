from django.apps import AppConfig
from django.core.checks import Tags, register

from interop.checks import no_demo_accounts


class InteropConfig(AppConfig):
    name = "interop"

    def ready(self) -> None:
        register(no_demo_accounts, Tags.database)
