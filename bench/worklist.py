"""Worklist page, search and refill-to-forecast: 10,000 pumps against 240, as the ratio of medians in one run."""

import sys
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from statistics import median

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from bench._fleet import insist_on_an_empty_database, p95, say, someone, timed, write_fleet
from clinics.models import User
from clinics.roles import Role
from interop.importing import import_folder
from patients.models import Patient
from pumps.models import Event, Pump
from pumps.services import fleet, ledger
from pumps.services.entries import RefillEntry

TIMES = 60
SMALL = 240


def main(pumps: int) -> int:
    insist_on_an_empty_database()
    nurse = someone(Role.NURSE)
    add_fleet("Small", SMALL, seed=1)
    before = measure(nurse)
    add_fleet("Large", pumps - SMALL, seed=2)
    after = measure(nurse)
    say(f"{'':28}{SMALL:>7,} pumps{'':14}{pumps:>7,} pumps{'':14}ratio of medians")
    for name in before:
        say(f"{name:28}{told(before[name])}   {told(after[name])}   {median(after[name]) / median(before[name]):.2f}")
    return 0


def add_fleet(name: str, pumps: int, seed: int) -> None:
    with tempfile.TemporaryDirectory(prefix="brim-bench-") as folder:
        write_fleet(Path(folder), pumps=pumps, name=name, seed=seed)
        import_folder(folder=Path(folder), user=None, now=timezone.now())
    fleet.tick(timezone.now())


def measure(nurse: User) -> dict[str, list[float]]:
    """Milliseconds of each run, through the test client as a browser would, and through the service."""
    client = Client(headers={"host": "localhost"})
    client.force_login(nurse, backend="clinics.backends.EmailBackend")
    names = iter(Patient.objects.order_by("pk").values_list("family_name", flat=True)[: TIMES + 1])
    refills = one_refill_after_the_other(nurse)
    return {
        "worklist, page 1": timed(lambda: get(client, {}), TIMES),
        "worklist, search by name": timed(lambda: get(client, {"q": next(names)}), TIMES),
        "refill to stored forecast": timed(lambda: next(refills), TIMES),
    }


def get(client: Client, parameters: dict[str, str]) -> None:
    response = client.get(reverse("worklist"), parameters)
    if response.status_code != 200:
        sys.exit(f"The worklist answered {response.status_code}.")


def one_refill_after_the_other(nurse: User) -> Iterator[Event]:
    """Each on another pump, so that none waits for the last."""
    now = timezone.now()
    pumps = Pump.objects.visible_to(nurse).filter(model__programmable=True).select_related("model").order_by("-pk")
    for pump in pumps[: TIMES + 1]:
        last = pump.events.filter(kind=Event.Kind.REFILL).latest("occurred_at")
        entry = RefillEntry(
            refilled_at=now - timedelta(minutes=1),
            aspirated_ml=Decimal("4.0"),
            filled_ml=pump.model.reservoir_ml,
            concentration_mcg_per_ml=last.concentration_mcg_per_ml or Decimal(500),
        )
        yield ledger.record(
            pump_id=pump.pk,
            entry=entry,
            user=nurse,
            source=Event.Source.PAGE,
            now=now,
            confirmed=["aspirated_unexpected"],
        )


def told(milliseconds: list[float]) -> str:
    return f"median {median(milliseconds):6.1f} ms, p95 {p95(milliseconds):6.1f} ms"


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000))
