"""The joint game of G, E and D (§7): its optimum, its losses, and resuming."""

import dataclasses
from itertools import product
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from adversarial_nets.baselines.fitting import FitSession
from adversarial_nets.paper.section7 import joint
from adversarial_nets.paper.section7.inference_study import (
    PLANE,
    modes_on_the_plane,
    plane_rows,
)
from adversarial_nets.paper.section7.joint import (
    JointNetworks,
    JointSettings,
    fit_joint,
    last_hidden_layer,
    losses,
)
from adversarial_nets.theory.divergences import LOG4, C
from small import normal, small_data
from spies import Calls

SMALL = JointSettings(hidden=(12, 10), z_size=3, epochs=3, batch=20, init=0.3)


class Map(nn.Sequential):
    """A function of one-hot rows: row i of the table for point i."""

    def __init__(self, table: Tensor) -> None:
        super().__init__()
        self.table = table

    def forward(self, x: Tensor) -> Tensor:
        return x @ self.table


class Table(nn.Module):
    """D's logit of each pair of points."""

    def __init__(self, a: Tensor) -> None:
        super().__init__()
        self.a = a

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        return torch.einsum("mi,ij,mj->m", x, self.a, z)


def test_at_the_optimum_E_and_G_invert_each_other() -> None:
    """On finite spaces, with p_x and p_z uniform on n points: V(D*) = −log 4 just if E = G⁻¹.

    All n²ⁿ pairs of maps E and G, with D* of Proposition 1 as a table. `losses` gets each x and
    each z once, in one-hot form, so its means are expectations.
    """
    n = 3
    nets = JointNetworks(n, dataclasses.replace(SMALL, z_size=n)).double()
    points = torch.eye(n, dtype=torch.float64)
    for G in product(range(n), repeat=n):
        for E in product(range(n), repeat=n):
            of_data, of_model = torch.zeros(2, n, n, dtype=torch.float64)
            for i in range(n):
                of_data[i, E[i]] += 1 / n
                of_model[G[i], i] += 1 / n
            a = (of_data.log() - of_model.log()).nan_to_num().clamp(-60, 60)
            nets.G, nets.E = Map(points[list(G)]), Map(points[list(E)])
            nets.D = Table(a)  # type: ignore[assignment]
            V = -losses(nets, points, points)[0].item()
            assert pytest.approx(C(of_data.flatten().numpy(), of_model.flatten().numpy())) == V
            inverse = all(E[G[z]] == z for z in range(n))
            assert (abs(V + LOG4) < 1e-12) == inverse
            if len(set(G)) == len(set(E)) == n:  # bijections
                wrong = sum(E[G[z]] != z for z in range(n))
                # Each z that E does not recover adds its share of 2 JSD = log 4.
                assert pytest.approx(-LOG4 + LOG4 * wrong / n, abs=1e-12) == V


def test_the_losses_are_V_and_its_non_saturating_form() -> None:
    nets = JointNetworks(36, SMALL).double().train()
    x, z = normal(20, 36), normal(20, 3, step=1)
    of_D, of_others = losses(nets, x, z)
    D_x, D_G = nets.D(x, nets.E(x)).sigmoid(), nets.D(nets.G(z), z).sigmoid()
    assert of_D.item() == pytest.approx(-(D_x.log() + (1 - D_G).log()).mean().item(), rel=1e-10)
    exchanged = -((1 - D_x).log() + D_G.log()).mean()
    assert of_others.item() == pytest.approx(exchanged.item(), rel=1e-10)
    parameters = list(nets.E.parameters()) + list(nets.G.parameters())
    for ours, theirs in zip(
        torch.autograd.grad(of_others, parameters, retain_graph=True),
        torch.autograd.grad(exchanged, parameters),
        strict=True,
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-12)
    # Without E, z is not an input of D.
    plain = losses(nets, x, z, joint=False)[0]
    (gradient,) = torch.autograd.grad(plain, [nets.D.of_z.weight])
    assert not gradient.any()


def tensors(s: JointSettings, session: FitSession | None = None) -> dict[str, Tensor]:
    data = small_data()
    nets = fit_joint(data.floats(data.train), s, session)
    return {name: x.clone() for name, x in nets.state_dict().items()}


class Cut(Exception):
    """An error that simulates a power cut."""


def test_interrupted_and_resumed_is_uninterrupted(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()

    def cut(done: int, total: int, loss: float) -> None:
        if done == 14:
            raise Cut

    with pytest.raises(Cut):
        tensors(SMALL, FitSession(tmp_path, save_every=7, callback=cut))
    resumed, whole = tensors(SMALL, FitSession(tmp_path, save_every=7)), tensors(SMALL)
    assert all(torch.equal(resumed[name], whole[name]) for name in whole)


def test_E_of_x_lies_where_z_does_unless_it_is_not_bounded() -> None:
    x = 100 * normal(50, 36).float()
    nets = [JointNetworks(36, dataclasses.replace(SMALL, bounded=b)) for b in (True, False)]
    bounded, linear = (net.E(x) for net in nets)
    assert bounded.abs().max() <= 1
    assert linear.abs().max() > 1
    torch.testing.assert_close(bounded, torch.tanh(linear / 2))  # 2σ(a) − 1


def test_all_three_networks_learn_or_two_without_E() -> None:
    before = JointNetworks(36, SMALL).state_dict()
    joint, plain = tensors(SMALL), tensors(dataclasses.replace(SMALL, joint=False))
    for name in ("G.0.weight", "D.second.weight"):
        assert not torch.equal(joint[name], before[name])
        assert not torch.equal(plain[name], before[name])
    assert not torch.equal(joint["E.0.weight"], before["E.0.weight"])
    assert torch.equal(plain["E.0.weight"], before["E.0.weight"])


def test_the_learning_rate_falls_to_a_hundredth_in_the_second_half(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """D has the same rate, betas and weight decay as G and E together."""
    calls = Calls(
        monkeypatch, joint, "adam_step", "parameters", "state", "gradients", "lr", "betas"
    )
    tensors(dataclasses.replace(SMALL, epochs=2, batch=140, lr=0.1, weight_decay=0.3))  # 4 updates
    for part, layers in ((calls[::2], {"of_x", "of_z"}), (calls[1::2], {"G", "E"})):
        assert [call["lr"] for call in part] == pytest.approx([0.1, 0.1, 0.1, 0.01])
        assert {(call["betas"], call["weight_decay"]) for call in part} == {((0.5, 0.999), 0.3)}
        assert layers <= {name.partition(".")[0] for name in part[0]["parameters"]}


def test_modes_on_the_plane() -> None:
    found = modes_on_the_plane([0], dataclasses.replace(PLANE, epochs=1, batch=16))
    rows = plane_rows(found)
    assert [row.model for row in rows] == ["joint game", "the same without E"]
    assert all(0 <= row.ours <= 25 and row.seeds == 1 for row in rows)


@pytest.mark.parametrize("bounded", [True, False])
def test_the_last_hidden_layer_is_what_the_last_linear_layer_sees(bounded: bool) -> None:
    E = JointNetworks(6, dataclasses.replace(SMALL, bounded=bounded)).eval().E
    x, linear = normal(4, 6).float(), E[6]
    assert isinstance(linear, nn.Linear)
    hidden = last_hidden_layer(E)(x)
    assert hidden.shape == (4, 10)
    a = linear(hidden)
    assert torch.equal(E(x), 2 * a.sigmoid() - 1 if bounded else a)
