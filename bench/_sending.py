"""How fast the outbox empties into a mail server, against a bare loop over one SMTP connection per worker.

The bare loop makes each message with the standard library, with a Message-ID of its own, and hands it over: nothing is
read, decided or stored. The server, and each worker, is a process of its own; both rates are taken in one run, of
messages with the same text.
"""

import asyncio
import contextlib
import logging
import os
import smtplib
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from email.message import EmailMessage
from email.utils import make_msgid
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session
from django.utils import timezone

from alerts.messages import compose
from alerts.models import Alert, Notification
from alerts.tasks import deliver
from clinics.models import Clinic, Membership, User
from patients.models import Patient
from pumps.models import Pump, PumpModel

WORKERS = 2
SENDER, RECIPIENT = "brim@localhost", "bench@example.org"


@dataclass(frozen=True)
class Rates:
    """Messages a second with WORKERS workers. `bare` is of two runs, one before and one after, so that a machine that
    grows slower or quicker meanwhile counts for neither."""

    messages: int
    bare: float
    outbox: float
    # What the server took in the outbox's run, and how many of these were of one kind.
    taken: int
    distinct: int

    @property
    def ratio(self) -> float:
        return self.outbox / self.bare


def measure(messages: int) -> Rates:
    """Both rates. Writes `messages` rows to the outbox of a clinic of its own and sends them.

    Nothing else may be deliverable meanwhile.
    """
    rows = _fill_the_outbox(messages)
    text = _text(rows)
    before = _timed_bare(messages, text)
    with _server() as (port, server):
        outbox = _timed([[sys.executable, "-m", "bench._sending", "outbox"]] * WORKERS, port)
        taken, distinct = _counts(server)
    after = _timed_bare(messages, text)
    return Rates(messages, 2 * messages / (before + after), messages / outbox, taken, distinct)


def _timed_bare(messages: int, text: bytes) -> float:
    share = str(messages // WORKERS)
    with _server() as (port, _):
        return _timed([[sys.executable, "-m", "bench._sending", "bare", share]] * WORKERS, port, text)


# --- the parent's side ------------------------------------------------------------------------------------------------


def _timed(commands: Sequence[Sequence[str]], port: int, given: bytes = b"") -> float:
    """Seconds from the word go, once every worker has started, to the end of the last."""
    environment = {**os.environ, "EMAIL_URL": f"smtp://127.0.0.1:{port}"}
    workers = [
        subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for command in commands
    ]
    for worker in workers:
        _line(worker)
    started = time.perf_counter()
    for worker in workers:
        _pipe(worker.stdin).write(given)
        _pipe(worker.stdin).close()
    for worker in workers:
        if worker.wait() != 0:
            sys.exit("A worker failed.")
    return time.perf_counter() - started


@contextlib.contextmanager
def _server() -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    command = [sys.executable, "-m", "bench._sending", "server"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        try:
            yield int(_line(server)), server
        finally:
            server.terminate()


def _counts(server: subprocess.Popen[bytes]) -> tuple[int, int]:
    pipe = _pipe(server.stdin)
    pipe.write(b"count\n")
    pipe.flush()
    taken, distinct = _line(server).split()
    return int(taken), int(distinct)


def _line(process: subprocess.Popen[bytes]) -> str:
    return str(_pipe(process.stdout).readline().decode().strip())


def _pipe(pipe: Any) -> Any:
    if pipe is None:
        raise TypeError("a process without pipes")
    return pipe


# --- the outbox -------------------------------------------------------------------------------------------------------


def _fill_the_outbox(messages: int) -> list[int]:
    """One message about one alert of each of so many pumps, to a scheduler. Returns the ids of the rows."""
    now = timezone.now()
    clinic = Clinic.objects.create(name=f"Sending {now:%H%M%S%f}", timezone="Europe/Berlin")
    user = User.objects.create_user(f"bench{now:%H%M%S%f}@example.org")
    Membership.objects.create(user=user, clinic=clinic, role="scheduler")
    patients = Patient.objects.bulk_create(
        Patient(
            clinic=clinic,
            mrn=f"S{number:06}",
            given_name="Ada",
            family_name="Bench",
            date_of_birth=date(1980, 5, 17),
            spasticity_origin="spinal",
        )
        for number in range(messages)
    )
    model = PumpModel.objects.earliest("pk")
    pumps = Pump.objects.bulk_create(_pump(patient, model) for patient in patients)
    alerts = Alert.objects.bulk_create(_alert(pump, now) for pump in pumps)
    rows = Notification.objects.bulk_create(
        Notification(
            clinic=clinic, alert=alert, tier="book", repeat_number=1, recipient=f"user:{user.pk}", user=user,
            channel="email", due_at=now,
        )
        for alert in alerts
    )  # fmt: skip
    return [row.pk for row in rows]


def _pump(patient: Patient, model: PumpModel) -> Pump:
    return Pump(
        clinic_id=patient.clinic_id,
        patient=patient,
        model=model,
        serial_number=f"SEND{patient.pk}",
        implanted_on=date(2025, 1, 7),
        low_reservoir_alarm_ml=model.low_reservoir_ml,
    )


def _alert(pump: Pump, now: datetime) -> Alert:
    return Alert(
        clinic_id=pump.clinic_id,
        patient_id=pump.patient_id,
        pump=pump,
        kind="refill_due",
        tiers=[],
        tier="book",
        opened_at=now,
        refill_by=now,
        low_at=now,
    )


def _text(rows: Sequence[int]) -> bytes:
    """What the outbox says in its first row, for the bare loop."""
    return str(compose(Notification.objects.get(pk=rows[0])).body).encode()


# --- the workers' side ------------------------------------------------------------------------------------------------


def _say_ready() -> bytes:
    """Tell the parent, and wait for its word."""
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    return sys.stdin.buffer.read()


def _bare(messages: int) -> None:
    text = _say_ready().decode()
    port = int(os.environ["EMAIL_URL"].rpartition(":")[2])
    with smtplib.SMTP("127.0.0.1", port) as connection:
        for _ in range(messages):
            message = EmailMessage()
            message["Subject"] = "[To book] Refill by Wed 25 Nov 2026: S000001"
            message["From"], message["To"] = SENDER, RECIPIENT
            message["Message-ID"] = make_msgid()
            message.set_content(text)
            connection.send_message(message)


def _outbox() -> None:
    _say_ready()
    deliver()


class _Counting:
    """Takes every message, and keeps how many there were and their Message-IDs."""

    def __init__(self) -> None:
        self.taken = 0
        self.seen: set[bytes] = set()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.taken += 1
        content = envelope.content or b""
        text = content if isinstance(content, bytes) else content.encode()
        self.seen.update(line for line in text.split(b"\r\n") if line.lower().startswith(b"message-id:"))
        return "250 OK"


async def _serve() -> None:
    logging.getLogger("mail.log").setLevel(logging.WARNING)  # a line a command would be half of its work
    handler = _Counting()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(handler, loop=loop), "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    while await loop.run_in_executor(None, sys.stdin.readline):
        sys.stdout.write(f"{handler.taken} {len(handler.seen)}\n")
        sys.stdout.flush()


def _main(arguments: Sequence[str]) -> None:
    match arguments:
        case ["server"]:
            asyncio.run(_serve())
        case ["bare", count]:
            _bare(int(count))
        case ["outbox"]:
            _outbox()
        case [count]:
            rates = measure(int(count))
            sys.stdout.write(f"{rates} ratio {rates.ratio:.2f}\n")


if __name__ == "__main__":
    _main(sys.argv[1:])
