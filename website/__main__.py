"""Build the site into a folder: ``python -m website``; ``make site`` calls it."""

import argparse
import subprocess
import sys
from pathlib import Path

from adversarial_nets.errors import UserError
from adversarial_nets.progress import print_line
from website import interactive
from website.build import build
from website.check import problems
from website.sources import LANGUAGES, ROOT


def main() -> int:
    """Build the site, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m website", description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "site", help="folder of the site")
    parser.add_argument(
        "--run", type=Path, default=Path("digits"), help="run whose G the visitor explores"
    )
    parser.add_argument("--language", choices=LANGUAGES, help="build only this language's pages")
    parser.add_argument(
        "--notebooks",
        choices=("quick", "full", "off"),
        default="quick",
        help="execute notebooks with short games, in full, or not at all",
    )
    parser.add_argument("--only", choices=("pages", "interactive"), help="build only these")
    options = parser.parse_args()
    try:
        if options.only != "pages":
            interactive.build(options.out, options.run)
        if options.only != "interactive":
            languages = (options.language,) if options.language else LANGUAGES
            build(options.out, languages, options.notebooks)
        wrong = [] if options.only or options.language else problems(options.out)
    except subprocess.CalledProcessError:
        return 1  # Sphinx has printed the reason
    except UserError as error:
        print(f"make site: {error}", file=sys.stderr)
        return error.exit_code
    for line in wrong:
        print(f"make site: {line}", file=sys.stderr)
    if wrong:
        return 1
    print_line(f"The site is in {options.out}; open {options.out / 'index.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
