"""Test the networks that a program passes in, before the first round.

A network may take and give images in either form, (m, pixels) or (m, channels, height, width), and
noise as (m, z_size) or (m, z_size, 1, 1). In a conditional game it takes the class numbers, int64
of shape (m,), as a second argument. `ImageAdapter` converts inputs and outputs for networks that
need it.
"""

import math
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from adversarial_nets import priors
from adversarial_nets.classes import class_numbers, with_classes
from adversarial_nets.datasets import Dataset, Source
from adversarial_nets.errors import UserError, describe_type
from adversarial_nets.layers import evaluation_mode, reference_parameter
from adversarial_nets.random import Address, preserved_generators
from adversarial_nets.settings import Settings

__all__ = [
    "ImageAdapter",
    "Requirements",
    "prepare_discriminator",
    "prepare_generator",
    "require_module",
    "warn_of_outputs",
]

Shape = tuple[int, ...]

_WRONG_SHAPE = (RuntimeError, ValueError, IndexError, AssertionError)  # for a wrong shape
_WRONG_ARGUMENTS = (TypeError, *_WRONG_SHAPE)  # for a missing second argument
_ROWS = 16  # maximum number of noise vectors or images in a test
_FAR = 1000.0  # a usual input times this saturates a sigmoid or tanh


class ImageAdapter(nn.Module):
    """A network with its input copied and unflattened, and its output flattened.

    The copy is for layers that change their input in place.

    The weights have the same names as in the wrapped network, so checkpoints do not depend on the
    adapter.

    Args:
        net: the network.
        input_shape: shape of one input of the network.
        conditional: whether rows end in a one-hot class, whose number is the second argument.
    """

    def __init__(self, net: nn.Module, input_shape: Shape, conditional: bool = False) -> None:
        super().__init__()
        self.net = net
        self.input_shape = input_shape
        self.conditional = conditional

    def __repr__(self) -> str:
        """The network's own text."""
        return repr(self.net)

    def forward(self, x: Tensor) -> Tensor:
        """The network's output, one row for each row of x."""
        size = math.prod(self.input_shape)
        c = (class_numbers(x[:, size:]),) if self.conditional else ()
        y = self.net(x[:, :size].reshape(-1, *self.input_shape).clone(), *c)
        return y.flatten(1) if y.ndim > 2 else y

    def state_dict(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 (torch's signature)
        """The network's own state."""
        return self.net.state_dict(*args, **kwargs)

    def load_state_dict(  # torch's signature
        self,
        state_dict: Mapping[str, Any],
        *args: Any,  # noqa: ANN401 (torch's)
        **kwargs: Any,  # noqa: ANN401 (torch's)
    ) -> Any:  # noqa: ANN401 (torch's)
        """Load the network's own state."""
        return self.net.load_state_dict(state_dict, *args, **kwargs)


# --- One network ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Requirements:
    """The requirements of a game for its networks.

    Attributes:
        settings: the game's settings.
        pixels: number of values in an image.
        image_shape: (channels, height, width), or None for data that are not images.
        columns: values of a row that hold the class (`classes.condition_columns`), 0 if there is
            only one class; None for a game without classes.
        device: where the game is to run.
        dtype: the floating type of the game; None keeps that of the network.
        trained: whether the networks are to be trained, not only used.
    """

    settings: Settings
    pixels: int
    image_shape: Shape | None
    columns: int | None = None
    device: str = "cpu"
    dtype: torch.dtype | None = None
    trained: bool = True


def prepare_generator(G: nn.Module, required: Requirements) -> nn.Module:
    """Return a user's generator as a map from (m, z_size) to (m, pixels).

    Args:
        G: the generator.
        required: the game's requirements.

    Returns:
        G itself, or an `ImageAdapter` of it.

    Raises:
        UserError: G is not a module, or does not map noise to images.
    """
    G = _checked(G, "G", required)
    z, size = _noise(required), required.settings.z_size
    shape = required.image_shape
    right = {(len(z), required.pixels)} | ({(len(z), *shape)} if shape else set())
    task = (
        f"G must map noise of shape ({len(z)}, {size}) or ({len(z)}, {size}, 1, 1)"
        f"{_and_classes(required, len(z))} to images of shape "
        f"{' or '.join(map(str, sorted(right, key=len)))}"
    )
    return _adapted(
        G,
        z,
        [(size,), (size, 1, 1)],
        lambda images: tuple(images.shape) in right,
        task,
        f"Change G, or z_size in the settings (it is {size}).",
        required.columns is not None,
    )


def prepare_discriminator(D: nn.Module, data: Source, required: Requirements) -> nn.Module:
    """Return a user's discriminator as a map from (m, pixels) to m logits.

    Args:
        D: the discriminator.
        data: the data set; D is tested on its first images.
        required: the game's requirements.

    Returns:
        D itself, or an `ImageAdapter` of it.

    Raises:
        UserError: D is not a module, does not map images to logits, or returns infinity or NaN.
    """
    D = _checked(D, "D", required)
    x = _images(data, required)
    shapes = [shape for shape in ((required.pixels,), required.image_shape) if shape]
    takes = " or ".join(str((len(x), *shape)) for shape in shapes)
    net = _adapted(
        D,
        x,
        shapes,
        lambda logits: logits.numel() == len(x),
        f"D must map images of shape {takes}{_and_classes(required, len(x))} to one logit each, "
        f"shape ({len(x)},) or ({len(x)}, 1)",
        "Change D, e.g. end it in nn.Flatten() and nn.Linear(features, 1), without a sigmoid.",
        required.columns is not None,
    )
    with _test_mode(net):
        logits = net(_like(net, x))
    if not bool(logits.isfinite().all()):
        raise UserError(
            "D gives logits that are not finite numbers for the first training images. Check its "
            "initial weights."
        )
    return net


def _and_classes(required: Requirements, m: int) -> str:
    """The second input of a conditional network, in words; '' for other networks."""
    return "" if required.columns is None else f" and class numbers of shape ({m},), int64,"


def require_module(name: str, net: object) -> None:
    """Raise an error if an argument is not a network, for example its class."""
    if not isinstance(net, nn.Module):
        instead = f" Make one: {name}={net.__name__}()." if isinstance(net, type) else ""
        raise UserError(f"{name} is {describe_type(net)}; it must be a torch.nn.Module.{instead}")


def _checked(net: nn.Module, name: str, required: Requirements) -> nn.Module:
    """Check that a network can be trained, and convert it to the game's device and dtype."""
    require_module(name, net)
    if isinstance(net, torch.jit.ScriptModule):
        raise UserError(
            f"{name} is compiled by torch.jit, so its parameters cannot be frozen and its layers "
            "cannot be read. Give the network from before torch.jit.script or torch.jit.trace."
        )
    for key, value in net.state_dict().items():
        if not isinstance(value, Tensor):
            raise UserError(
                f"{name}'s state {key} is a {type(value).__name__}, but checkpoints save tensors "
                "only. Return a tensor from get_extra_state, e.g. torch.tensor([count])."
            )
    is_trained = required.trained and required.settings.train_only in (None, name)
    if not any(p.requires_grad or not is_trained for p in net.parameters()):
        raise UserError(
            f"{name} has no parameters to train. Give a network with at least one trainable layer."
        )
    devices = sorted({str(p.device) for p in net.parameters()})
    wanted = torch.device(required.device).type
    elsewhere = [d for d in devices if d != "cpu" and torch.device(d).type != wanted]
    if elsewhere or len(devices) > 1:
        raise UserError(
            f"{name} is on {' and '.join(devices)}, but the training is to run on "
            f'{required.device}. Move it there with {name}.to("{required.device}"), or give '
            "another device="
        )
    return net.to(required.device, required.dtype)


def _adapted(
    net: nn.Module,
    rows: Tensor,
    shapes: list[Shape],
    is_right: Callable[[Tensor], bool],
    task: str,
    remedy: str,
    conditional: bool = False,
) -> nn.Module:
    """The network or an `ImageAdapter` of it, for the first input shape with the right output.

    A network that changes its input in place gets an adapter, too.
    """
    problems: list[str] = []
    wrong = _WRONG_ARGUMENTS if conditional else _WRONG_SHAPE
    cause: Exception | None = None
    for shape in shapes:
        given = (len(rows), *shape)
        x = _like(net, rows).clone()
        try:
            with _test_mode(net):
                output = ImageAdapter(net, shape, True)(x) if conditional else net(x.reshape(given))
        except wrong as error:
            cause = error
            first_line = next(iter(str(error).splitlines()), type(error).__name__)
            problems.append(f"it cannot take shape {given} ({first_line})")
            continue
        if not isinstance(output, Tensor):
            raise UserError(f"{task}, but it returns a {type(output).__name__}. {remedy}")
        if is_right(output):
            is_flat = shape == shapes[0] and output.ndim <= 2 and not conditional
            is_used_alone = is_flat and not _changes(net, x)
            return net if is_used_alone else ImageAdapter(net, shape, conditional)
        problems.append(f"it returns shape {tuple(output.shape)} for shape {given}")
    raise UserError(f"{task}, but {', and '.join(problems)}. {remedy}") from cause


def _changes(net: nn.Module, x: Tensor) -> bool:
    """Whether a network that was tested with x changes its input in place, or may in training."""
    dropout = (m for m in net.modules() if isinstance(m, nn.modules.dropout._DropoutNd))
    return any(m.inplace for m in dropout) or (not x.is_inference() and x._version > 0)


# --- Warnings -------------------------------------------------------------------------------------


def warn_of_outputs(
    G: nn.Module | None, D: nn.Module | None, data: Source, required: Requirements
) -> None:
    """Warn if D seems to end in a sigmoid, or if G's bounded outputs do not have the data's range.

    Args:
        G: a user's generator, from `prepare_generator`; or None.
        D: a user's discriminator, from `prepare_discriminator`; or None.
        data: the data set.
        required: the game's requirements.
    """
    if D is not None and _ends_in(nn.Sigmoid, D, _images(data, required)):
        _warn(
            "D's outputs all lie in [0, 1], as if D ended in a sigmoid. D must give logits, since "
            "the loss applies the sigmoid itself: remove D's last sigmoid."
        )
    if G is None or not isinstance(data, Dataset):
        return
    low, high = data.range
    lie = f"but the data lie in [{low:g}, {high:g}]"
    if low >= 0 and _ends_in(nn.Tanh, G, _noise(required)):
        _warn(
            f"G's outputs lie in [-1, 1], as if G ended in a Tanh, {lie}. End G in nn.Sigmoid() "
            "instead."
        )
    if (low < 0 or high > 1) and _ends_in(nn.Sigmoid, G, _noise(required)):
        _warn(
            f"G's outputs lie in [0, 1], as if G ended in a sigmoid, {lie}. End G in a linear "
            "layer instead."
        )


def _ends_in(kind: type[nn.Sigmoid] | type[nn.Tanh], net: nn.Module, rows: Tensor) -> bool:
    """Whether a network seems to end in a sigmoid or tanh, whether as a module or as a function.

    This is so if all outputs lie in the function's range and large inputs give the ends of the
    range (unless normalisation removes their scale).
    """
    least = 0.0 if kind is nn.Sigmoid else -1.0
    with _test_mode(net):
        near = net(_like(net, rows))
        far = torch.cat([net(_like(net, rows * factor)).flatten() for factor in (_FAR, -_FAR)])
    outputs = torch.cat([near.flatten(), far])
    if not bool(((outputs >= least) & (outputs <= 1)).all()):
        return False
    if not bool(((near > least) & (near < 1)).any()):
        return False
    leaves = [module for module in net.modules() if not list(module.children())]
    reaches_both_signs = least == 0 or bool((near < 0).any())
    saturates = bool(((outputs < least + 0.05) | (outputs > 0.95)).any())
    return reaches_both_signs and (saturates or isinstance(leaves[-1], kind))


def _warn(message: str) -> None:
    warnings.warn(message, UserWarning, stacklevel=4)


# --- Trying a network -----------------------------------------------------------------------------


@contextmanager
def _test_mode(net: nn.Module) -> Iterator[None]:
    """Evaluation mode without gradients; modes and random generators are restored."""
    kept = preserved_generators(reference_parameter(net).device)
    with evaluation_mode(net), kept, torch.no_grad():
        yield


def _like(net: nn.Module, x: Tensor) -> Tensor:
    """The tensor with the network's device and dtype."""
    return x.to(reference_parameter(net))


def _noise(required: Requirements) -> Tensor:
    """A few noise vectors."""
    s = required.settings
    z = priors.draw(s.prior, _few_rows(s), s.z_size, "noise to try G")
    return _with_all_classes(z, required.columns)


def _images(data: Source, required: Requirements) -> Tensor:
    """The first training images."""
    x = data.minibatch(_few_rows(required.settings), 0)
    return _with_all_classes(x, required.columns)


def _few_rows(s: Settings) -> Address:
    """The address of the test rows."""
    return Address(s.seed, 0, range(min(s.batch, _ROWS)))


def _with_all_classes(rows: Tensor, columns: int | None) -> Tensor:
    """In a conditional game, append the classes 0, 1, 2, … in turn, one to each row."""
    if not columns:
        return rows
    return with_classes(rows, torch.arange(len(rows)) % columns, columns)
