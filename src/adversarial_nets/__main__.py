"""Run ``advnets``; also as ``python -m adversarial_nets``."""

import atexit
import gc
import signal
import sys
from collections.abc import Sequence

__all__ = ["main"]

# Garbage collection of torch's many objects takes a second when Python ends, and is not needed.
atexit.register(gc.freeze)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command by `cli.main.main`; Ctrl-C during its import also ends without a traceback."""
    try:
        from adversarial_nets.cli.main import main as run

        code = run(argv)
    except KeyboardInterrupt:
        code = 130
    if code == 130:  # a further Ctrl-C would print a traceback of Python's own clean-up
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    return code


if __name__ == "__main__":
    sys.exit(main())
