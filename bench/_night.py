"""What a worker does at night, as a process of its own."""

from django.utils import timezone

from pumps.services import nightly

if __name__ == "__main__":
    nightly.run_if_due(timezone.now())
