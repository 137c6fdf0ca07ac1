"""The message for an option that a command does not have: the one that was probably meant."""

import difflib
from collections.abc import Collection, Mapping, Sequence

from adversarial_nets.errors import UserError

__all__ = ["unknown_option"]

_FOLDER = ("run", "out")
_LENGTH = ("rounds", "epochs")
_NOISE = ("z-size",)

_HINTS: Mapping[str, tuple[str, ...]] = {
    "amp": ("precision",),
    "b": ("batch",),
    "b1": ("momentum",),
    "b2": ("adam-beta2",),
    "batch-size": ("batch",),
    "batchsize": ("batch",),
    "beta1": ("momentum",),
    "beta2": ("adam-beta2",),
    "bf16": ("precision",),
    "bs": ("batch",),
    "checkpoint-dir": _FOLDER,
    "ckpt": ("checkpoint", "from"),
    "count": ("n", "samples"),
    "cpu": ("device",),
    "cuda": ("device",),
    "d-lr": ("d-lr-multiplier", "lr"),
    "d-steps": ("k",),
    "data-dir": ("data",),
    "data-path": ("data",),
    "data-root": ("data",),
    "dataroot": ("data",),
    "dataset": ("data",),
    "dir": _FOLDER,
    "dropout": ("D.keep-prob-hidden", "D.keep-prob-input"),
    "ema": ("ema-decay",),
    "epoch": ("epochs", "rounds"),
    "folder": _FOLDER,
    "force": ("restart", "again"),
    "fp16": ("precision",),
    "g-lr": ("lr",),
    "gpu": ("device",),
    "gpus": ("nproc", "device"),
    "hidden": ("G.hidden", "D.units"),
    "image-size": ("size",),
    "img-size": ("size",),
    "iterations": ("rounds",),
    "iters": ("rounds",),
    "lambda-gp": ("gradient-penalty",),
    "latent-dim": _NOISE,
    "learning-rate": ("lr",),
    "log-dir": _FOLDER,
    "loss": ("objective",),
    "lr-d": ("d-lr-multiplier", "lr"),
    "lr-g": ("lr",),
    "manual-seed": ("seed",),
    "max-epochs": ("epochs", "rounds"),
    "max-iters": ("rounds",),
    "max-steps": ("rounds",),
    "n-critic": ("k",),
    "n-epochs": ("epochs", "rounds"),
    "n-samples": ("n", "samples"),
    "nc": ("channels",),
    "ndf": ("D.maps", "D.units"),
    "ngf": ("G.maps", "G.hidden"),
    "ngpu": ("nproc", "device"),
    "noise-dim": _NOISE,
    "num-epochs": ("epochs", "rounds"),
    "num-samples": ("n", "samples"),
    "num-steps": ("rounds",),
    "num-workers": ("threads",),
    "nz": _NOISE,
    "o": ("out", "run"),
    "optimizer": ("optimiser",),
    "out": _FOLDER,
    "out-dir": _FOLDER,
    "outdir": _FOLDER,
    "outf": _FOLDER,
    "output": _FOLDER,
    "output-dir": _FOLDER,
    "output-folder": _FOLDER,
    "overwrite": ("restart", "again"),
    "path": ("data", "out"),
    "pretrained": ("from",),
    "psi": ("truncation",),
    "quiet": ("json",),
    "resolution": ("size",),
    "results-dir": _FOLDER,
    "round": ("rounds",),
    "run-dir": _FOLDER,
    "run-name": ("run",),
    "save-dir": _FOLDER,
    "steps": ("rounds",),
    "weight-decay": ("max-norm",),
    "workers": ("nproc", "threads"),
    "z-dim": _NOISE,
}
"""What other programs call an option, and ours that does the same."""

_NOTES: Mapping[str, str] = {
    "dropout": "It is the probability of keeping a value: dropout 0.3 is keep-prob 0.7.",
    "gpu": "On a GPU, give --device cuda.",
    "cuda": "On a GPU, give --device cuda.",
    "resume": "A run resumes by itself: give the same command again.",
    "continue": "A run resumes by itself: give the same command again.",
}
"""Sentences for options of other programs that one of ours does not simply replace."""


def unknown_option(
    arg: str,
    command: str,
    usage: str,
    options: Sequence[str],
    arguments: Collection[str],
) -> UserError:
    """The error for an option or argument that a command does not have.

    Args:
        arg: the word that was typed, e.g. ``--n_epochs=3``.
        command: the command's name, e.g. ``train``.
        usage: its arguments as the overview prints them, e.g. ``DATA``.
        options: the names of its options, e.g. ``epochs`` or ``D.units``.
        arguments: the names of its arguments, which are typed without an option, e.g. ``data``.
    """
    more = f"All options: advnets {command} --help"
    if not arg.startswith("-"):
        return UserError(f"advnets {command} takes no argument {arg!r} here. {more}")
    given = arg.partition("=")[0]
    name = given.lstrip("-").replace("_", "-")
    meant = _meant(name.lower(), options, arguments)
    hint = ""
    if any(m in arguments for m in meant):
        hint = f" It is typed without an option: advnets {command} {usage}."
    elif meant:
        hint = f" Did you mean {' or '.join(f'--{m}' for m in meant)}?"
    note = f" {_NOTES[name]}" if name in _NOTES else ""
    return UserError(f"advnets {command} has no option {given}.{hint}{note} {more}")


def _meant(name: str, options: Sequence[str], arguments: Collection[str]) -> list[str]:
    """The options, or the one argument, that `name` probably stands for."""
    hints = _HINTS.get(name, ())
    if name in arguments or (hints == ("data",) and "data" in arguments):
        return [name if name in arguments else "data"]
    known = [hint for hint in hints if hint in options]
    if known:
        return known
    # --units is D.units; of two options with one last part, the first is meant
    by_last_part = {o.rpartition(".")[2].lower(): o for o in reversed(options)}
    near = difflib.get_close_matches(name.rpartition(".")[2], by_last_part, n=1, cutoff=0.7)
    return [by_last_part[n] for n in near]
