"""Checkpoints: write, list, read and verify; keep the newest and the best."""

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
from torch import Tensor

from adversarial_nets.errors import UserError
from adversarial_nets.runs.files import (
    FORMAT,
    _flush,
    check_format,
    explain_os_errors,
    json_text,
    read_json,
)

__all__ = [
    "Checkpoint",
    "checkpoint_folder",
    "read_checkpoint",
    "refuse_orphan_checkpoints",
    "write_checkpoint",
]
KEEP = 2  # newest checkpoints; the best one is kept besides


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint holds: tensors by name, and the run's state at that round."""

    round: int
    nets: Mapping[str, Tensor]
    optimisers: Mapping[str, Tensor]
    state: Mapping[str, Any]


def checkpoint_rounds(folder: Path) -> list[int]:
    """The rounds that have a checkpoint, in order."""
    return sorted(_round_folders(folder))


def _round_folders(folder: Path) -> dict[int, Path]:
    """The folder of each round's checkpoint. Earlier versions called them ``step-…``."""
    found = {}
    for path in (folder / "checkpoints").glob("*-*"):
        kind, _, number = path.name.partition("-")
        if kind in ("round", "step") and number.isdecimal():
            found[int(number)] = path
    return found


def refuse_orphan_checkpoints(folder: Path, instead: str) -> None:
    """Refuse to begin a run where checkpoints lie that no settings.json describes.

    Args:
        folder: the run's folder.
        instead: what may be done about it other than to restore that file.

    Raises:
        UserError: there are such checkpoints.
    """
    if checkpoint_rounds(folder):
        raise UserError(
            f"{folder} has checkpoints and no settings.json, so nobody knows what they are of. "
            f"Restore that file from a copy, or {instead}."
        )


def checkpoint_folder(folder: Path, which: str = "last") -> Path:
    """The folder of the checkpoint ``last``, ``best`` (by validation score), or of that round.

    Raises:
        UserError: there is none such; names those there are.
    """
    folders = _round_folders(folder)
    if not folders:
        raise UserError(f"{folder} has no checkpoint yet; let the training run a little longer.")
    wanted = max(folders)
    if which == "best":
        best = read_json(folders[wanted] / "state.json").get("best")
        if not best:
            raise UserError(f"{folder} has not been scored yet, so it has no best checkpoint.")
        wanted = best["round"]
    elif which != "last":
        wanted = int(which) if which.isdecimal() else -1
    if wanted not in folders:
        raise UserError(
            f"{folder} has no checkpoint {which!r}. Give last, best, or one of: "
            f"{', '.join(map(str, sorted(folders)))}."
        )
    return folders[wanted]


def write_checkpoint(folder: Path, checkpoint: Checkpoint) -> Path:
    """Write a checkpoint into a run's folder; keep the newest few and the best.

    Args:
        folder: the run's folder.
        checkpoint: what to keep; its state's ``best`` names the round of the best checkpoint.
    """
    state = checkpoint.state
    final = folder / "checkpoints" / f"round-{checkpoint.round:08d}"
    with explain_os_errors(folder):
        hidden = final.with_name(f".writing-{final.name}")
        shutil.rmtree(hidden, ignore_errors=True)
        hidden.mkdir(parents=True)
        files = {
            "nets.safetensors": checkpoint.nets,
            "optimisers.safetensors": checkpoint.optimisers,
        }
        hashes = {}
        for name, tensors in files.items():
            content = safetensors.torch.save(dict(tensors))
            hashes[name] = hashlib.sha256(content).hexdigest()
            (hidden / name).write_bytes(content)
        record = {"format": FORMAT, "round": checkpoint.round, "sha256": hashes} | dict(state)
        (hidden / "state.json").write_text(json_text(record))
        for path in (*hidden.iterdir(), hidden):
            _flush(path)
        if old := _round_folders(folder).get(checkpoint.round):
            _remove(old)
        hidden.rename(final)
        _flush(final.parent)
        folders = _round_folders(folder)
        keep = {*sorted(folders)[-KEEP:], (state.get("best") or {}).get("round")}
        for round, path in folders.items():
            if round not in keep:
                _remove(path)
    return final


def _remove(checkpoint: Path) -> None:
    """Delete a checkpoint; it is renamed first, so that a half-deleted one is never found."""
    hidden = checkpoint.with_name(f".removing-{checkpoint.name}")
    shutil.rmtree(hidden, ignore_errors=True)
    checkpoint.rename(hidden)
    shutil.rmtree(hidden)


def clear_leftovers(folder: Path) -> None:
    """Remove checkpoints that a killed process left half written or half removed."""
    for path in (folder / "checkpoints").glob(".*-*-*"):
        shutil.rmtree(path, ignore_errors=True)


def read_checkpoint(path: Path, needs: Sequence[str] = ()) -> Checkpoint:
    """Read a checkpoint's folder and check every byte of its tensors against its hash.

    Args:
        path: the checkpoint's folder.
        needs: what must stand in its state.

    Raises:
        UserError: it is missing, damaged, foreign, or of a newer format.
    """
    record = read_json(path / "state.json")
    check_format(record, path / "state.json")
    lacking = ", ".join(name for name in ("round", "sha256", *needs) if name not in record)
    if lacking:
        raise UserError(
            f"The checkpoint {path} is damaged: state.json lacks {lacking}. Delete that folder to "
            "continue from the checkpoint before it."
        )
    tensors = {}
    for name in ("nets.safetensors", "optimisers.safetensors"):
        try:
            content = (path / name).read_bytes()
            if hashlib.sha256(content).hexdigest() != record["sha256"][name]:
                raise ValueError("its checksum differs")
            tensors[name] = safetensors.torch.load(content)
        except (OSError, KeyError, TypeError, ValueError, safetensors.SafetensorError) as error:
            raise UserError(
                f"The checkpoint {path} is damaged: {name}: {error}. Delete that folder to "
                "continue from the checkpoint before it."
            ) from error
    return Checkpoint(
        int(record["round"]), tensors["nets.safetensors"], tensors["optimisers.safetensors"], record
    )
