"""The minibatches of a round: noise and data, with conditions, as functions of seed and step."""

import torch
from jaxtyping import Float
from torch import Tensor

from adversarial_nets import augmentation, classes, encoders, masks, nets, priors
from adversarial_nets.datasets import Dataset, image_shape_of, sample_rows
from adversarial_nets.errors import UserError
from adversarial_nets.layers import address_dropout, reference_parameter
from adversarial_nets.random import Address
from adversarial_nets.state import Game, Images, Noise

__all__ = [
    "condition_of",
    "condition_of_samples",
    "masked_images",
    "pairs",
    "sample_data",
    "sample_noise",
    "steps",
    "training_images",
]


def steps(game: Game) -> range:
    """The step numbers of this round's k updates of D; random draws depend on the step number."""
    return range(game.step, game.step + game.settings.k)


def sample_noise(game: Game, step: int, purpose: str) -> Noise:
    """A minibatch of m noise vectors z ~ p_z."""
    s = game.settings
    z = priors.draw(s.prior, game.address(step), s.z_size, purpose)
    return _with_condition(game, z.to(reference_parameter(game.G)), step)


def sample_data(game: Game, step: int) -> Images:
    """A minibatch of m examples x ~ p_data."""
    x = training_images(game, step).to(reference_parameter(game.D))
    if game.settings.joint:
        return pairs(game, x, step).detach()
    return _with_condition(game, x, step)


def pairs(game: Game, x: Images, step: int) -> Float[Tensor, "m values"]:
    """The rows (x, E(x)) of the joint game; E's dropout masks depend on the step."""
    address_dropout(game.G, game.address(step), "data, in E")
    return encoders.pairs(game.G, x)


def _drawn_before(game: Game, step: int) -> int:
    """The number of examples that earlier steps drew."""
    return game.images + (step - game.step) * game.settings.batch


def training_images(game: Game, step: int) -> Images:
    """The step's minibatch of training images, mirrored at random if `flip` is set."""
    return _images_at(game, game.address(step), _drawn_before(game, step))


def _images_at(game: Game, address: Address, first: int) -> Images:
    """The training images for an address, mirrored at random if `flip` is set."""
    x = game.data.minibatch(address, first)
    if game.settings.flip:
        shape = nets.required_shape(image_shape_of(game.data), "flip")
        x = augmentation.mirror(x, shape, address)
    return x


def masked_images(game: Game, address: Address, first: int) -> Images:
    """Known parts (x·m, m) of training images under random masks m, as in training.

    Args:
        game: a game with masks.
        address: key of the random draws, and the rows.
        first: the number of images that earlier minibatches drew.
    """
    assert isinstance(game.data, Dataset)
    m = masks.random_masks(address, game.data.image_shape)
    return masks.known_part(_images_at(game, address, first), m)


def _with_condition(game: Game, rows: Noise | Images, step: int) -> Noise | Images:
    """Append the condition c of the step's images in a conditional game: (z, c) or (x, c)."""
    if not game.condition_columns or game.settings.joint:
        return rows
    assert isinstance(game.data, Dataset)
    address = game.address(step)
    if game.settings.condition == "classes":
        c = game.data.minibatch_classes(address, _drawn_before(game, step))
        return classes.with_classes(rows, c, game.condition_columns)
    return torch.cat([rows, masked_images(game, address, _drawn_before(game, step)).to(rows)], 1)


def condition_of(game: Game, data: Dataset, split: str, n: int) -> Tensor | None:
    """The condition of the n images of a split in `sample_rows`, as input of both networks.

    Returns:
        Their classes in one-hot form; their known pixels under random masks; or in the joint game
        E(x), an input of D only. None in an unconditional game.

    Raises:
        UserError: the game has classes, but the images of this split have no labels.
    """
    if not game.condition_columns:
        return None
    rows = sample_rows(data, split, n)
    images = getattr(data, split)[rows]
    if game.settings.joint:
        assert isinstance(game.G, encoders.GeneratorWithEncoder)
        return encoders.encode(game.G.E, data.floats(images).to(reference_parameter(game.G)))
    if game.settings.condition == "classes":
        if split not in data.labels:
            raise UserError(f"The {split} images of {data.name} have no labels; give them too.")
        empty = torch.empty(len(images), 0)
        return classes.with_classes(empty, data.labels[split][rows], game.condition_columns)
    address = Address(game.settings.seed, 0, range(len(images)))
    return masks.known_part(data.floats(images), masks.random_masks(address, data.image_shape))


def condition_of_samples(game: Game, n: int, of_data: Tensor | None) -> Tensor | None:
    """D's condition for the first n watched samples: as for data, or z in the joint game."""
    s = game.settings
    if not s.joint:
        return of_data
    return priors.draw(s.prior, Address(s.seed, 0, range(n)), s.z_size, "samples to watch")
