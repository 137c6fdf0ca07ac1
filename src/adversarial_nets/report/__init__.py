"""HTML reports: one self-contained page for a run, and the templates of the other pages.

`write_report` is imported on first use, since it needs torch; the other names do not.
"""

from typing import TYPE_CHECKING

from adversarial_nets.report.commands import continue_command
from adversarial_nets.report.existing import existing_report
from adversarial_nets.report.templates import template

if TYPE_CHECKING:
    from adversarial_nets.report.run_report import write_report

__all__ = [
    "continue_command",
    "existing_report",
    "template",
    "write_report",
]


def __getattr__(name: str) -> object:
    """Import `write_report` when it is first used."""
    if name != "write_report":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from adversarial_nets.report.run_report import write_report

    return write_report
