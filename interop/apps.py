from django.apps import AppConfig
from django.core.checks import Tags, register


class InteropConfig(AppConfig):
    name = "interop"

    def ready(self) -> None:
        # Models can be imported only once all apps are there.
        from interop.checks import no_demo_accounts

        register(no_demo_accounts, Tags.database)
