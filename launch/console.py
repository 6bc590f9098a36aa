"""What the person at the terminal reads."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable
from typing import NoReturn

from launch.bootstrap import Refusal


def say(line: str = "") -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def warn(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def run(main: Callable[[list[str]], int]) -> NoReturn:
    """Run a command; whatever keeps it from starting is one line, never a traceback."""
    try:
        status = main(sys.argv[1:])
    except Refusal as refusal:
        warn(str(refusal))
        status = 1
    except OSError as error:
        warn(explain(error))
        status = 1
    except KeyboardInterrupt:
        status = 130
    sys.exit(status)


def explain(error: OSError) -> str:
    """One line for the errors a machine may give; anything else is our mistake and keeps its traceback."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "No disk space is left."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS) and error.filename is not None:
        return f"{error.filename} cannot be written: it belongs to another user, or its disk is read-only."
    raise error
