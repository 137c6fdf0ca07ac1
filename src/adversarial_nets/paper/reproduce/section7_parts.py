"""§7: the extensions that are measured, on the embedded digits (quick) or on MNIST (full)."""

import dataclasses

from adversarial_nets import datasets
from adversarial_nets.evaluation.score import load_data
from adversarial_nets.paper.reproduce.registry import Context, Result
from adversarial_nets.paper.reproduce.training_parts import run_of
from adversarial_nets.paper.section7 import conditional as conditional_module
from adversarial_nets.paper.section7.few_labels_study import few_labels_rows
from adversarial_nets.paper.section7.inference import EncoderSettings
from adversarial_nets.paper.section7.inference_study import inference_rows, score_inference
from adversarial_nets.paper.section7.rows import Row
from adversarial_nets.plots.style import write_picture
from adversarial_nets.presets import PRESETS
from adversarial_nets.runs import game_state
from adversarial_nets.training.session import train

__all__ = ["conditional", "few_labels", "inference"]

QUICK_ROUNDS, QUICK_EPOCHS, QUICK_STEPS = 2500, 40, 1000


def conditional(context: Context) -> Result:
    """Extension 1: a conditional model p(x | c)."""
    full = context.profile == "full"
    data = datasets.load("mnist" if full else "mnist-5k", on_progress=context.on_progress)
    preset = PRESETS["fast-conditional"]
    run = train(
        data,
        preset="fast-conditional",
        settings=dataclasses.replace(preset.settings, seed=context.seed),
        run=context.out / "runs" / f"{data.name}-fast-conditional-{context.seed}",
        rounds=preset.rounds if full else QUICK_ROUNDS,
        callbacks=[lambda s: context.on_progress(f"{data.name}: round", s.row["round"], s.rounds)],
        progress=False,
    )
    found = conditional_module.score_conditional(run, data, on_progress=context.on_progress)
    G, _ = game_state.load_generator(run, weights=found.weights)
    figure = conditional_module.plot_conditional(G, run)
    picture = write_picture(figure, context.folder / "conditional.png")
    rows = conditional_module.conditional_rows([found], "fast-conditional", data.name, [])
    return Result(
        ours=f"{found.alignment:.1%} of the samples are of the class asked for (real images: "
        f"{found.accuracy:.1%}); {found.nats:.1f} nats",
        notes=("Published by Mirza & Osindero (2014) on MNIST: 132 ± 1.8 nats.",),
        tables=(_table(rows),),
        pictures=(picture.name,),
        run=str(run.folder),
    )


def inference(context: Context) -> Result:
    """Extension 2: z from x, by a network that is trained after G."""
    run = run_of("figure2a", context)
    data = load_data(run, context.on_progress)
    settings = EncoderSettings(steps=5000 if context.profile == "full" else QUICK_STEPS)
    found = score_inference(run, data, settings, on_progress=context.on_progress)
    rows = inference_rows(found, f"E of {run.preset_label}", run.data)
    return Result(
        ours=f"‖x − G(E(x))‖ is {found.ratio:.2f} of the distance for another image; "
        f"{found.accuracy:.1%} of test images have the class of the nearest in E's features",
        notes=("Published on MNIST (Donahue et al. 2017): BiGAN 0.62, latent regressor 97.44 %.",),
        tables=(_table(rows),),
        run=str(run.folder),
    )


def few_labels(context: Context) -> Result:
    """Extension 4: a classifier of 100 labels, with and without unlabelled images."""
    full = context.profile == "full"
    data = datasets.load("mnist" if full else "mnist-5k", on_progress=context.on_progress)
    rows, picture = few_labels_rows(
        data,
        context.folder / "few-labels",
        epochs=300 if full else QUICK_EPOCHS,
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


def _table(rows: list[Row]) -> list[dict[str, object]]:
    """The rows as the page shows them."""
    return [
        {
            "model": row.model,
            "measure": row.measure,
            "ours": f"{row.ours:.4g}",
            "published": row.published or "",
        }
        for row in rows
    ]
