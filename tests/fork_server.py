"""A process that has loaded the package, and forks a child for each program that a test runs.

Loading torch, Matplotlib and the package takes five seconds. A child is a separate process: its
output goes where the test sends it, and signals reach only this process.
"""

import atexit
import gc
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

__all__ = ["ADVNETS", "ForkServer", "children"]

ADVNETS = "from adversarial_nets.cli.main import main; sys.exit(main(sys.argv[1:]))"
"""The program ``advnets``."""


class ForkServer:
    """Starts the server; use it as a context manager."""

    def __init__(self) -> None:
        self.socket, theirs = socket.socketpair()
        command = [sys.executable, __file__, str(theirs.fileno())]
        self.process = subprocess.Popen(command, pass_fds=[theirs.fileno()])
        theirs.close()

    def __enter__(self) -> "ForkServer":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()
        self.process.wait()

    def start(
        self,
        program: str,
        args: Sequence[object],
        stdout: int | None,
        stderr: int | None = 2,
        encoding: str = "utf-8",
    ) -> int:
        """Start a program in a child; returns the process id.

        Args:
            program: Python code.
            args: what it finds in ``sys.argv[1:]``.
            stdout: the descriptor of its standard output; None closes it, as ``>&-`` does.
            stderr: that of its standard error.
            encoding: of both.
        """
        open_streams = {1: stdout, 2: stderr}
        request = {
            "program": program,
            "args": [str(arg) for arg in args],
            "encoding": encoding,
            "open": [number for number, fd in open_streams.items() if fd is not None],
        }
        given = [fd for fd in open_streams.values() if fd is not None]
        socket.send_fds(self.socket, [json.dumps(request).encode()], given)
        self.pid = int(self.socket.recv(100))
        return self.pid

    def wait(self, limit: float | None = None) -> int:
        """The exit code of the child that was started last; negative if a signal ended it.

        Raises:
            TimeoutError: it had not ended after `limit` seconds. It is killed, and its children.
        """
        self.socket.settimeout(limit)
        try:
            return int(self.socket.recv(100))
        except TimeoutError:
            for pid in [self.pid, *children(self.pid)]:
                os.kill(pid, signal.SIGKILL)
            self.socket.settimeout(None)
            self.socket.recv(100)
            raise
        finally:
            self.socket.settimeout(None)


def children(pid: int) -> list[int]:
    """The process ids of a process's children, the oldest first; none where there is no /proc."""
    file = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in file.read_text().split()] if file.exists() else []


def _serve(connection: socket.socket) -> None:
    while True:
        message, fds, _, _ = socket.recv_fds(connection, 1 << 16, 2)
        if not message:
            return
        pid = os.fork()
        if pid == 0:
            connection.close()
            _run(json.loads(message), fds)
        for fd in fds:
            os.close(fd)
        connection.send(str(pid).encode())
        connection.send(str(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])).encode())


def _run(request: dict[str, Any], fds: list[int]) -> None:
    """Run a program as a new interpreter would, which has no stream for a closed descriptor."""
    given = dict(zip(request["open"], fds, strict=True))
    for number, name in ((1, "stdout"), (2, "stderr")):
        os.close(number)
        setattr(sys, name, None)
        if number in given:
            os.dup2(given[number], number)
            errors = "strict" if number == 1 else "backslashreplace"
            stream = open(  # noqa: SIM115 (open until the end)
                number, "w", encoding=request["encoding"], errors=errors, closefd=False
            )
            setattr(sys, name, stream)
    for fd in fds:
        os.close(fd)
    sys.argv[1:] = request["args"]
    code: str | int | None = 0
    try:
        exec(request["program"], {"sys": sys})
    except SystemExit as end:
        code = 0 if end.code is None else end.code
    _end(code)


def _end(code: str | int | None) -> None:
    """End as an interpreter does, but without freeing each object, which takes half a second."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    if isinstance(code, int):
        with suppress(OSError, ValueError):  # the interpreter itself reports what it cannot write
            for stream in (sys.stdout, sys.stderr):
                if stream is not None:
                    stream.flush()
            os._exit(code & 255)
    sys.exit(code)


if __name__ == "__main__":
    gc.disable()
    import torch._dynamo

    from adversarial_nets import datasets, evaluation, report
    from adversarial_nets.training import session

    assert all((torch, datasets, evaluation.evaluate, report.write_report, session))
    # No child searches all these objects for garbage when it ends, which would take a second.
    gc.freeze()
    gc.enable()
    _serve(socket.socket(fileno=int(sys.argv[1])))
