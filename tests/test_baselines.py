"""The baselines of Table 1, compared with enumeration and autograd; interruption and resumption."""

import dataclasses
import itertools
import json
import math
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from adversarial_nets.baselines import (
    BASELINES,
    SINGLE_CHAIN,
    Baseline,
    ChainSampler,
    ChainSettings,
    FitSession,
    dbn,
    gmmn,
    open_fit_folder,
    pca,
    vae,
)
from adversarial_nets.baselines.optimisers import (
    adam_state,
    adam_step,
    ascend_with_momentum,
    descend_with_momentum,
)
from adversarial_nets.errors import Diverged, Stopped, UserError
from adversarial_nets.runs.metrics import read_metrics
from small import SMALL_MODELS as SMALL
from small import normal, small_data

DATA = small_data()


IMAGES = DATA.floats(DATA.train)


# --- Sampling, resuming, and what all baselines share ---------------------------------------------


def test_chains_are_thinned_after_a_burn_in() -> None:
    def first(model: None, images: Tensor, generator: torch.Generator) -> Tensor:
        return images

    def add_one(model: None, state: Tensor, generator: torch.Generator) -> Tensor:
        return state + 1

    sample = ChainSampler(first, add_one, lambda model, state: state)
    start = torch.tensor([[0.0], [100.0]])
    chains = ChainSettings(chains=2, burn_in=3, thinning=2)
    kept = sample(None, 5, training_images=start, chains=chains)
    assert kept.flatten().tolist() == [5.0, 105.0, 7.0, 107.0, 9.0]
    assert chains.total_steps(4) == 2 * (3 + 2 * 2)
    single = sample(None, 3, training_images=start, chains=SINGLE_CHAIN)
    assert single.flatten().tolist() == [1.0, 2.0, 3.0]
    totals = (ChainSettings().total_steps(10_000), SINGLE_CHAIN.total_steps(10_000))
    assert totals == (1_100_000, 10_000)


def test_no_more_chains_than_images_and_as_many_samples_as_asked_for() -> None:
    def first(model: None, images: Tensor, generator: torch.Generator) -> Tensor:
        return images

    def same(model: None, state: Tensor, generator: torch.Generator) -> Tensor:
        return state

    sample = ChainSampler(first, same, lambda model, state: state)
    few = ChainSettings(chains=5, burn_in=0, thinning=1)
    assert sample(None, 7, training_images=torch.zeros(2, 1), chains=few).shape == (7, 1)
    assert few.limited_to(2).total_steps(7) == 2 * 4
    assert few.limited_to(9) == few


def test_each_step_of_a_chain_has_its_own_random_numbers() -> None:
    def noise(model: None, state: Tensor, generator: torch.Generator) -> Tensor:
        return torch.rand(state.shape, generator=generator)

    sample = ChainSampler(noise, noise, lambda model, state: state)
    chains = ChainSettings(chains=1, burn_in=0, thinning=1)
    start = torch.zeros(1, 4)
    x = sample(None, 3, training_images=start, seed=1, chains=chains)
    assert x.unique().numel() == 12
    assert x.equal(sample(None, 3, training_images=start, seed=1, chains=chains))
    assert not x.equal(sample(None, 3, training_images=start, seed=2, chains=chains))


def test_momentum_adds_up_velocities_and_decays_matrices_only() -> None:
    θ = {"W": torch.ones(1, 1), "b": torch.ones(1)}
    velocity = {"W": torch.full((1, 1), 2.0), "b": torch.full((1,), 2.0)}
    gradients = {"W": torch.full((1, 1), 3.0), "b": torch.full((1,), 3.0)}
    ascend_with_momentum(θ, velocity, gradients, lr=0.1, momentum=0.5, weight_decay=0.2)
    assert velocity["W"].item() == pytest.approx(0.5 * 2 + 0.1 * (3 - 0.2))
    assert velocity["b"].item() == pytest.approx(0.5 * 2 + 0.1 * 3)
    assert θ["b"].item() == pytest.approx(1 + 1.3)


def test_descent_with_momentum_is_ascent_along_the_negative_gradient() -> None:
    """Bit for bit: earlier versions trained the GMMN so."""
    start = {name: normal(4, 3, step=i).float() for i, name in enumerate("Wb")}
    θ, θ_up = ({name: x.clone() for name, x in start.items()} for _ in range(2))
    v, v_up = ({name: torch.zeros_like(x) for name, x in start.items()} for _ in range(2))
    for step in range(1, 5):
        g = {name: normal(4, 3, step=10 * step + i).float() for i, name in enumerate("Wb")}
        descend_with_momentum(θ, v, list(g.values()), lr=0.3, momentum=0.9)
        up = {name: -x for name, x in g.items()}
        ascend_with_momentum(θ_up, v_up, up, lr=0.3, momentum=0.9, weight_decay=0.0)
    for name, x in start.items():
        assert torch.equal(θ[name], θ_up[name])
        assert torch.equal(v[name], v_up[name])
        assert not torch.equal(θ[name], x)
    with pytest.raises(ValueError, match="shorter"):
        descend_with_momentum(θ, v, [start["W"]], lr=0.1, momentum=0.0)


def test_adam_decays_matrices_only_and_is_torchs() -> None:
    start = {"W": torch.linspace(-1, 1, 12).view(3, 4), "b": torch.ones(3)}
    ours = {name: x.clone() for name, x in start.items()}
    theirs = {name: nn.Parameter(x.clone()) for name, x in start.items()}
    state = adam_state(ours)
    groups = [
        {"params": [theirs["W"]], "weight_decay": 0.3},
        {"params": [theirs["b"]], "weight_decay": 0.0},
    ]
    adam = torch.optim.Adam(groups, lr=0.1, betas=(0.5, 0.9), eps=1e-8)
    for step in range(1, 4):
        gradients = [torch.sin(step * x + 1) for x in start.values()]
        adam_step(ours, state, gradients, 0.1, (0.5, 0.9), weight_decay=0.3)
        for p, gradient in zip(theirs.values(), gradients, strict=True):
            p.grad = gradient.clone()
        adam.step()
    for name, x in ours.items():
        torch.testing.assert_close(x, theirs[name].detach())


def samples(name: str, model: Any) -> Tensor:
    sample = BASELINES[name].sample
    if isinstance(sample, ChainSampler):
        return sample(model, 12, training_images=IMAGES, chains=ChainSettings(4, 3, 2))
    return sample(model, 12, seed=0)


@pytest.mark.parametrize("name", list(BASELINES))
def test_samples_are_images_and_reproducible(name: str) -> None:
    model = BASELINES[name].fit(IMAGES, SMALL[name], FitSession())
    x = samples(name, model)
    assert x.shape == (12, 36)
    assert x.min() >= 0
    assert x.max() <= 1
    assert x.unique(dim=0).shape[0] == 12
    assert x.equal(samples(name, model))


@pytest.mark.parametrize("name", list(BASELINES))
def test_an_interrupted_fit_ends_like_an_uninterrupted_one(name: str, tmp_path: Path) -> None:
    baseline, settings = BASELINES[name], SMALL[name]
    expected = baseline.fit(IMAGES, settings, FitSession())
    open_fit_folder(tmp_path, baseline.title, DATA, dataclasses.asdict(settings))
    stopped: list[int] = []

    def stop(update: int, total: int, loss: float) -> None:
        stopped.append(update)
        raise InterruptedError

    for save_every in (3, 2, 5, 100):
        callback = stop if save_every < 100 else None
        session = FitSession(tmp_path, save_every=save_every, callback=callback)
        try:
            resumed = baseline.fit(IMAGES, settings, session)
        except InterruptedError:
            continue
    assert stopped
    for parameter, value in expected.state_dict().items():
        assert resumed.state_dict()[parameter].equal(value), parameter


def test_a_signal_leaves_the_metrics_of_an_uninterrupted_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C in an update after which a row of metrics is due, and in one after which none is."""
    baseline, settings, negative_elbo = BASELINES["vae"], SMALL["vae"], vae.negative_elbo

    def metrics(folder: Path, *stop_in: int) -> list[dict[str, Any]]:
        open_fit_folder(folder, baseline.title, DATA, dataclasses.asdict(settings))
        updates = itertools.count(1)

        def interrupted(*args: Any) -> Any:
            if next(updates) in stop_in:
                os.kill(os.getpid(), signal.SIGINT)
            return negative_elbo(*args)

        monkeypatch.setattr(vae, "negative_elbo", interrupted)
        for _ in stop_in:
            with pytest.raises(Stopped):
                baseline.fit(IMAGES, settings, FitSession(folder, save_every=3))
        baseline.fit(IMAGES, settings, FitSession(folder, save_every=3))
        return [{k: v for k, v in row.items() if k != "seconds"} for row in read_metrics(folder)]

    expected = metrics(tmp_path / "uninterrupted")
    assert [row["round"] for row in expected] == [3, 6, 8]
    assert metrics(tmp_path / "stopped", 3, 4) == expected


def test_a_fit_that_diverges_says_so() -> None:
    settings = dataclasses.replace(SMALL["vae"], lr=float("inf"))
    with pytest.raises(Diverged, match="smaller learning rate"):
        vae.fit(IMAGES, settings, FitSession(save_every=1))


@pytest.mark.parametrize("name", ["dbn", "deep-gsn", "vae", "stacked-cae", "gmmn", "aae"])
def test_fitting_lowers_the_loss(name: str) -> None:
    losses: list[float] = []
    session = FitSession(save_every=4, callback=lambda update, total, loss: losses.append(loss))
    settings = dataclasses.replace(SMALL[name], epochs=_longer(name), batch=20)
    BASELINES[name].fit(IMAGES, settings, session)
    half = len(losses) // 2 if name in ("dbn", "stacked-cae") else len(losses)
    assert losses[half - 1] < 0.97 * losses[0]


def _longer(name: str) -> Any:
    return (10, 10) if name in ("dbn", "gmmn") else 10


def test_a_fit_that_is_to_be_scored_needs_a_score() -> None:
    with pytest.raises(ValueError, match="no validation_score"):
        FitSession(score_every=5)


def test_a_folder_of_another_run_is_refused(tmp_path: Path) -> None:
    open_fit_folder(tmp_path, "VAE", DATA, dataclasses.asdict(vae.Settings()))
    open_fit_folder(tmp_path, "VAE", DATA, dataclasses.asdict(vae.Settings()))
    with pytest.raises(UserError, match="another settings"):
        open_fit_folder(tmp_path, "VAE", DATA, dataclasses.asdict(vae.Settings(epochs=3)))
    with pytest.raises(UserError, match="another model and settings"):
        open_fit_folder(tmp_path, "DBN", DATA, dataclasses.asdict(dbn.Settings()))
    (tmp_path / "settings.json").unlink()
    (tmp_path / "checkpoints" / "round-00000003").mkdir()
    with pytest.raises(UserError, match="has checkpoints but no settings"):
        open_fit_folder(tmp_path, "VAE", DATA, dataclasses.asdict(vae.Settings()))


OLD_SETTINGS = {
    "aae": {"z_size": "code", "prior_std": "spread", "keep_prob": "keep"},
    "dbm": {
        "mean_field_steps": "mean_field",
        "gibbs_steps": "gibbs",
        "weight_decay": "decay",
    },
    "dbn": {"gibbs_steps": "gibbs", "weight_decay": "decay"},
    "deep-gsn": {
        "noise_std": "noise",
        "optimiser": "rule",
        "lr_decay": "decay",
        "lr_decay_epochs": "full_epochs",
    },
    "gmmn": {
        "bandwidths": "scales",
        "autoencoder_batch": "small_batch",
    },
}


@pytest.mark.parametrize("name", list(OLD_SETTINGS))
def test_folders_with_earlier_names_of_settings_continue(name: str, tmp_path: Path) -> None:
    baseline, settings = BASELINES[name], SMALL[name]
    open_fit_folder(tmp_path, baseline.title, DATA, dataclasses.asdict(settings))
    path = tmp_path / "settings.json"
    record = json.loads(path.read_text())
    old_names = OLD_SETTINGS[name]
    old = {old_names.get(key, key): value for key, value in record["settings"].items()}
    assert old.keys() != record["settings"].keys()
    path.write_text(json.dumps(record | {"settings": old}))
    open_fit_folder(tmp_path, baseline.title, DATA, dataclasses.asdict(settings))
    changed = dataclasses.replace(settings, seed=1)
    with pytest.raises(UserError, match="another settings"):
        open_fit_folder(tmp_path, baseline.title, DATA, dataclasses.asdict(changed))


@pytest.mark.usefixtures("_as_users_run_it")
def test_settings_of_a_baseline_must_be_a_dataclass() -> None:
    settings: Any = {"components": 5}
    none: Any = None
    the_class: Any = pca.Settings
    with pytest.raises(
        UserError, match="are of type dict; they must be an instance of a dataclass"
    ):
        Baseline("mine", pca.fit, pca.sample, settings)
    with pytest.raises(UserError, match="are the class Settings; they must be an instance"):
        Baseline("mine", pca.fit, pca.sample, the_class)
    with pytest.raises(UserError, match="sample of mine is of type NoneType; it must be a func"):
        Baseline("mine", pca.fit, none, pca.Settings())


@dataclasses.dataclass(frozen=True)
class WithoutBatch:
    """Settings of a user's baseline."""

    epochs: int = 10


@dataclasses.dataclass(frozen=True)
class WithBatch(WithoutBatch):
    """The same with minibatches."""

    batch: int = 100


def test_validation_scores_need_the_number_of_images_in_one_update() -> None:
    fit: Any = pca.fit
    match = "have batch = None.*Add the field `batch: int = 100`.*score_every_epochs=0"
    with pytest.raises(UserError, match=match):
        Baseline("mine", fit, pca.sample, WithoutBatch(), score_every_epochs=2)
    with pytest.raises(UserError, match="have batch = 0"):
        Baseline("mine", fit, pca.sample, WithBatch(batch=0), score_every_epochs=2)
    settings: tuple[Any, Any] = WithBatch(), WithoutBatch()
    with pytest.raises(UserError, match="have batch = None"):
        Baseline("mine", fit, pca.sample, *settings, score_every_epochs=2)
    Baseline("mine", fit, pca.sample, WithBatch(), score_every_epochs=2)
    Baseline("mine", fit, pca.sample, WithoutBatch())


@pytest.mark.parametrize(
    "keep_probs", [(0.8,), (0.8, 0.5, 0.5), (), (0.8, 0.0), (0.8, 1.1), (math.nan, 0.5)]
)
def test_each_layer_of_an_autoencoder_needs_a_probability(keep_probs: tuple[float, ...]) -> None:
    with pytest.raises(UserError, match=r"one probability in \(0, 1\] for each of the 2 layers"):
        gmmn.Settings(autoencoder=(9, 4), keep_probs=keep_probs)
    gmmn.Settings(autoencoder=(9, 4), keep_probs=(1.0, 0.5))
    gmmn.Settings(keep_probs=keep_probs)  # not used without an autoencoder


def test_a_checkpoint_that_other_code_saved_is_refused(tmp_path: Path) -> None:
    """A buffer or a parameter was added, or has another shape."""
    (tmp_path / "checkpoints").mkdir()
    old = nn.Linear(3, 2)
    steps = FitSession(tmp_path).steps(1, old, dict(old.named_parameters()), {})
    for _, record_loss in steps.until(1):
        record_loss(0.0)
    more = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    FitSession(tmp_path).steps(1, old, dict(old.named_parameters()), {})
    with pytest.raises(UserError, match=r"lacks .*1\.running_mean.* was saved by other code"):
        FitSession(tmp_path).steps(1, more, {}, {})
    with pytest.raises(UserError, match="lacks weight, or has another shape"):
        FitSession(tmp_path).steps(1, nn.Linear(4, 2), {}, {})
    with pytest.raises(UserError, match=r"lacks v/weight.*Delete .* to fit the model again"):
        FitSession(tmp_path).steps(1, old, {}, {"v/weight": torch.zeros(1)})


def test_tied_weights_are_saved_under_both_names(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    first, second = nn.Linear(2, 2), nn.Linear(2, 2)
    second.weight = first.weight
    tied = nn.Sequential(first, second)
    parameters = dict(tied.named_parameters())
    for _, record_loss in FitSession(tmp_path).steps(1, tied, parameters, {}).until(1):
        record_loss(0.0)
    saved = {k: x.clone() for k, x in tied.state_dict().items()}
    nn.init.zeros_(first.weight)
    FitSession(tmp_path).steps(1, tied, parameters, {})
    assert all(torch.equal(x, saved[k]) for k, x in tied.state_dict().items())


def test_settings_of_a_row_take_its_seed() -> None:
    assert BASELINES["vae"].settings_for(3, quick=False) == vae.Settings(epochs=60, seed=3)
    assert BASELINES["vae"].settings_for(0, quick=True).hidden == (200,)
    assert BASELINES["pca-gaussian"].settings_for(0, quick=True) == pca.Settings()
    assert BASELINES["pca-gaussian"].settings_for(3, quick=False) == pca.Settings()


def test_baselines_do_not_import_the_training_of_adversarial_nets() -> None:
    program = (
        "import sys, adversarial_nets.baselines; "
        "assert not any(name.startswith('adversarial_nets.training') for name in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
