"""What a worker does at night, as a process of its own that waits for its input to end."""

import sys

from django.utils import timezone

from bench._fleet import say
from pumps.services import nightly

if __name__ == "__main__":
    say("up")
    sys.stdin.read()
    nightly.run_if_due(timezone.now())
    say("done")
