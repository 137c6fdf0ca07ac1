"""The message for a command that does not exist: the one that was probably meant."""

import difflib
from collections.abc import Mapping, Sequence

from adversarial_nets.errors import UserError

__all__ = ["unknown_command"]

_COMMANDS: Mapping[str, tuple[str, ...]] = {
    "train": ("fit", "run", "start", "finetune", "fine-tune"),
    "datasets": ("data", "dataset", "list", "list-datasets", "ls"),
    "evaluate": ("eval", "likelihood", "nll", "parzen", "score", "test", "valid", "validate"),
    "calibrate": ("baseline", "baselines", "reference"),
    "measure": ("fid", "kid", "metric", "metrics", "precision", "recall"),
    "report": ("html", "info", "plot", "show", "status", "summary", "view"),
    "compare": ("comparison", "diff"),
    "sample": ("draw", "gen", "generate", "infer", "inference", "predict", "samples", "synthesize"),
    "walk": ("animate", "animation", "film", "gif", "interpolation", "morph", "movie", "video"),
    "export": ("card", "convert", "model-card", "onnx", "publish", "safetensors", "save"),
    "inpaint": ("complete", "fill", "fill-in", "mask"),
    "project": ("embed", "encode", "invert", "inversion", "latent"),
    "play": ("game", "toy", "toys"),
    "playground": ("app", "demo", "gui", "serve", "server", "ui", "web"),
    "bench": ("benchmark", "profile", "speed", "time"),
    "doctor": ("check", "debug", "diagnose", "env", "environment", "system"),
    "--version": ("v", "version"),
}
"""Our command by the name that other programs use for it."""

_SYNONYMS = {word: command for command, words in _COMMANDS.items() for word in words}

_AGAIN = "A run resumes automatically: give the same advnets train command again."
_NOTES: Mapping[str, str] = {"resume": _AGAIN, "continue": _AGAIN}


def unknown_command(name: str, known: Sequence[str], group: str = "") -> UserError:
    """The error for a name that no command has.

    Args:
        name: the typed word, e.g. ``generate``.
        known: the names of all commands that could be meant, e.g. ``paper theory``.
        group: ``paper`` if the name came after ``advnets paper``.

    >>> print(unknown_command("generate", ["sample", "train"]))
    There is no command 'generate'. Did you mean advnets sample? All commands: advnets --help
    """
    plain = name.lstrip("-").lower().replace("_", "-")
    hint = _NOTES.get(plain, "") or _nearest(plain, known)
    words = " ".join(filter(None, ("advnets", group)))
    of_group = f" of {words}" if group else ""
    hint = f" {hint}" if hint else ""
    return UserError(f"There is no command {name!r}{of_group}.{hint} All commands: {words} --help")


def _nearest(name: str, known: Sequence[str]) -> str:
    """A question that names the command that was probably meant, or nothing."""
    if name in _SYNONYMS:
        return f"Did you mean advnets {_SYNONYMS[name]}?"
    by_last_word = {command.rpartition(" ")[2]: command for command in known}
    near = difflib.get_close_matches(name, by_last_word, n=1, cutoff=0.7)
    return f"Did you mean advnets {by_last_word[near[0]]}?" if near else ""
