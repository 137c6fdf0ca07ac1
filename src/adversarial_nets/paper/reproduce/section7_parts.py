"""The parts of §7: the extensions, measured on the included digits (quick) or on MNIST (full)."""

from adversarial_nets import datasets
from adversarial_nets.datasets import Dataset
from adversarial_nets.evaluation.score import load_data
from adversarial_nets.paper.reproduce.registry import Context, Result
from adversarial_nets.paper.reproduce.training_parts import run_of, trained
from adversarial_nets.paper.section7 import conditional as conditional_module
from adversarial_nets.paper.section7 import efficiency as efficiency_module
from adversarial_nets.paper.section7.few_labels_study import few_labels_rows
from adversarial_nets.paper.section7.filling_in_study import filling_in_rows
from adversarial_nets.paper.section7.inference import EncoderSettings
from adversarial_nets.paper.section7.inference_study import inference_rows, score_inference
from adversarial_nets.paper.section7.rows import Row
from adversarial_nets.plots import sheets
from adversarial_nets.plots.style import write_picture
from adversarial_nets.presets import PRESETS
from adversarial_nets.runs import files, game_state
from adversarial_nets.runs.folder import Run

__all__ = ["conditional", "efficiency", "few_labels", "filling_in", "inference"]

QUICK_ROUNDS, QUICK_EPOCHS, QUICK_STEPS = 2500, 40, 1000


def conditional(context: Context) -> Result:
    """Extension 1: a conditional model p(x | c)."""
    data = _digits(context)
    run = _trained("fast-conditional", data, context)
    found = conditional_module.score_conditional(run, data, on_progress=context.on_progress)
    G, _ = game_state.load_generator(run, weights=found.weights)
    figure = conditional_module.plot_conditional(G, run)
    picture = write_picture(figure, context.folder / "conditional.png")
    rows = conditional_module.conditional_rows([found], "fast-conditional", data.name, [])
    return Result(
        ours=f"{found.alignment:.1%} of the samples are of the requested class (real images: "
        f"{found.accuracy:.1%}); {found.nats:.1f} nats",
        notes=("Published by Mirza & Osindero (2014) on MNIST: 132 ± 1.8 nats.",),
        tables=(_table(rows),),
        pictures=(picture.name,),
        run=str(run.folder),
    )


def inference(context: Context) -> Result:
    """Extension 2: z from x, predicted by a network that is trained after G."""
    run = run_of("figure2a", context)
    data = load_data(run, context.on_progress)
    steps = EncoderSettings.steps if context.profile == "full" else QUICK_STEPS
    settings = EncoderSettings(steps=steps, seed=context.seed)
    found = score_inference(run, data, settings, on_progress=context.on_progress)
    rows = inference_rows(found, f"E of {run.preset_label}", run.data)
    return Result(
        ours=f"‖x − G(E(x))‖ is {found.ratio:.2f} of the distance for another image; "
        f"{found.accuracy:.1%} of test images have the class of the nearest in E's features",
        notes=("Published on MNIST (Donahue et al. 2017): BiGAN 0.62, latent regressor 97.44 %.",),
        tables=(_table(rows),),
        run=str(run.folder),
    )


def filling_in(context: Context) -> Result:
    """Extension 3: hidden pixels, by a game with masks."""
    data = _digits(context)
    run = _trained("filling-in", data, context)
    rows, shown = filling_in_rows(run, data, on_progress=context.on_progress)
    picture = context.folder / "filling-in.png"
    content = sheets.grid_png(shown, data.image_shape, data.range, columns=7)
    files.write_atomically(picture, content)
    ours, mean = (
        next(row.ours for row in rows if row.measure == "RMSE, right hidden" and name in row.model)
        for name in ("masks", "mean image")
    )
    return Result(
        ours=f"RMSE of the hidden right half {ours:.3f}, of the mean image {mean:.3f}",
        notes=("Each row of the picture: a test image, its known part, five completions.",),
        tables=(_table(rows),),
        pictures=(picture.name,),
        run=str(run.folder),
    )


def few_labels(context: Context) -> Result:
    """Extension 4: a classifier of 100 labels, with and without unlabelled images."""
    rows, picture = few_labels_rows(
        _digits(context),
        context.folder / "few-labels",
        epochs=300 if context.profile == "full" else QUICK_EPOCHS,
        seed=context.seed,
        on_progress=context.on_progress,
    )
    both, alone = rows[0].ours, rows[1].ours
    return Result(
        ours=f"test error with 100 labels {both:.1f} %, without unlabelled images {alone:.1f} %",
        notes=(
            "The picture shows samples of this G: feature matching classifies well and draws "
            "badly. Published by Salimans et al. (2016) on MNIST, 300 epochs: 0.93 ± 0.065 %.",
        ),
        tables=(_table(rows),),
        pictures=(str(picture.relative_to(context.folder)),),
    )


def efficiency(context: Context) -> Result:
    """Extension 5: rounds and seconds to a score, one setting changed at a time."""
    full = context.profile == "full"
    data = datasets.load("mnist-5k", on_progress=context.on_progress)
    rows, picture = efficiency_module.efficiency(
        data,
        context.folder / "efficiency",
        nats=120.0,
        rounds=3000 if full else 1500,
        seeds=(0, 1, 2) if full else (0,),
        on_progress=context.on_progress,
    )
    reached = [r for r in rows if r.measure.startswith("rounds") and r.name == r.model]
    best = min(reached, key=lambda row: row.ours, default=None)
    return Result(
        ours=f"fewest rounds to 120 nats: {best.model}, {best.ours:.0f}"
        if best
        else "no variant reaches 120 nats in so few rounds",
        tables=(_table(rows),),
        pictures=(str(picture.relative_to(context.folder)),),
    )


def _digits(context: Context) -> Dataset:
    """MNIST, or the included digits in the quick profile."""
    name = "mnist" if context.profile == "full" else "mnist-5k"
    return datasets.load(name, on_progress=context.on_progress)


def _trained(preset: str, data: Dataset, context: Context) -> Run:
    """Train a run of a preset, with its full length or, in the quick profile, a shorter one."""
    rounds = PRESETS[preset].rounds if context.profile == "full" else QUICK_ROUNDS
    return trained(
        data, preset, context, name=f"{data.name}-{preset}", title=data.name, rounds=rounds
    )


def _table(rows: list[Row]) -> list[dict[str, object]]:
    """The rows as a table of the page."""
    return [
        {
            "model": row.name,
            "measure": row.measure,
            "ours": f"{row.ours:.4g}",
            "published": row.published or "",
        }
        for row in rows
    ]
