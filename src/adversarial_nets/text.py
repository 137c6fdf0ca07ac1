"""Format texts: counts in words, aligned columns, names of files, data URIs."""

import base64
import hashlib

from rich.cells import cell_len

__all__ = ["counted", "data_uri", "file_name", "padded"]


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
