"""HTML reports: one self-contained page for a run, and the templates of the other pages.

`write_report` is imported on first use, since it needs torch; the other names do not.
"""

from typing import TYPE_CHECKING

from adversarial_nets.lazy_names import lazy_names
from adversarial_nets.report.commands import continue_command
from adversarial_nets.report.existing import existing_report
from adversarial_nets.report.templates import template

if TYPE_CHECKING:
    from adversarial_nets.report.run_report import write_report

__all__ = ["continue_command", "existing_report", "template", "write_report"]

__getattr__, __dir__ = lazy_names(__name__, {"run_report": "write_report"})
