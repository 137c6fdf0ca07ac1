"""Run ``advnets`` as ``python -m adversarial_nets``."""

import sys

from adversarial_nets.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
