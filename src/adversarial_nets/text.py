"""Format texts: counts in words, columns, names of files, data URIs, texts of networks."""

import base64
import hashlib
import re
from collections.abc import Sequence

from rich.cells import cell_len

__all__ = [
    "OTHER_ORDER",
    "changed_lines",
    "counted",
    "data_uri",
    "distinct_lines",
    "file_name",
    "network_lines",
    "padded",
]


def counted(n: int, what: str) -> str:
    """A number and its noun: ``1 image``, ``2,000 images``."""
    return f"{n:,} {what}{'s' * (n != 1)}"


def padded(text: str, width: int, *, right: bool = False) -> str:
    """The text with spaces up to a width in a terminal's columns.

    >>> padded("ab", 4) + "|", padded("数", 4) + "|"  # a Chinese character takes two columns
    ('ab  |', '数  |')
    """
    spaces = " " * (width - cell_len(text))
    return spaces + text if right else text + spaces


def file_name(name: str) -> str:
    """Convert the name of a data set or model to a part of a file name, with hyphens.

    A name of more than 150 bytes is cut and ends in a hash of the whole.

    >>> file_name("folder:cats/") == file_name("folder:cats")
    True
    >>> len(file_name("x" * 300)), file_name("x" * 300) == file_name("x" * 301)
    (159, False)
    """
    plain = "".join(c if c.isalnum() or c in "-._" else "-" for c in name.rstrip("/\\"))
    encoded = plain.encode(errors="surrogateescape")
    if len(encoded) <= 150:
        return plain
    digest = hashlib.sha256(encoded).hexdigest()[:8]
    return f"{encoded[:150].decode(errors='ignore')}-{digest}"


def data_uri(content: bytes, kind: str = "png") -> str:
    """An image as a data URI, so that a page needs no other file.

    >>> data_uri(b"GIF", "gif")
    'data:image/gif;base64,R0lG'
    """
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def network_lines(text: str) -> list[str]:
    r"""The lines of a network's text (`repr`), one for each layer.

    Addresses of functions, which differ between processes, and `torch.compile` do not count.

    >>> network_lines("OptimizedModule(\n  (_orig_mod): ReLU()\n)") == network_lines("ReLU()")
    True
    """
    text = re.sub(r" at 0x[0-9a-f]+", "", text)
    text = re.sub(r"OptimizedModule\(\s*\(_orig_mod\): ", "", text)
    return [line.strip() for line in text.splitlines() if line.strip() != ")"]


def distinct_lines(networks: Sequence[Sequence[str]]) -> list[str]:
    """For each network, its lines from `network_lines` that are not in all others."""
    return [
        ", ".join(line for line in lines if not all(line in other for other in networks))
        for lines in networks
    ]


OTHER_ORDER = "the same layers in another order or number"
"""The difference between two networks whose texts differ but have the same lines."""


def changed_lines(before: str, now: str) -> str:
    r"""The differences between the texts of two networks; empty if they are equal.

    A lazy layer may have got its size.

    >>> changed_lines("(0): Linear()\n(1): ReLU()", "(0): Linear()\n(1): Tanh()")
    '(1): ReLU() → (1): Tanh()'
    >>> changed_lines("LazyLinear(in_features=0, bias=True)", "Linear(in_features=9, bias=True)")
    ''
    """
    if "Lazy" in before + now:
        size = r"(?:Lazy)?(\w+)\((?:in_features=)?\d+, "
        before, now = (re.sub(size, r"\1(", text) for text in (before, now))
    old, new = network_lines(before), network_lines(now)
    if old == new:
        return ""
    only = distinct_lines([old, new])
    return " → ".join(lines or "nothing" for lines in only) if any(only) else OTHER_ORDER
