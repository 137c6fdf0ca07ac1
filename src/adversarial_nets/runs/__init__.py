"""A run's folder: settings, metrics, checkpoints and scores. Writes are atomic; nothing is pickled.

    RUN/settings.json                   what the run was started with (below)
    RUN/metrics.jsonl                   one JSON object per line, in the order of the rounds
    RUN/checkpoints/round-00012000/     nets.safetensors, optimisers.safetensors, state.json
    RUN/samples/round-00012000.png      samples of the averaged G (or G) from the same noise
    RUN/samples/newest.png              the newest of these pictures
    RUN/evaluation.json                 list of Parzen scores, written by ``advnets evaluate``
    RUN/report.html, RUN/figures/       written by ``advnets train`` and ``advnets report``
    RUN/tensorboard/, wandb/, mlruns/   written by ``advnets train --tensorboard``, ``--wandb`` …
    RUN/inference/                      encoders, written by ``advnets paper section7 inference``
    RUN/.lock                           held while a process trains the run
    RUN/.evaluation.json.lock           held while a process adds a score

settings.json has these fields (`folder.Run`): ``format``, the version of this layout; ``data``,
``fingerprint``, ``image_shape`` and ``range``, which describe the data set; ``preset``;
``settings``, every setting of the game; ``changed``, the settings that differ from the preset's, as
name: [preset's value, run's value]; ``own_nets``, whether the program passed its own G or D; and
``info``: versions, machine, precision, your own optimiser and ``optimiser_lr`` (whether it keeps
its own learning rate), ``updates`` (manual or autograd), ``init_from`` (a run whose weights it
started from), ``onto`` (the run whose G became its top layers), ``changed_during_training``
(changes by callbacks), the hash of the labels, and the data's provenance.

A checkpoint is written to a hidden folder, flushed to disk and then renamed, so it exists either
completely or not at all. The two newest checkpoints are kept, and also the best one: by validation
score, or with a convolutional G by patch distance. A run that is killed at any moment continues
from its newest checkpoint. Every random draw depends only on (seed, purpose, step, row)
(`adversarial_nets.random`), so the run then ends with the same weights as an uninterrupted one.

Earlier versions named the round ``step`` (in evaluation.json, and in the folders step-00012000);
the readers accept both.
"""
