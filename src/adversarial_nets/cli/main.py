"""The command ``advnets``: parses, calls one command, prints what ``--json`` asks for.

``--help`` imports no torch: everything heavy is imported inside the command that needs it.
"""

import dataclasses
import inspect
import json
import os
import shlex
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

import tyro

from adversarial_nets import __version__
from adversarial_nets.cli import paper_commands, run_commands, toy_commands
from adversarial_nets.command_line import option
from adversarial_nets.errors import Stopped, UserError, unknown_name
from adversarial_nets.presets import preset_for
from adversarial_nets.settings import OLD_NAMES

__all__ = ["main"]

_HELP = f"""\
advnets {__version__}: Generative Adversarial Nets (2014) as living software

  advnets train mnist-5k           learn digits in two minutes, nothing to download
  advnets train mnist              the published game on real MNIST (§5)
  advnets train folder:PHOTOS      your own images

Commands (each explains itself: advnets COMMAND --help)

  train DATA         play Algorithm 1; the same command continues an interrupted run
  evaluate RUN       the paper's Parzen-window score, with calibration rows
  measure RUN        beyond the paper: Fréchet and kernel distance, precision, recall
  calibrate DATA     what images that are no model's score: the measure's own measure
  sample RUN         draw samples into a picture or an .npz file
  interpolate RUN    Figure 3: images along straight lines in z
  report RUN         one HTML page: samples, curves, scores, Figures 2 and 3
  compare RUN RUN    several runs: scores, what differs, the spread over seeds
  table1             Table 1: every row fitted, sampled and scored the same way
  datasets           what DATA can be

  theory             each statement of §4, checked over random distributions
  figure1            Figure 1: a game in one dimension, with its exact densities
  function-space     §4.2: the game in function space, and in parameters
  plane              a game in two dimensions
  play DATA          any game, with any settings, also changed on the way, bit for bit
  playground         all of it live, in the browser
  reproduce          the whole paper on one page, part by part: --profile quick or full
  claim NAME         what the paper says about training, tried: steps, gradients, helvetica …
  remarks            §3's remarks: saturation, a D optimised to the end, a head start for G
  related-work       §2's remarks: discrete units, fixed noise, predictability, adversarial examples

  bench              how fast, against what the machine could do and what people use

Options for all:  --help  --version, and --json on every command that reports
"""

_COMMANDS = {**run_commands.COMMANDS, **toy_commands.COMMANDS, **paper_commands.COMMANDS}

T = TypeVar("T")


def _parse(name: str, options: type[T], examples: Sequence[str], args: list[str]) -> T:
    """The options of one command, from the command line.

    DATA decides the defaults of a game's options; where it does not come first, they are parsed
    once to find it.
    """
    data = args[0] if args and not args[0].startswith("-") else None
    parsed = _parsed(name, options, examples, args, data)
    found = parsed.data if isinstance(parsed, run_commands.Train | toy_commands.Play) else data
    return parsed if found == data else _parsed(name, options, examples, args, found)


def _parsed(
    name: str, options: type[T], examples: Sequence[str], args: list[str], data: str | None
) -> T:
    """The options, those of a game with the defaults that this DATA has."""
    default: Any = tyro.MISSING_NONPROP
    description = inspect.cleandoc(options.__doc__ or "").format(
        examples="\n".join(f"  advnets {example}" for example in examples)
    )
    if options is run_commands.Train:
        preset = _preset_asked_for(args)
        # The preset's settings are the defaults that the options then change.
        chosen = preset_for(data or "mnist", preset)[1]
        default = run_commands.Train(data="", settings=chosen.settings)
    if options is toy_commands.Play and data is not None:
        from adversarial_nets.replay import kind_of

        default = toy_commands.Play(data="", settings=kind_of(data).settings)
    return tyro.cli(
        options,
        prog=f"advnets {name}",
        description=description,
        args=args,
        default=default,
        config=(tyro.conf.FlagCreatePairsOff,),
    )


def _current_options(args: Sequence[str]) -> list[str]:
    """The arguments with the options of earlier versions replaced by today's."""
    renamed = {option(old): option(new) for old, new in OLD_NAMES.items()}
    current = []
    for arg in args:
        name, equals, value = arg.partition("=")
        current.append(renamed.get(name, name) + equals + value)
    for i, arg in enumerate(current[:-1]):
        if arg == "--train-only" and current[i + 1] == "both":
            current[i + 1] = "None"
    return ["--train-only=None" if arg == "--train-only=both" else arg for arg in current]


def _preset_asked_for(args: list[str]) -> str | None:
    """The value of --preset, which decides the defaults of all other options."""
    for i, arg in enumerate(args):
        if arg == "--preset" and i + 1 < len(args):
            return args[i + 1]
        if arg.startswith("--preset="):
            return arg.removeprefix("--preset=")
    return None


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code.

    0 done; 2 a mistake to mend, said in a sentence; 3 a training that diverged; 130 and 143
    stopped by Ctrl-C or SIGTERM, saved.
    """
    args = _current_options(sys.argv[1:] if argv is None else argv)
    if not args or args[0] in ("-h", "--help", "help"):
        print(_HELP)
        return 0
    if args[0] == "--version":
        print(f"advnets {__version__}")
        return 0
    try:
        if args[0] not in _COMMANDS:
            raise unknown_name(args[0], list(_COMMANDS), "command")
        options, command, examples = _COMMANDS[args[0]]
        parsed = _parse(args[0], options, examples, args[1:])
        if isinstance(parsed, run_commands.Train) and parsed.nproc != 1 and not _UNDER_TORCHRUN:
            return _launch(parsed, args)
        if _HELPER and args[0] not in _SHARED:
            return 0
        _use_threads(getattr(parsed, "threads", None))
        with _joined():
            result = command(dataclasses.replace(parsed, json=True) if _HELPER else parsed)
        if parsed.json and not _HELPER:
            print(json.dumps(result))
        return 0
    except UserError as error:
        if _HELPER:
            _let_the_first_speak()
            return error.exit_code
        print(f"advnets: {error.for_command_line()}", file=sys.stderr)
        if isinstance(error, Stopped):
            print(f"Continue with: {shlex.join(['advnets', *args])}", file=sys.stderr)
        return error.exit_code
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and not _lacks_memory(error):
            raise
        words = "There is not enough memory for this. Narrower nets (--G.hidden, --D.units), a "
        print(f"advnets: {words}smaller --batch or fewer samples need less.", file=sys.stderr)
        return UserError.exit_code
    except BrokenPipeError:
        # Whoever read our output has closed it, e.g. ``advnets datasets | head -1``.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except SystemExit as error:  # tyro's own: 0 after --help, 2 for an unusable option
        return error.code if isinstance(error.code, int) else 2


# --- Several processes ---------------------------------------------------------------------------

_UNDER_TORCHRUN = "TORCHELASTIC_RUN_ID" in os.environ
_HELPER = _UNDER_TORCHRUN and os.environ.get("RANK") != "0"  # works, but neither prints nor writes
_SHARED = ("train", "evaluate", "sample")  # the commands whose work processes can share


def _joined() -> AbstractContextManager[None]:
    """Work with the other processes where torchrun started several."""
    if not _UNDER_TORCHRUN:
        return nullcontext()
    from adversarial_nets.engine import distributed

    return distributed.process_group()


def _let_the_first_speak() -> None:
    """Wait to be ended: with the first process that ends, the launcher ends all the others.

    If that were a helper, the first worker might never come to say what is wrong.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    time.sleep(10)  # at most, should only this helper have met a mistake


def _launch(o: run_commands.Train, args: list[str]) -> int:
    """Run this very command in several processes, as ``torchrun`` does; returns its exit code."""
    if o.nproc < 1 or o.max_restarts < 0:
        raise UserError("--nproc must be 1 or more, and --max-restarts 0 or more.")
    import logging

    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // o.nproc)))
    logging.getLogger("torch.distributed").setLevel(logging.CRITICAL)  # each error is said once
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=o.nproc,
        run_id=str(os.getpid()),
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        max_restarts=o.max_restarts,
        monitor_interval=0.1,
    )
    try:
        elastic_launch(config, sys.executable)("-m", "adversarial_nets", *args)
    except ChildFailedError as error:
        code = error.get_first_failure()[1].exitcode
        return code if code > 0 else 1
    except SignalException as stop:
        return 128 + stop.sigval
    return 0


def _lacks_memory(error: RuntimeError) -> bool:
    """Whether this is how PyTorch says that the memory does not suffice."""
    return any(words in str(error) for words in ("can't allocate memory", "out of memory"))


def _use_threads(threads: int | None) -> None:
    if threads is not None:
        if threads < 1:
            raise UserError(f"--threads is {threads}; it must be 1 or more.")
        import torch

        torch.set_num_threads(threads)
