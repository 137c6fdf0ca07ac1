"""The message for an option that a command does not have: the one that was probably meant."""

import difflib
from collections.abc import Collection, Mapping, Sequence

from adversarial_nets.errors import UserError

__all__ = ["typed_alone", "unknown_option"]

_OTHER_NAMES: Mapping[str, str] = {
    "adam-beta2": "b2 beta2",
    "augment": "ada aug augmentation diffaug",
    "batch": "b batch-size batchsize bs",
    "channels": "nc",
    "checkpoint from": "ckpt",
    "class": "class-idx label",
    "condition class": "cond",
    "d-lr-multiplier lr": "d-lr lr-d",
    "D.keep-prob-hidden D.keep-prob-input": "dropout",
    "D.maps D.units": "ndf",
    "data": "data-dir data-path data-root dataroot dataset image-dir",
    "data out": "path",
    "device": "cpu cuda gpu",
    "ema-decay": "ema",
    "epochs rounds": "epoch max-epochs n-epochs num-epochs",
    "flip": "hflip horizontal-flip mirror",
    "fps": "frame-rate",
    "from": "checkpoint finetune load pretrained",
    "G.hidden D.units": "hidden",
    "G.maps G.hidden": "ngf",
    "gradient-penalty": "lambda-gp",
    "json": "quiet",
    "k": "d-steps n-critic",
    "log-every": "log-freq log-interval print-every",
    "lr": "g-lr learning-rate lr-g",
    "momentum": "b1 beta1",
    "n samples": "count n-samples num num-images num-samples",
    "nproc device": "gpus ngpu",
    "nproc threads": "j jobs workers",
    "objective": "gan-loss gan-mode loss",
    "optimiser": "adam opt optim optimizer sgd",
    "patience": "early-stop early-stopping",
    "precision": "amp bf16 fp16 fp32 mixed-precision",
    "preset": "arch config model",
    "r1": "gamma r1-gamma",
    "restart again": "force overwrite",
    "rounds": "iterations iters max-iters max-steps num-steps round steps",
    "run": "name run-id run-name",
    "run out": "checkpoint-dir dir folder log-dir logdir o out out-dir outdir outf output "
    "output-dir output-folder results-dir run-dir run-folder save-dir",
    "samples": "n",
    "samples-every": "sample-every sample-interval",
    "save-every": "checkpoint-every save-freq save-interval snap snapshot",
    "score-every": "eval-every eval-freq eval-interval",
    "seed": "manual-seed random-seed random-state",
    "size": "image-size img-size resolution",
    "tensorboard": "tb",
    "threads": "num-threads num-workers",
    "truncation": "psi trunc truncation-psi",
    "z-size": "latent-dim noise-dim nz z-dim",
}
"""What other programs call our options, by ours; those that the command has are suggested."""

_HINTS: Mapping[str, Sequence[str]] = {
    other: ours.split() for ours, others in _OTHER_NAMES.items() for other in others.split()
}
"""Our options by the name that other programs use for them."""
_FOLDER = _HINTS["out"]

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
    arg: str, command: str, usage: str, options: Sequence[str], arguments: Collection[str]
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
    is_other = hints == _FOLDER or any(known in options for known in (name, *hints))
    return not is_other and any(hint in arguments for hint in hints)


def _plain(arg: str) -> str:
    """The name in an option that was typed.

    >>> _plain("--N_epochs=3")
    'n-epochs'
    """
    return arg.partition("=")[0].lstrip("-").replace("_", "-").lower()


def _note(name: str, command: str) -> str:
    """The sentence of `_NOTES` for the option of this command, or nothing."""
    name = "out" if _HINTS.get(name) == _FOLDER else name
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
