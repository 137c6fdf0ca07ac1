"""Workloads that a child process measures; each function imports what it needs, to save memory."""

__all__ = ["seconds_of_parzen", "seconds_of_round", "seconds_of_training"]


def seconds_of_round(batch: int, width: int, images: int, threads: int, repeats: int = 15) -> float:
    """The median seconds of a round of the published MNIST setting, scaled.

    Args:
        batch: size of the minibatch.
        width: units of G's hidden layers; D has a fifth as many maxout units.
        images: number of training images, which are noise.
        threads: processor threads.
        repeats: how many rounds to time, after five rounds that are not timed.
    """
    import dataclasses
    import statistics
    import time

    import numpy as np
    import torch

    from adversarial_nets.build import new_game
    from adversarial_nets.datasets import Dataset
    from adversarial_nets.game import play
    from adversarial_nets.presets import PRESETS

    torch.set_num_threads(threads)
    s = PRESETS["mnist"].settings
    G = dataclasses.replace(s.G, hidden=(width, width))
    D = dataclasses.replace(s.D, units=(width // 5, width // 5))
    settings = dataclasses.replace(s, batch=batch, G=G, D=D)
    noise = np.random.default_rng(0).integers(0, 256, (images, 784), np.uint8)
    train = torch.from_numpy(noise)
    game = new_game(
        settings, Dataset("noise", train, train[:1], train[:1], (1, 28, 28), "uniform noise")
    )
    play(game, 5)
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        play(game, game.round + 1)
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)


def seconds_of_parzen(samples: int, threads: int) -> float:
    """The seconds of a Parzen score of 1,000 images with a multiple of 1,000 streamed samples."""
    import time
    from collections.abc import Iterator

    import torch

    from adversarial_nets.evaluation.parzen import log_likelihood

    torch.set_num_threads(threads)
    x = torch.rand(1000, 784)

    def blocks() -> Iterator[torch.Tensor]:
        for _ in range(samples // 1000):
            yield torch.rand(1000, 784)

    began = time.perf_counter()
    log_likelihood(x, blocks, [0.2])
    return time.perf_counter() - began


def seconds_of_training(data: str, folder: str, rounds: int = 60) -> float:
    """The seconds of a training with the published setting, with checkpoints, scores and samples.

    Args:
        data: a name for `datasets.load`.
        folder: the run's folder.
        rounds: the length of the training.
    """
    import time

    from adversarial_nets.settings import Cadence
    from adversarial_nets.training.session import train

    began = time.perf_counter()
    cadence = Cadence(20, 30, 30, 30)
    train(data, preset="mnist", rounds=rounds, run=folder, cadence=cadence, progress=False)
    return time.perf_counter() - began
