"""Decide which parts to make, make and record them, and write the page.

A part's record and pictures are in OUT/parts, trainings are runs in OUT/runs. Parts that were made
before are kept, and an interrupted training continues, so the paper can be reproduced in several
sessions. The page always shows all parts, including those that were never made.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from adversarial_nets import __version__
from adversarial_nets.errors import UserError, unknown_name
from adversarial_nets.paper.reproduce.page import write_page
from adversarial_nets.paper.reproduce.records import (
    Record,
    checksum,
    done,
    not_run,
    read_record,
    write_record,
)
from adversarial_nets.paper.reproduce.registry import (
    OUT,
    PARTS,
    Context,
    Part,
    Profile,
    Result,
    usable_names,
)
from adversarial_nets.paper.reproduce.table_parts import table1_file
from adversarial_nets.progress import Progress, no_progress
from adversarial_nets.runs import checkpoints, files
from adversarial_nets.runs import folder as runs_folder
from adversarial_nets.setting_values import whole_number

__all__ = ["Reproduction", "reproduce"]


@dataclass(frozen=True)
class Reproduction:
    """The records of all parts, and the page that shows them.

    Attributes:
        parts: in the paper's order.
        html: the page.
        kept: requested parts that were not made again, with the reason.
    """

    parts: tuple[Record, ...]
    html: Path
    kept: Mapping[str, str]

    def to_json(self) -> dict[str, Any]:
        """Return the object that ``advnets paper reproduce --json`` prints."""
        keys = ("name", "status", "ours", "published")
        return {
            "parts": [{key: getattr(part, key) for key in keys} for part in self.parts],
            "html": str(self.html),
        }


def reproduce(
    out: str | Path = OUT,
    *,
    parts: str | Sequence[str] = (),
    profile: Profile = "quick",
    seed: int = 0,
    use: Mapping[str, Path] = MappingProxyType({}),
    again: bool = False,
    show: bool = False,
    on_progress: Progress = no_progress,
) -> Reproduction:
    """Make parts of the paper, and write the page of all parts: ``advnets paper reproduce``.

    Args:
        out: the folder of everything that is written.
        parts: one or several names of `PARTS` to make; all parts of the profile by default. A quick
            part replaces a full one, or one made with `use`, only with `again`.
        profile: ``quick``, on the included digits in minutes, or ``full``, the published sizes.
        seed: the seed of every random draw.
        use: runs to show instead of training them, by part (``figure2a`` to ``figure2d``); for
            ``table1`` a table1.json.
        again: also make parts that were made before.
        show: do not make parts; only write the page.
        on_progress: called with (what, amount done, total).

    Raises:
        UserError: a part is unknown, or the folder cannot be written. If a part cannot be made,
            e.g. because its data are missing, it is recorded as not run, with the reason.
        Stopped: SIGINT, SIGTERM or SIGHUP stopped a training, which is saved.
    """
    if profile not in ("quick", "full"):
        raise UserError(f"profile is {profile!r}; it must be 'quick' or 'full'.")
    parts, out = (parts,) if isinstance(parts, str) else parts, Path(out)
    _check_names(parts, use)
    seed = whole_number("seed", seed, least=0, most=2**63)
    context = Context(out, profile, seed, use, on_progress)
    with files.explain_os_errors(out):
        context.folder.mkdir(parents=True, exist_ok=True)
    _read_all(context)  # report damaged records before any work
    kept: dict[str, str] = {}
    of_profile = [name for name, part in PARTS.items() if profile == "full" or not part.slow]
    to_make = () if show else parts or of_profile
    try:
        for name in to_make:
            if reason := _make_part(PARTS[name], context, again):
                kept[name] = reason
    finally:  # also if a training was stopped
        records = _read_all(context)
        page = write_page(records, out)
    return Reproduction(records, page, kept)


def _read_all(context: Context) -> tuple[Record, ...]:
    return tuple(read_record(name, context) for name in PARTS)


def _check_names(parts: Sequence[str], use: Mapping[str, Path]) -> None:
    """Check the names of parts, and that every given run or table exists."""
    usable = usable_names()
    for name in (*parts, *use):
        if name not in PARTS:
            raise unknown_name(name, list(PARTS), "part")
    for name, path in use.items():
        if name not in usable:
            raise UserError(
                f"A run or a table was given for {name}, but can be given only for "
                f"{', '.join(usable)}. Give one of these names."
            )
        if name == "table1":
            files.read_json(path)
        else:
            checkpoints.checkpoint_folder(runs_folder.open_run(path).folder)


def _make_part(part: Part, context: Context, again: bool) -> str:
    """Make a part and record it, unless it is already recorded with the same arguments.

    Returns:
        The reason why an older record was kept although it differs; '' otherwise.
    """
    old, wanted = read_record(part.name, context), _made_with(part, context)
    if old.status == "done" and not again:
        if wanted.items() <= old.made_with.items():
            return ""
        if reason := _reason_to_keep(old, part, context):
            return reason
    given = sorted(context.use.keys() & set(part.reads))
    wanted |= {"command": _command(part, context, given), "named": bool(given)}
    started = time.monotonic()
    try:
        result = part.make(context)
        if not isinstance(result, Result):
            raise UserError(
                f"the function of {part.name} returned a {type(result).__name__}; it must return a "
                "Result, e.g. Result(ours='3 nats')."
            )
    except UserError as error:
        if error.exit_code != UserError.exit_code:  # a training was stopped or diverged
            raise
        if old.status == "done":
            return str(error)
        write_record(not_run(part, f"not run: {error}", wanted), context)
        return ""
    wanted["seconds"] = round(time.monotonic() - started, 1)
    write_record(done(part, result, wanted), context)
    return ""


def _made_with(part: Part, context: Context) -> dict[str, Any]:
    """The arguments and inputs on which a part's record depends."""
    paths = [context.use[name] for name in part.reads if name in context.use]
    table = table1_file(context) if "table1" in part.reads else None
    if table and table not in paths:
        paths.append(table)
    made_with: dict[str, Any] = {
        "seed": context.seed,
        "version": __version__,
        "reads": {str(path): checksum(path) for path in paths},
    }
    if part.differs_by_profile:
        made_with["profile"] = context.profile
    return made_with


def _reason_to_keep(old: Record, part: Part, context: Context) -> str:
    """The reason not to replace an older record without --again, or '' if there is none."""
    if context.use.keys() & set(part.reads):
        return ""
    full = part.differs_by_profile and old.made_with.get("profile") == "full"
    if (full and context.profile == "quick") or old.made_with.get("named"):
        command = old.made_with.get("command", "another program")
        return f"made by {command}; set again (--again) to replace it"
    return ""


def _command(part: Part, context: Context, given: Sequence[str]) -> str:
    """The command that makes a part with the same arguments."""
    options = ["--profile", context.profile] if part.differs_by_profile else []
    for name in given:
        options += ["--use", f"{name}={context.use[name]}"]
    return context.command(part.name, *options, "--seed", str(context.seed))
