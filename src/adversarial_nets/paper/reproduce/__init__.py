"""Reproduce the paper, part by part, on one page: ``advnets paper reproduce``.

* `registry`: the types `Part`, `Context` and `Result`, and the dictionary of all parts.
* `contents`: the paper's parts, in its order.
* `theory_parts`, `claim_parts`, `training_parts`, `table_parts`, `section7_parts`: the functions
  that make them.
* `engine`: decides which parts to make, makes them and records them (`records`); `page` writes the
  HTML page.

How to add a part: docs/add-a-part-to-reproduce.md.
"""

from typing import TYPE_CHECKING

from adversarial_nets.lazy_names import lazy_names
from adversarial_nets.paper.reproduce import contents  # noqa: F401 (it registers the parts)
from adversarial_nets.paper.reproduce.registry import PARTS, Context, Part, Result, register

if TYPE_CHECKING:
    from adversarial_nets.paper.reproduce.engine import Reproduction, reproduce
    from adversarial_nets.paper.reproduce.records import Record

__all__ = ["PARTS", "Context", "Part", "Record", "Reproduction", "Result", "register", "reproduce"]

# Imported on first use, because help texts name the parts and must not import torch.
__getattr__, __dir__ = lazy_names(
    __name__, {"engine": "Reproduction reproduce", "records": "Record"}
)
