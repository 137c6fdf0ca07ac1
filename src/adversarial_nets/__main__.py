"""Run ``advnets``; also as ``python -m adversarial_nets``."""

import atexit
import gc
import sys
from collections.abc import Sequence

__all__ = ["main"]

# When Python ends, it need not search torch's many objects for garbage, which takes a second.
atexit.register(gc.freeze)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command as `cli.main.main` does; Ctrl-C while that is imported ends quietly, too."""
    try:
        from adversarial_nets.cli.main import main as run

        return run(argv)
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
