"""The interface of a baseline: what Table 1 needs to fit a model and to sample from it."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

from torch import Tensor

from adversarial_nets.baselines.chains import ChainSampler
from adversarial_nets.baselines.fitting import FitSession
from adversarial_nets.errors import UserError, describe_type

__all__ = ["Baseline", "Fit", "Model", "Sample"]


@runtime_checkable
class Model(Protocol):
    """A fitted model. Any `torch.nn.Module` is one."""

    def state_dict(self) -> Mapping[str, Tensor]:
        """Return every parameter by name: the tensors themselves, not copies."""


M = TypeVar("M")
M_co = TypeVar("M_co", covariant=True)
M_contra = TypeVar("M_contra", contravariant=True)
S = TypeVar("S")
S_contra = TypeVar("S_contra", contravariant=True)


@runtime_checkable
class Fit(Protocol[S_contra, M_co]):
    """A function that fits a model to images."""

    def __call__(self, images: Tensor, settings: S_contra, session: FitSession, /) -> M_co:
        """Fit a model.

        Args:
            images: training images, (n, pixels), in [0, 1].
            settings: the model's settings, a dataclass.
            session: saves checkpoints and resumes from them; a model that is fitted within
                seconds may ignore it. In the models of this package it is optional; without it
                nothing is saved.
        """


@runtime_checkable
class Sample(Protocol[M_contra]):
    """A function that draws independent samples from a model, without a Markov chain."""

    def __call__(self, model: M_contra, n: int, /, *, seed: int) -> Tensor:
        """Draw n images.

        Args:
            model: the fitted model.
            n: number of images.
            seed: seed of all random draws; the same seed gives the same images.

        Returns:
            (n, pixels) in [0, 1].
        """


@dataclass(frozen=True)
class Baseline(Generic[S, M]):
    """A generative model and how Table 1 fits it.

    Attributes:
        title: the model's name in the printed table.
        fit: fits the model to images.
        sample: draws images; a `ChainSampler` for a model that is sampled by a Markov chain.
        settings: settings of the full table, a dataclass. A field `seed` is set to the seed of
            the row; a field `batch` is the number of images in one update.
        quick_settings: settings of the quick table; `settings` if None.
        tune: after fitting, chooses a hyperparameter by the validation score: called with
            (model, function from a model to its validation score in nats).
        describe_tuning: describes in words what `tune` chose.
        sample_z: draws the z of n samples: called with (model, n, seed).
        decode: maps z to images: called with (model, z). With `sample_z`, the table shows images
            along a straight line in z.
        score_every_epochs: epochs between validation scores; the checkpoint with the best score is
            used. 0 for no validation scores, e.g. because `tune` must come first. Above 0, the
            settings need a field `batch`, since epochs are counted in updates.
    """

    title: str
    fit: Fit[S, M]
    sample: Sample[M] | ChainSampler[M, Any]
    settings: S
    quick_settings: S | None = None
    tune: Callable[[M, Callable[[M], float]], M] | None = None
    describe_tuning: Callable[[M], str] | None = None
    sample_z: Callable[[M, int, int], Tensor] | None = None
    decode: Callable[[M, Tensor], Tensor] | None = None
    score_every_epochs: int = 0

    def __post_init__(self) -> None:
        """Check the functions, and that the settings are a dataclass, with a `batch` if needed.

        Raises:
            UserError: a function cannot be called, the settings are not a dataclass, or `batch` is
                missing.
        """
        for name, function in (("fit", self.fit), ("sample", self.sample)):
            if not callable(function):
                raise UserError(
                    f"{name} of {self.title} is {describe_type(function)}; it must be a function."
                )
        for settings in (self.settings, self.quick_settings):
            if settings is None:
                continue
            if not dataclasses.is_dataclass(settings) or isinstance(settings, type):
                raise UserError(
                    f"The settings of {self.title} are {describe_type(settings)}; they must be "
                    "an instance of a dataclass, e.g. Settings()."
                )
            batch = getattr(settings, "batch", None)
            if self.score_every_epochs > 0 and not (isinstance(batch, int) and batch > 0):
                raise UserError(
                    f"score_every_epochs of {self.title} is {self.score_every_epochs}, but the "
                    f"settings have batch = {batch}. Epochs can only be counted if it is the "
                    "number of images in one update. Add the field `batch: int = 100` to the "
                    "settings (with your number), or use score_every_epochs=0."
                )

    def settings_for(self, seed: int, quick: bool) -> S:
        """Return the full or the quick settings, with the given seed if they have one."""
        settings: Any = self.settings
        if quick and self.quick_settings is not None:
            settings = self.quick_settings
        return dataclasses.replace(settings, seed=seed) if hasattr(settings, "seed") else settings
