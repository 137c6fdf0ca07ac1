"""The message for an option that a command does not have: the one that was probably meant."""

import difflib
from collections.abc import Collection, Mapping, Sequence

from adversarial_nets.errors import UserError

__all__ = ["typed_alone", "unknown_option"]

_FOLDER = ("run", "out")
_COUNT = ("n", "samples")
_EPOCHS = ("epochs", "rounds")
_NOISE = ("z-size",)
_SAVE = ("save-every",)

_HINTS: Mapping[str, tuple[str, ...]] = {
    "ada": ("augment",),
    "adam": ("optimiser",),
    "amp": ("precision",),
    "arch": ("preset",),
    "aug": ("augment",),
    "augmentation": ("augment",),
    "b": ("batch",),
    "b1": ("momentum",),
    "b2": ("adam-beta2",),
    "batch-size": ("batch",),
    "batchsize": ("batch",),
    "beta1": ("momentum",),
    "beta2": ("adam-beta2",),
    "bf16": ("precision",),
    "bs": ("batch",),
    "checkpoint": ("from",),
    "checkpoint-dir": _FOLDER,
    "checkpoint-every": _SAVE,
    "ckpt": ("checkpoint", "from"),
    "class-idx": ("class",),
    "cond": ("condition", "class"),
    "config": ("preset",),
    "count": _COUNT,
    "cpu": ("device",),
    "cuda": ("device",),
    "d-lr": ("d-lr-multiplier", "lr"),
    "d-steps": ("k",),
    "data-dir": ("data",),
    "data-path": ("data",),
    "data-root": ("data",),
    "dataroot": ("data",),
    "dataset": ("data",),
    "diffaug": ("augment",),
    "dir": _FOLDER,
    "dropout": ("D.keep-prob-hidden", "D.keep-prob-input"),
    "early-stop": ("patience",),
    "early-stopping": ("patience",),
    "ema": ("ema-decay",),
    "epoch": _EPOCHS,
    "eval-every": ("score-every",),
    "eval-freq": ("score-every",),
    "eval-interval": ("score-every",),
    "finetune": ("from",),
    "folder": _FOLDER,
    "force": ("restart", "again"),
    "fp16": ("precision",),
    "fp32": ("precision",),
    "frame-rate": ("fps",),
    "g-lr": ("lr",),
    "gamma": ("r1",),
    "gan-loss": ("objective",),
    "gan-mode": ("objective",),
    "gpu": ("device",),
    "gpus": ("nproc", "device"),
    "hflip": ("flip",),
    "hidden": ("G.hidden", "D.units"),
    "horizontal-flip": ("flip",),
    "image-dir": ("data",),
    "image-size": ("size",),
    "img-size": ("size",),
    "iterations": ("rounds",),
    "iters": ("rounds",),
    "j": ("nproc", "threads"),
    "jobs": ("nproc", "threads"),
    "label": ("class",),
    "lambda-gp": ("gradient-penalty",),
    "latent-dim": _NOISE,
    "learning-rate": ("lr",),
    "load": ("from",),
    "log-dir": _FOLDER,
    "log-freq": ("log-every",),
    "log-interval": ("log-every",),
    "logdir": _FOLDER,
    "loss": ("objective",),
    "lr-d": ("d-lr-multiplier", "lr"),
    "lr-g": ("lr",),
    "manual-seed": ("seed",),
    "max-epochs": _EPOCHS,
    "max-iters": ("rounds",),
    "max-steps": ("rounds",),
    "mirror": ("flip",),
    "mixed-precision": ("precision",),
    "model": ("preset",),
    "n": ("samples",),
    "n-critic": ("k",),
    "n-epochs": _EPOCHS,
    "n-samples": _COUNT,
    "name": ("run",),
    "nc": ("channels",),
    "ndf": ("D.maps", "D.units"),
    "ngf": ("G.maps", "G.hidden"),
    "ngpu": ("nproc", "device"),
    "noise-dim": _NOISE,
    "num": _COUNT,
    "num-epochs": _EPOCHS,
    "num-images": _COUNT,
    "num-samples": _COUNT,
    "num-steps": ("rounds",),
    "num-threads": ("threads",),
    "num-workers": ("threads",),
    "nz": _NOISE,
    "o": _FOLDER,
    "opt": ("optimiser",),
    "optim": ("optimiser",),
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
    "print-every": ("log-every",),
    "psi": ("truncation",),
    "quiet": ("json",),
    "r1-gamma": ("r1",),
    "random-seed": ("seed",),
    "random-state": ("seed",),
    "resolution": ("size",),
    "results-dir": _FOLDER,
    "round": ("rounds",),
    "run-dir": _FOLDER,
    "run-folder": _FOLDER,
    "run-id": ("run",),
    "run-name": ("run",),
    "sample-every": ("samples-every",),
    "sample-interval": ("samples-every",),
    "save-dir": _FOLDER,
    "save-freq": _SAVE,
    "save-interval": _SAVE,
    "sgd": ("optimiser",),
    "snap": _SAVE,
    "snapshot": _SAVE,
    "steps": ("rounds",),
    "tb": ("tensorboard",),
    "trunc": ("truncation",),
    "truncation-psi": ("truncation",),
    "workers": ("nproc", "threads"),
    "z-dim": _NOISE,
}
"""Our options by the name that other programs use for them."""

_ARGUMENTS: Mapping[str, str] = {"model": "run", "network": "run"}
"""Our arguments that are typed without an option, by the name that other programs use for them."""

_NOTES: Mapping[str, str] = {
    "dropout": "It is the probability of keeping a value: dropout 0.3 is keep-prob 0.7.",
    "gpu": "On a GPU, give --device cuda.",
    "cuda": "On a GPU, give --device cuda.",
    "resume": "A run resumes automatically: give the same command again.",
    "continue": "A run resumes automatically: give the same command again.",
    "report out": "The report is written to RUN/report.html.",
    "train weight-decay": "There is no weight decay; --max-norm limits the norm of weights.",
}
"""Sentences for options of other programs that none of our options replaces.

The key is the option's name, alone or after that of the only command for which the sentence is
meant.
"""


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
        return UserError(
            f"advnets {command} takes no argument {arg!r} here. Put quotes around a name with "
            f"spaces. {more}"
        )
    given = arg.partition("=")[0]
    hint = ""
    if typed_alone(given, options, arguments):
        hint = f" It is typed without an option: advnets {command} {usage}."
    elif meant := _meant(_plain(given), options):
        hint = f" Did you mean {' or '.join(f'--{m}' for m in meant)}?"
    note = _note(_plain(given), command)
    return UserError(f"advnets {command} has no option {given}.{hint}{note} {more}")


def typed_alone(arg: str, options: Collection[str], arguments: Collection[str]) -> bool:
    """Whether an unknown option stands for one of the arguments, which are typed without an option.

    The parameters are those of `unknown_option`.
    """
    name = _plain(arg)
    hints = _HINTS.get(name, ())
    if _ARGUMENTS.get(name, name) in arguments:
        return True
    is_other = hints is _FOLDER or any(known in options for known in (name, *hints))
    return not is_other and any(hint in arguments for hint in hints)


def _plain(arg: str) -> str:
    """The name in an option that was typed.

    >>> _plain("--N_epochs=3")
    'n-epochs'
    """
    return arg.partition("=")[0].lstrip("-").replace("_", "-").lower()


def _note(name: str, command: str) -> str:
    """The sentence of `_NOTES` for the option of this command, or nothing."""
    name = "out" if _HINTS.get(name) is _FOLDER else name
    note = _NOTES.get(f"{command} {name}") or _NOTES.get(name)
    return f" {note}" if note else ""


def _meant(name: str, options: Sequence[str]) -> list[str]:
    """The options that `name` probably stands for."""
    known = [hint for hint in (name, *_HINTS.get(name, ())) if hint in options]  # -n is --n
    if known:
        return known
    # --units means D.units; if two options end in the same word, the first is chosen
    by_last_part = {o.rpartition(".")[2].lower(): o for o in reversed(options)}
    near = difflib.get_close_matches(name.rpartition(".")[2], by_last_part, n=1, cutoff=0.7)
    return [by_last_part[n] for n in near]
