"""How baselines are fitted: schedules of rates and momentum, and the best score so far."""

import dataclasses
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from adversarial_nets.baselines import FitSession, aae, gmmn, gsn, pca
from adversarial_nets.baselines.optimisers import adam_state
from adversarial_nets.random import Address
from small import SMALL_MODELS as SMALL
from small import normal, small_data
from spies import Calls

DATA = small_data(50)
IMAGES = DATA.floats(DATA.train)  # 40 images


# --- GMMN -----------------------------------------------------------------------------------------


def test_an_update_of_G_descends_the_root_of_mmd() -> None:
    """θ ← θ − lr·∇√MMD², with a minibatch of all images, so that their order does not matter."""
    s = gmmn.Settings(hidden=(7,), z_size=3, epochs=(0, 1), batch=len(IMAGES), lr=0.5)
    G = gmmn.init_gmmn(IMAGES.shape[1], s)
    θ = {name: x.requires_grad_() for name, x in G.state_dict().items()}
    z = 2 * Address(s.seed, 0, range(s.batch)).uniform("GMMN z", s.z_size) - 1
    root = gmmn.mmd2(IMAGES, gmmn.generate(G, z), s.bandwidths).sqrt()
    gradients = torch.autograd.grad(root, list(θ.values()))
    found = gmmn.fit(IMAGES, s).state_dict()
    for (name, before), gradient in zip(θ.items(), gradients, strict=True):
        torch.testing.assert_close(found[name] - before, -0.5 * gradient, rtol=1e-3, atol=1e-7)


@pytest.mark.parametrize("autoencoder", [(), (4,)])
def test_after_the_first_phase_G_takes_smaller_steps_with_more_momentum(
    autoencoder: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The phase is a share of G's own updates, whatever the autoencoder takes before."""
    calls = Calls(monkeypatch, gmmn, "descend_with_momentum")
    s = gmmn.Settings(
        hidden=(7,), autoencoder=autoencoder, keep_probs=(0.8,), epochs=(3, 4), batch=20
    )
    gmmn.fit(IMAGES, s)
    assert calls.of("lr")[-8:] == [s.lr] * 2 + [s.lr / 10] * 6
    assert calls.of("momentum")[-8:] == pytest.approx([0.9] * 2 + [0.99] * 6)


def small_autoencoder(**changes: Any) -> gmmn.Settings:
    settings: gmmn.Settings = SMALL["gmmn-autoencoder"]
    return dataclasses.replace(settings, epochs=(2, 0), **changes)


def test_momentum_of_the_whole_autoencoder_rises_from_its_own_first_update_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    values = [gmmn._momentum_of_all_layers(step) for step in (0, 49, 50, 199, 200)]
    assert values == [0.0, 0.0, 0.5, 0.5, 0.9]
    monkeypatch.setattr(gmmn, "_momentum_of_all_layers", float)
    calls = Calls(monkeypatch, gmmn, "descend_with_momentum")
    gmmn.fit(IMAGES, small_autoencoder(autoencoder_batch=20))
    each = 4  # updates of each phase
    assert calls.of("momentum") == [0.5] * 2 * each + [0.0, 1.0, 2.0, 3.0]


def test_each_layer_of_the_encoder_has_its_own_dropout(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also while it is trained alone."""
    used: list[tuple[float, ...]] = []
    apply = gmmn.sigmoid_mlp

    def spy(x: Tensor, layers: Any, keep_probs: Sequence[float] = (), *rest: Any) -> Tensor:
        if keep_probs:
            used.append(tuple(keep_probs))
        return apply(x, layers, keep_probs, *rest)

    monkeypatch.setattr(gmmn, "sigmoid_mlp", spy)
    gmmn.fit(IMAGES, small_autoencoder(keep_probs=(0.7, 0.6)))
    assert used == [(0.7,)] * 2 + [(0.6,)] * 2 + [(0.7, 0.6)] * 2


# --- AAE, GSN and the Gaussian --------------------------------------------------------------------


def test_the_three_updates_of_an_aae_have_rates_and_moments_of_their_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Both rates are constant in the first half, then fall linearly to 0."""
    calls = Calls(monkeypatch, aae, "minimise", "parameters", "state", "loss", "lr", "betas")
    s = dataclasses.replace(SMALL["aae"], epochs=2, batch=20, lr=(0.1, 0.01))
    aae.fit(IMAGES, s)
    falling = (1.0, 1.0, 1.0, 0.5)
    networks = ({"encoder", "decoder"}, {"D"}, {"encoder"})
    for part, (names, rate) in enumerate(zip(networks, (0.1, 0.01, 0.01), strict=True)):
        own = calls[part::3]
        assert [call["lr"] for call in own] == pytest.approx([rate * f for f in falling])
        assert {call.get("betas") for call in own} == {(0.5, 0.999) if part else None}
        for call in own:
            assert {name.partition(".")[0] for name in call["parameters"]} == names
            assert call["state"].keys() == adam_state(call["parameters"]).keys()
            assert call["state"] is own[0]["state"]
    assert len(calls) == 3 * len(falling)


@pytest.mark.parametrize(
    ("optimiser", "rule"), [("adam", "adam_step"), ("momentum", "momentum_step")]
)
def test_the_rate_of_a_gsn_falls_from_epoch_to_epoch(
    optimiser: Any, rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = Calls(monkeypatch, gsn, rule, "parameters", "state", "gradients", "lr")
    s = gsn.Settings(
        hidden=(5, 4), optimiser=optimiser, epochs=3, lr_decay_epochs=3, lr_decay=0.5, batch=20
    )
    gsn.fit(IMAGES, s)
    assert calls.of("lr") == [s.lr] * 2 + [s.lr / 2] * 2 + [s.lr / 4] * 2


def test_the_gaussian_keeps_the_first_components_that_score_best() -> None:
    model = pca.PCA(torch.zeros(50), normal(50, 50).float())
    for best, wanted in ((20, 20), (0, 5), (60, 50), (35, 40)):
        found = pca.tune(model, lambda m, best=best: -abs(len(m.components) - best))  # type: ignore[misc]
        assert torch.equal(found.components, model.components[:wanted])


# --- The best score -------------------------------------------------------------------------------


SCORES = {2: 5.0, 4: 1.0, 6: 3.0}


def best_after(updates: int, folder: Path) -> object:
    """Fit on from the newest checkpoint; the best score after that update."""
    net = nn.Linear(1, 1)

    def score(model: object) -> float:
        return SCORES[steps.done]

    session = FitSession(folder, save_every=1, score_every=2, validation_score=score)
    steps = session.steps(6, net, dict(net.named_parameters()), {})
    for done, record_loss in steps.until(6):
        if done == updates:
            break
        record_loss(0.0)
    return session.best


def test_a_resumed_fit_remembers_its_best_score(tmp_path: Path) -> None:
    """Unless its checkpoint was deleted: then a later score is the best."""
    checkpoints = tmp_path / "checkpoints"
    checkpoints.mkdir()
    for updates in (3, 5):
        assert best_after(updates, tmp_path) == {"round": 2, "valid_nats": 5.0}
    shutil.rmtree(checkpoints / "round-00000002")
    assert best_after(6, tmp_path) == {"round": 6, "valid_nats": 3.0}
