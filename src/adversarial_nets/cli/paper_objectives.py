"""The command ``advnets paper objectives``: objectives and penalties side by side."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from adversarial_nets.cli.command import Command
from adversarial_nets.cli.shared import (
    Json,
    Seed,
    Threads,
    count_option,
    default,
    output_path,
    print_files,
    print_table,
)
from adversarial_nets.errors import UserError, unknown_name
from adversarial_nets.progress import ProgressReporter
from adversarial_nets.runs.files import check_output_folder

if TYPE_CHECKING:
    from adversarial_nets.paper.objective_study import Result

__all__ = ["COMMANDS"]

RECORDED = Path("results/objectives.json")


@dataclass(frozen=True)
class ObjectivesOptions:
    """Train with every objective and every usual penalty on D, on one network and data set.

    Without DATA it prints the recorded results and trains nothing. Each finished game is kept in
    OUT/results.json, so the same command continues where it was interrupted.

    25-gaussians counts the modes of 25 Gaussians that have samples, and computes the share of
    samples at a mode. All 51 games take about a quarter of an hour.

    stacked-mnist counts how many of 1,000 modes (three random digits as red, green and blue) have
    samples, according to a classifier of MNIST. A training of 2,500 rounds takes about two minutes;
    wasserstein updates D five times per round and takes eight minutes. 10,000 rounds take four
    times as long.
    """

    data: Annotated[str | None, tyro.conf.Positional, default("none", metavar="[DATA]")] = None
    """25-gaussians or stacked-mnist."""
    objectives: tuple[str, ...] = ()
    """Play only these objectives; none plays all."""
    penalties: tuple[str, ...] = ()
    """Play only with these penalties, e.g. "R1 + R2" or "no penalty"; none plays with all."""
    seeds: int = 3
    """Number of seeds of each game: --seed and the next ones."""
    rounds: Annotated[
        int | None,
        default("2,000 for 25-gaussians, 10,000 for stacked-mnist"),
    ] = None
    """Length of each game."""
    out: Path = output_path("paper", "objectives")
    """Folder for results, pictures and runs."""
    seed: Seed = 0
    threads: Threads = None
    json: Json = False


def _objectives(o: ObjectivesOptions, reporter: ProgressReporter) -> dict[str, Any]:
    from adversarial_nets import objectives
    from adversarial_nets.paper import objective_study as study

    count_option("--seeds", o.seeds, 1)
    count_option("--rounds", o.rounds, 1)
    for name in o.objectives:
        objectives.find(name)
    for name in o.penalties:
        if name not in study.PENALTIES:
            raise unknown_name(name, list(study.PENALTIES), "penalty of this study")
    chosen = [
        (objective, penalty)
        for objective, penalty in study.games()
        if objective in (o.objectives or [objective]) and penalty in (o.penalties or [penalty])
    ]
    if not chosen:
        raise UserError(
            f"No game has {' or '.join(o.objectives)} with {' or '.join(o.penalties)}. Leave out "
            "--objectives or --penalties."
        )
    path = o.out / "results.json"
    if o.data is None:
        found = study.read_results(path) or study.read_results(RECORDED)
        if not found:
            reporter.say("Nothing is recorded yet. Begin with: paper objectives 25-gaussians")
        return _print_results(found, reporter)
    if o.data not in study.DATA:
        raise unknown_name(o.data, list(study.DATA), "data set of this study")
    check_output_folder(o.out)
    rounds = o.rounds or study.ROUNDS[o.data]
    pictures = _play_all(o, o.data, chosen, rounds, reporter)
    found = [r for r in study.read_results(path) if (r.data, r.rounds) == (o.data, rounds)]
    result = _print_results(found, reporter)
    print_files(reporter, pictures)
    return {**result, "files": [str(picture) for picture in pictures]}


def _play_all(
    o: ObjectivesOptions,
    data: str,
    chosen: list[tuple[str, str]],
    rounds: int,
    reporter: ProgressReporter,
) -> list[Path]:
    """Play the games that are not recorded, and draw the samples of the first seed."""
    from adversarial_nets.paper import objective_study as study
    from adversarial_nets.plots.style import write_picture

    path = o.out / "results.json"
    known = {result.game for result in study.read_results(path)}
    wanted = [(*game, seed) for seed in range(o.seed, o.seed + o.seeds) for game in chosen]
    left = [game for game in wanted if (data, *game, rounds) not in known]
    for i, game in enumerate(left):
        reporter.work("games", i, len(left))
        if data == "stacked-mnist":
            runs = o.out / "runs"
            result, images = study.play_stacked(*game, rounds, runs, on_progress=reporter.work)
            study.keep_samples(o.out, result, images.numpy())
        else:
            result, points = study.play_gaussians(*game, rounds)
            study.keep_samples(o.out, result, points)
        study.record(path, [result])
    reporter.work("games", len(left), len(left))
    samples = study.kept_samples(o.out, data, chosen, o.seed, rounds)
    if not samples:
        return []
    figure = study.plot_points(samples) if data == "25-gaussians" else study.plot_digits(samples)
    return [write_picture(figure, o.out / f"{data}.png", dpi=90)]


def _print_results(results: "list[Result]", reporter: ProgressReporter) -> dict[str, Any]:
    """Print the means as a table, and return all results for ``--json``."""
    from adversarial_nets.paper.objective_study import mean_rows

    rows = mean_rows(results)
    if rows:
        print_table(reporter, list(rows[0]), [list(row.values()) for row in rows])
    return {"rows": rows, "results": [dataclasses.asdict(result) for result in results]}


COMMANDS = (
    Command(
        name="paper objectives",
        arguments="[DATA]",
        summary="objectives and penalties side by side: modes found",
        options=ObjectivesOptions,
        run=_objectives,
        examples=(
            "paper objectives",
            "paper objectives 25-gaussians",
            "paper objectives stacked-mnist --penalties 'R1 + R2' --seeds 1",
        ),
        prints_result=lambda o: o.data is None,
    ),
)
