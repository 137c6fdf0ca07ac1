"""Read and write the record of each part, OUT/parts/NAME.json; checksums of its inputs."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from adversarial_nets.errors import UserError
from adversarial_nets.paper.reproduce.registry import PARTS, Context, Part, Result
from adversarial_nets.runs import checkpoints, files

__all__ = ["Record", "checksum", "done", "not_run", "read_record", "write_record"]


@dataclass(frozen=True)
class Record:
    """A part as the page shows it: the paper's statement and our result.

    Attributes:
        name: the part's name.
        title: its heading.
        section: its section of the paper.
        published: the paper's statement.
        status: ``done`` or ``not run``.
        ours: the result, or why the part was not run and how to run it.
        notes: caveats, in sentences.
        tables: each a sequence of rows, each row by column.
        pictures: file names in the folder of the record.
        run: the folder of the run that it shows.
        made_with: profile, seed, seconds, version, command, and the checksums of its inputs.
    """

    name: str
    title: str
    section: str
    published: str
    status: Literal["done", "not run"] = "not run"
    ours: str = ""
    notes: tuple[str, ...] = ()
    tables: tuple[tuple[Mapping[str, Any], ...], ...] = ()
    pictures: tuple[str, ...] = ()
    run: str | None = None
    made_with: Mapping[str, Any] = field(default_factory=dict)


def done(part: Part, result: Result, made_with: Mapping[str, Any]) -> Record:
    """Make the record of a part that was made."""
    return Record(
        name=part.name,
        title=part.title,
        section=part.section,
        published=part.published,
        status="done",
        ours=result.ours,
        notes=tuple(result.notes),
        tables=tuple(tuple(table) for table in result.tables),
        pictures=tuple(result.pictures),
        run=result.run,
        made_with=made_with,
    )


def not_run(part: Part, why: str, made_with: Mapping[str, Any] | None = None) -> Record:
    """Make the record of a part that was not made, with the reason or the command that makes it."""
    return Record(
        name=part.name,
        title=part.title,
        section=part.section,
        published=part.published,
        ours=why,
        made_with=made_with or {},
    )


def read_record(name: str, context: Context) -> Record:
    """The record of a part; its status is "not run" if it was never made or a picture is missing.

    Raises:
        UserError: the file is damaged.
    """
    part, path = PARTS[name], context.folder / f"{name}.json"
    if not path.exists():
        return not_run(part, f"not run; run it with: {context.command(name)}")
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        record |= {key: tuple(record[key]) for key in ("notes", "pictures")}
        record["tables"] = tuple(tuple(table) for table in record["tables"])
        missing = [file for file in record["pictures"] if not (context.folder / file).is_file()]
        if missing:
            why = f"its picture {missing[0]} is missing; run it with: {context.command(name)}"
            return not_run(part, f"not run: {why}")
        return Record(**record)
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{path} is damaged ({files.reason(error)}); delete it and run the part again."
        ) from error


def _plain(value: Any) -> Any:  # noqa: ANN401 (what a program's part returns)
    """NumPy's and torch's numbers and arrays as Python's; other objects, e.g. paths, as text."""
    return value.tolist() if hasattr(value, "tolist") else str(value)


def write_record(record: Record, context: Context) -> None:
    """Write the record of a part."""
    with files.explain_os_errors(context.folder):
        fields = dataclasses.asdict(record)
        content = json.dumps(fields, indent=2, ensure_ascii=False, default=_plain) + "\n"
        files.write_atomically(context.folder / f"{record.name}.json", content)


def checksum(path: Path) -> str:
    """A checksum of a file, or of a run's newest checkpoint (from the checksums in its state)."""
    file = path if path.is_file() else checkpoints.checkpoint_folder(path) / "state.json"
    return hashlib.sha256(file.read_bytes()).hexdigest()[:16]
