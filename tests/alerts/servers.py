"""Local servers that answer as they are told, and keep what they were asked."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs


@dataclass
class Asked:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(self.body.decode()).items()}


@dataclass
class HttpServer:
    """Answers every POST with `status` and `body`."""

    address: str = ""
    status: int = 200
    body: bytes = b"{}"
    asked: list[Asked] = field(default_factory=list)


@contextlib.contextmanager
def http_server() -> Iterator[HttpServer]:
    told = HttpServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            told.asked.append(Asked(self.path, dict(self.headers), body))
            self.send_response(told.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(told.body)))
            self.end_headers()
            self.wfile.write(told.body)

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class MailServer:
    """Speaks just enough SMTP. `fault` is what it does with the messages to come:

    refuse: 550 to the recipient; later: 451 to it; drop: hangs up after DATA; die: takes the message and hangs up
    without a word; stall: says nothing any more; once: hangs up after each message it has taken.
    """

    port: int = 0
    fault: str = ""
    connections: int = 0
    taken: list[str] = field(default_factory=list)
    tried: int = 0


@contextlib.contextmanager
def mail_server() -> Iterator[MailServer]:
    told = MailServer()
    listener = socket.create_server(("127.0.0.1", 0))
    told.port = listener.getsockname()[1]

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            told.connections += 1
            with connection, contextlib.suppress(OSError):
                _speak(connection, told)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield told
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def _speak(connection: socket.socket, told: MailServer) -> None:
    stream = connection.makefile("rb")
    connection.sendall(b"220 ready\r\n")
    while line := stream.readline():
        command = line[:4].upper()
        if command == b"RCPT" and told.fault in {"refuse", "later"}:
            said = b"550 5.1.1 no such user" if told.fault == "refuse" else b"451 greylisted"
            connection.sendall(said + b"\r\n")
        elif command == b"DATA":
            connection.sendall(b"354 go on\r\n")
            if told.fault == "drop":
                return
            lines = list(iter(stream.readline, b".\r\n"))
            told.tried += 1
            if told.fault == "stall":
                stream.read()  # until the other side gives up
                return
            told.taken.append(b"".join(lines).decode())
            if told.fault == "die":
                return
            connection.sendall(b"250 taken\r\n")
            if told.fault == "once":
                return
        elif command == b"QUIT":
            connection.sendall(b"221 bye\r\n")
            return
        else:
            connection.sendall(b"250 localhost\r\n")
