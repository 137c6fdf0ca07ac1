"""A process that has loaded the package, and forks a child for each program that a test runs.

Loading torch, Matplotlib and the package takes five seconds. A child is a process of its own: its
output goes where the test sends it, and signals reach it alone.
"""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

__all__ = ["ADVNETS", "ForkServer"]

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
        return int(self.socket.recv(100))

    def wait(self) -> int:
        """The exit code of the child that was started last; negative if a signal ended it."""
        return int(self.socket.recv(100))


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
    exec(request["program"], {"sys": sys})
    sys.exit()


if __name__ == "__main__":
    import torch._dynamo

    from adversarial_nets import datasets, evaluation, report
    from adversarial_nets.training import session

    assert all((torch, datasets, evaluation.evaluate, report.write_report, session))
    _serve(socket.socket(fileno=int(sys.argv[1])))
