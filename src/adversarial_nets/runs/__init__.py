"""A run's folder: settings, metrics and checkpoints. Every write is atomic; nothing is pickled.

    RUN/settings.json                  settings, data set, versions
    RUN/metrics.jsonl                  one JSON object a line, in the order of the rounds
    RUN/checkpoints/round-00012000/     nets.safetensors, optimisers.safetensors, state.json
    RUN/samples/round-00012000.png      samples from the same noise during training
    RUN/evaluation.json                Parzen scores (``advnets evaluate``)
    RUN/report.html                    written by ``advnets report``

A checkpoint is written to a hidden folder, flushed to disk and then renamed, so it exists either
completely or not at all. A run that is killed at any moment continues from its newest checkpoint.
Every random draw depends only on (seed, purpose, step, row) (`adversarial_nets.random`), so the
continued run ends with the same weights as an uninterrupted one.
"""
