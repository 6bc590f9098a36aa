"""A local SMTP server, as a process of its own, that can misbehave; and its handle.

What it has accepted it writes to a file before it answers. Modes, set by a line on its input:
accept; refuse (451, not now); stall (no answer until the client gives up); drop (closes the connection before it has
accepted); die (accepts, then closes the connection instead of answering); down (nobody listens).
"""

import asyncio
import json
import logging
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email.parser import BytesHeaderParser
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP

MODES = ("accept", "refuse", "stall", "drop", "die", "down")
SENDER = "X-Sender-Process"


@dataclass(frozen=True)
class Taken:
    """An accepted message: its row in the outbox, the process that sent it, the mode it came in, when (epoch)."""

    row: int
    message_id: str
    pid: int
    mode: str
    at: float


class PostOffice:
    """Runs the server, sets its mode, reads what it accepted."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port: int = probe.getsockname()[1]
        self.log = folder / "accepted"
        self.log.touch()
        self._read_to = 0
        self._server = subprocess.Popen(
            [sys.executable, "-m", "bench._post_office", str(self.port), str(self.log)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._answer()

    def set(self, mode: str) -> None:
        if self._server.stdin is None:
            raise RuntimeError("the server has no input")
        self._server.stdin.write(mode + "\n")
        self._server.stdin.flush()
        self._answer()

    def _answer(self) -> None:
        if self._server.stdout is None or not self._server.stdout.readline():
            raise RuntimeError("the SMTP server did not come up")

    def taken(self) -> list[Taken]:
        """What was accepted since `forget`."""
        return list(self._lines())

    def _lines(self) -> Iterator[Taken]:
        with self.log.open() as file:
            file.seek(self._read_to)
            for line in file:
                yield Taken(**json.loads(line))

    def forget(self) -> None:
        self._read_to = self.log.stat().st_size

    def close(self) -> None:
        self._server.kill()
        self._server.communicate()


class _Handler:
    def __init__(self, log: Path) -> None:
        self.mode = "accept"
        self._log = log.open("a", buffering=1)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        match self.mode:
            case "refuse":
                return "451 not now"
            case "stall":
                await asyncio.sleep(30)
                return "451 still not"
            case "drop":
                server.transport.abort()
                return "451 gone"
        self._write(envelope.content)
        if self.mode == "die":
            server.transport.abort()
        return "250 taken"

    def _write(self, content: bytes) -> None:
        headers = BytesHeaderParser().parsebytes(content)
        message_id = str(headers["Message-ID"])
        number = re.search(r"\d+", message_id)
        taken = Taken(int(number[0]) if number else 0, message_id, int(headers[SENDER] or 0), self.mode, time.time())
        self._log.write(json.dumps(vars(taken)) + "\n")


# One line a message, at least, would be what takes most of the time.
logging.getLogger("mail.log").setLevel(logging.ERROR)


async def serve(port: int, log: Path) -> None:
    handler, loop = _Handler(log), asyncio.get_running_loop()
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)

    async def listen() -> asyncio.Server:
        return await loop.create_server(lambda: SMTP(handler, hostname="localhost"), "127.0.0.1", port)

    server: asyncio.Server | None = await listen()
    os.write(1, b"up\n")
    while line := await lines.readline():
        handler.mode = line.decode().strip()
        if handler.mode == "down" and server is not None:
            server.close()
            server = None
        elif handler.mode != "down" and server is None:
            server = await listen()
        os.write(1, b"ok\n")


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), Path(sys.argv[2])))
