"""A game's networks and optimisers, saved into a checkpoint and restored from it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from adversarial_nets import nets
from adversarial_nets.errors import UserError
from adversarial_nets.runs.checkpoints import (
    Checkpoint,
    checkpoint_folder,
    read_checkpoint,
    write_checkpoint,
)
from adversarial_nets.runs.folder import Run
from adversarial_nets.state import Game

__all__ = [
    "load_generator",
    "nets_of",
    "restore",
    "save_checkpoint",
]


def save_checkpoint(run: Run, game: Game, state: Mapping[str, Any]) -> Path:
    """Write the game's checkpoint of this round; keep the newest few and the best.

    Args:
        run: the run.
        game: the game after a round.
        state: what else must survive: ``best`` and whatever the training keeps between rounds.
    """
    counters = {"step": game.step, "images": game.images}
    return write_checkpoint(
        run.folder, Checkpoint(game.round, nets_of(game), _optimisers(game), {**counters, **state})
    )


def _players(game: Game) -> dict[str, nn.Module]:
    players = {"G": game.G, "D": game.D}
    return players if game.averaged is None else players | {"averaged": game.averaged}


def nets_of(game: Game) -> dict[str, Tensor]:
    """Every parameter and buffer of a game's nets, named player.name."""
    return {
        f"{player}.{name}": tensor.contiguous()
        for player, net in _players(game).items()
        for name, tensor in net.state_dict().items()
    }


def _optimisers(game: Game) -> dict[str, Tensor]:
    """Every tensor and number that the optimisers keep, named player/parameter/name."""
    return {
        f"{player}/{index}/{name}": torch.as_tensor(value).contiguous()
        for player, optimiser in (("G", game.optimiser_G), ("D", game.optimiser_D))
        for index, kept in optimiser.state_dict()["state"].items()
        for name, value in kept.items()
        if value is not None
    }


def restore(game: Game, checkpoint: Checkpoint) -> None:
    """Put the game where the checkpoint left it.

    Raises:
        UserError: the checkpoint is of other nets.
    """
    for player, net in _players(game).items():
        load_net(net, checkpoint, player)
    for player, optimiser in (("G", game.optimiser_G), ("D", game.optimiser_D)):
        whole = optimiser.state_dict()
        whole["state"] = {}
        for address, value in checkpoint.optimisers.items():
            owner, index, name = address.split("/")
            if owner == player:
                # (A copy lies in memory as an optimiser's own would; how a product rounds may
                # depend on that, and a file's tensors lie anywhere.)
                whole["state"].setdefault(int(index), {})[name] = value.clone()
        optimiser.load_state_dict(whole)
    # Earlier versions kept the round alone; their k and batch could not change during a run.
    s, played = game.settings, checkpoint.round
    game.round = played
    game.step = checkpoint.state.get("step", played * s.k)
    game.images = checkpoint.state.get("images", played * s.k * s.batch)


def load_networks(game: Game, run: Run) -> None:
    """Give a game the networks of another run's newest checkpoint; optimisers start afresh.

    Raises:
        UserError: the run has no checkpoint, or its networks have other shapes.
    """
    checkpoint = read_checkpoint(checkpoint_folder(run.folder))
    load_net(game.G, checkpoint, "G")
    load_net(game.D, checkpoint, "D")
    if game.averaged is not None:
        has_average = any(name.startswith("averaged.") for name in checkpoint.nets)
        load_net(game.averaged, checkpoint, "averaged" if has_average else "G")


def load_net(net: nn.Module, checkpoint: Checkpoint, player: str) -> None:
    """Give a net the weights that a checkpoint holds of ``G``, ``D`` or ``averaged``.

    Raises:
        UserError: the checkpoint holds no such player, or one of another shape.
    """
    prefix = f"{player}."
    weights = {
        name.removeprefix(prefix): tensor
        for name, tensor in checkpoint.nets.items()
        if name.startswith(prefix)
    }
    try:
        net.load_state_dict(weights)
    except RuntimeError as error:
        raise UserError(
            f"The checkpoint of round {checkpoint.round} holds other nets than this run's settings "
            f"describe ({str(error).splitlines()[-1].strip()})."
        ) from error


def load_generator(
    run: Run,
    which: str = "last",
    weights: str = "raw",
    G: nn.Module | None = None,
) -> tuple[nn.Module, int]:
    """The run's generator, ready to sample, and the round it is from.

    Args:
        run: the run.
        which: ``last``, ``best``, or a round's number.
        weights: ``raw`` or ``averaged``.
        G: the module to fill, for a run with nets of your own.

    Raises:
        UserError: no such checkpoint, no average kept, or nets that only a program can rebuild.
    """
    if weights not in ("raw", "averaged"):
        raise UserError(f"--weights is {weights!r}; it must be raw or averaged.")
    if weights == "averaged" and not run.settings.ema_decay:
        raise UserError(
            f"{run.folder} keeps no averaged generator; it was trained without --average. Use "
            "--weights raw."
        )
    if G is None:
        if run.own_nets:
            raise UserError(
                f"{run.folder} was trained with nets of your own; pass the generator as G= to the "
                "library's function."
            )
        G = nets.generator(
            run.settings.G, run.settings.z_size, run.pixels, image_shape=run.image_shape
        )
    checkpoint = read_checkpoint(checkpoint_folder(run.folder, which))
    load_net(G, checkpoint, "averaged" if weights == "averaged" else "G")
    return G.eval(), checkpoint.round
