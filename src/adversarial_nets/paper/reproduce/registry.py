"""The types of a part of the reproduction, and the registry of all parts."""

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from adversarial_nets.errors import UserError
from adversarial_nets.progress import Progress, no_progress

__all__ = ["OUT", "PARTS", "Context", "Part", "Profile", "Result", "register", "usable_names"]

Profile = Literal["quick", "full"]
OUT = Path("runs/paper/reproduction")

Row = Mapping[str, Any]
"""A row of a table: the value of each column by its heading."""


@dataclass(frozen=True)
class Context:
    """The argument of a part's function.

    Attributes:
        out: the folder of the whole reproduction.
        profile: ``quick``, on the included digits in minutes, or ``full``, the published sizes.
        seed: the seed of every random draw.
        use: runs and tables to show instead of making them, by the name of their part.
        on_progress: called with (what, amount done, total).
    """

    out: Path = OUT
    profile: Profile = "quick"
    seed: int = 0
    use: Mapping[str, Path] = field(default_factory=dict)
    on_progress: Progress = no_progress

    @property
    def folder(self) -> Path:
        """The folder of the records and pictures."""
        return self.out / "parts"

    def command(self, name: str, *options: str) -> str:
        """The command that makes a part.

        Args:
            name: the part's name.
            *options: its options; ``--profile full`` by default if the part needs it.
        """
        if not options and PARTS[name].full_only:
            options = ("--profile", "full")
        out = () if self.out == OUT else ("--out", str(self.out))
        return shlex.join(["advnets", "paper", "reproduce", name, *options, *out])


@dataclass(frozen=True)
class Result:
    """The return value of a part's function.

    Attributes:
        ours: the result in one phrase; the page shows it next to the paper's statement.
        notes: caveats, in sentences.
        tables: each a sequence of rows with the same columns.
        pictures: file names, relative to `Context.folder`.
        run: the folder of the run that it shows, if any.
    """

    ours: str
    notes: Sequence[str] = ()
    tables: Sequence[Sequence[Row]] = ()
    pictures: Sequence[str] = ()
    run: str | None = None

    def __post_init__(self) -> None:
        """Take a number as `ours`, and one note or picture without a list.

        Raises:
            UserError: `tables` has no lists of rows.
        """
        object.__setattr__(self, "ours", str(self.ours))
        for name in ("notes", "pictures"):
            given = getattr(self, name)
            object.__setattr__(self, name, (given,) if isinstance(given, str) else given)
        tables = self.tables if isinstance(self.tables, list | tuple) else [None]
        for table in tables:
            if isinstance(table, list | tuple) and all(isinstance(row, Mapping) for row in table):
                continue
            raise UserError(
                "tables must be a list of tables, each a list of rows by column, e.g. "
                "[[{'m': 20, 'nats': -50.1}]]."
            )


@dataclass(frozen=True)
class Part:
    """One part of the paper and how to make it.

    Attributes:
        name: the name to type; also its file name and its anchor on the page.
        title: its heading on the page.
        section: its section of the paper.
        published: the paper's statement, in one phrase.
        make: makes the part.
        reads: names for `Context.use` whose run or table this part shows.
        differs_by_profile: whether the result depends on the profile.
        full_only: whether only the full profile has this part.
        slow: whether the quick profile makes it only if it is named.
    """

    name: str
    title: str
    section: str
    published: str
    make: Callable[[Context], Result]
    reads: tuple[str, ...] = ()
    differs_by_profile: bool = False
    full_only: bool = False
    slow: bool = False


PARTS: dict[str, Part] = {}
"""All parts by name, in the order of the page. `contents` registers the paper's."""


def register(part: Part) -> Part:
    """Add a part to `PARTS`, after the parts of the same section and of earlier ones.

    Raises:
        UserError: the argument is not a part with a name and a function.
        ValueError: there is a part of that name already.
    """
    if not (isinstance(part, Part) and isinstance(part.name, str) and callable(part.make)):
        raise UserError(
            f"register got {part!r}; give a Part with a text as its name and a function, e.g. "
            "Part('batch-size', 'Size of the minibatch', '§5', 'm = 100', batch_size)."
        )
    if part.name in PARTS:
        raise ValueError(f"There is a part named {part.name!r} already; give another name.")
    later = [name for name, other in PARTS.items() if other.section > part.section]
    moved = {name: PARTS.pop(name) for name in later}
    PARTS[part.name] = part
    PARTS.update(moved)
    return part


def usable_names() -> list[str]:
    """The names that `Context.use` may have."""
    return list(dict.fromkeys(name for part in PARTS.values() for name in part.reads))
