"""Networks that a program passes in are tested before the first round."""

import dataclasses
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from adversarial_nets.build import change_settings, new_game
from adversarial_nets.errors import UserError
from adversarial_nets.evaluation import evaluate
from adversarial_nets.game import play, sample
from adversarial_nets.presets import PRESETS
from adversarial_nets.runs import game_state
from adversarial_nets.settings import Cadence
from adversarial_nets.training.batch_statistics import measure_batch_statistics
from adversarial_nets.training.session import TrainingSnapshot, train
from small import small_data, small_settings

Z, SIDE = 5, 6
PIXELS = SIDE * SIDE


class Function(nn.Module):
    """Layers, then any function of their output."""

    def __init__(self, layers: nn.Module, function: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.layers, self.function = layers, function

    def forward(self, x: Tensor) -> Any:
        return self.function(self.layers(x))


class Counting(nn.Sequential):
    """Layers with a state that is not a tensor."""

    def get_extra_state(self) -> dict[str, int]:
        return {"calls": 1}


def G() -> nn.Sequential:
    return nn.Sequential(nn.Linear(Z, 9), nn.ReLU(), nn.Linear(9, PIXELS), nn.Sigmoid())


def D() -> nn.Sequential:
    return nn.Sequential(nn.Linear(PIXELS, 9), nn.LeakyReLU(0.2), nn.Linear(9, 1))


def convolutional() -> tuple[nn.Module, nn.Module]:
    """G from (m, z, 1, 1) to (m, 1, 6, 6) and D from that to (m, 1, 1, 1), as in DCGAN."""
    G = nn.Sequential(
        nn.ConvTranspose2d(Z, 4, 3),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.ConvTranspose2d(4, 1, 2, 2),
        nn.Sigmoid(),
    )
    return G, nn.Sequential(nn.Conv2d(1, 4, 2, 2), nn.LeakyReLU(0.2), nn.Conv2d(4, 1, 3))


def test_images_may_have_four_dimensions(tmp_path: Path) -> None:
    """Such networks are trained, saved by their own names, loaded, sampled and scored."""
    mine_G, mine_D = convolutional()
    before = [p.clone() for p in mine_G.parameters()]
    run = train(
        small_data(),
        settings=small_settings(),
        run=tmp_path,
        rounds=4,
        cadence=Cadence(2, 2, 4, 4),
        G=mine_G,
        D=mine_D,
    )
    assert not all(map(torch.equal, before, mine_G.parameters()))
    fresh, _ = convolutional()
    loaded, _ = game_state.load_generator(run, weights="raw", G=fresh)
    assert all(map(torch.equal, fresh.state_dict().values(), mine_G.state_dict().values()))
    assert sample(loaded, run.settings, 3).shape == (3, PIXELS)
    again, _ = convolutional()
    found = evaluate(run, small_data(), samples=30, calibration=False, G=again)
    assert found.parzen.samples == 30
    G2, D2 = convolutional()
    how: dict[str, Any] = {"settings": small_settings(), "run": tmp_path, "rounds": 6}
    assert train(small_data(), G=G2, D=D2, **how).own_nets  # continued


class Tied(nn.Module):
    """Two layers that share their weights."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.out = nn.Linear(Z, Z), nn.Linear(Z, Z), nn.Linear(Z, PIXELS)
        self.b.weight = self.a.weight

    def forward(self, z: Tensor) -> Tensor:
        return self.out(self.b(self.a(z).relu()).relu()).sigmoid()


def test_layers_may_share_weights_and_a_loaded_generator_may_be_frozen(tmp_path: Path) -> None:
    how: dict[str, Any] = {"settings": small_settings(), "cadence": Cadence(2, 2, 9, 9)}
    for name, lengths in {"whole": (12,), "parts": (5, 12)}.items():
        torch.manual_seed(0)
        for rounds in lengths:
            train(small_data(), run=tmp_path / name, rounds=rounds, G=Tied(), D=D(), **how)
    a, b = (
        game_state.load_generator(tmp_path / name, G=Tied().requires_grad_(False))[0]
        for name in ("whole", "parts")
    )
    assert all(map(torch.equal, a.state_dict().values(), b.state_dict().values()))
    with pytest.raises(UserError, match="onto gives the generator"):
        train(small_data(), onto=tmp_path / "whole", G=G(), run=tmp_path / "other", rounds=1)


def test_flat_networks_are_used_as_they_are() -> None:
    mine_G, mine_D = G(), D()
    mine_G[1].eval()
    state = torch.get_rng_state()
    game = new_game(small_settings(), small_data(), G=mine_G, D=mine_D)
    assert game.G is mine_G
    assert game.D is mine_D
    assert game.manual_backprop
    assert torch.equal(state, torch.get_rng_state())
    assert [m.training for m in mine_G] == [True, False, True, True]


@pytest.mark.parametrize("first", [nn.LeakyReLU, nn.Dropout])
@pytest.mark.parametrize("protocol", ["paper", "released"])
def test_layers_may_change_their_input_in_place(
    protocol: str, first: Callable[..., nn.Module]
) -> None:
    """The networks get copies, so that penalties and gradients are those of the input."""
    settings = small_settings(protocol=protocol, r1=1.0, gradient_penalty=1.0)
    found = []
    for inplace in (True, False):
        torch.manual_seed(0)
        mine_G = nn.Sequential(nn.LeakyReLU(inplace=inplace), *G())
        mine_D = nn.Sequential(first(inplace=inplace), *D())
        game = new_game(settings, small_data(), G=mine_G, D=mine_D)
        play(game, 3)
        found.append(list(game_state.nets_of(game).values()))
        z = -torch.ones(3, Z)
        sample(game.G, settings, 3, z=z)
        assert torch.equal(z, -torch.ones(3, Z))
    assert all(map(torch.equal, *found))


def test_lazy_layers_get_their_size() -> None:
    lazy = nn.Sequential(nn.LazyLinear(9), nn.ReLU(), nn.LazyLinear(1))
    play(new_game(small_settings(), small_data(), D=lazy), 1)
    assert lazy[0].in_features == PIXELS


@pytest.mark.parametrize(
    ("network", "message"),
    [
        ({"G": nn.Linear(Z + 1, PIXELS)}, r"noise of shape \(16, 5\) or .*z_size.*\(it is 5\)"),
        ({"G": nn.Linear(Z, PIXELS - 1)}, r"images of shape \(16, 36\) .*returns shape \(16, 35\)"),
        ({"G": Function(G(), lambda x: (x, x))}, "returns a tuple"),
        ({"G": nn.Sequential(nn.Sigmoid())}, "G has no parameters"),
        ({"D": nn.Linear(PIXELS, 1).requires_grad_(False)}, "D has no parameters to train"),
        ({"D": nn.Linear(PIXELS + 1, 1)}, r"D must map images of shape \(16, 36\) or \(16, 1, 6,"),
        ({"D": nn.Linear(PIXELS, 2)}, r"one logit each.*returns shape \(16, 2\)"),
        ({"D": Function(D(), lambda a: a / 0)}, "not finite"),
        ({"D": Function(D(), lambda a: a.mean())}, r"returns shape \(\)"),
        ({"D": nn.Linear(PIXELS, 1, device="meta")}, r"D is on meta.*run on cpu"),
        ({"G": torch.jit.ScriptModule()}, "G is compiled by torch.jit"),
        ({"D": Counting(D())}, r"D's state _extra_state is a dict, .* Return a tensor"),
    ],
)
def test_networks_with_wrong_shapes_are_refused(network: dict[str, Any], message: str) -> None:
    """The sentence names the shape that is needed and the one that was given."""
    with pytest.raises(UserError, match=message):
        new_game(small_settings(), small_data(), **network)


@pytest.mark.parametrize(
    "sigmoid", [nn.Sequential(D(), nn.Sigmoid()), Function(D(), torch.sigmoid)]
)
def test_a_discriminator_that_ends_in_a_sigmoid_is_warned_about(sigmoid: nn.Module) -> None:
    with pytest.warns(UserWarning, match="logits.*remove D's last sigmoid"):
        new_game(small_settings(), small_data(), D=sigmoid)


@pytest.mark.parametrize("head", [nn.Tanh(), nn.Sequential(nn.LayerNorm(PIXELS), nn.Tanh())])
def test_a_generator_that_ends_in_a_tanh_is_warned_about(head: nn.Module) -> None:
    tanh = nn.Sequential(nn.Linear(Z, PIXELS), head)
    with pytest.warns(UserWarning, match=r"Tanh.*\[0, 1\].*nn\.Sigmoid"):
        new_game(small_settings(), small_data(), G=tanh)
    signed = dataclasses.replace(small_data(), range=(-1.0, 1.0))
    new_game(small_settings(), signed, G=tanh)
    with pytest.warns(UserWarning, match="ended in a sigmoid"):
        new_game(small_settings(), signed, G=G())


def test_small_logits_are_not_taken_for_a_sigmoid() -> None:
    """A new D whose logits all happen to lie in (0, 1), or are all 0, and a linear G."""
    for bias in (0.5, 0.0):
        small = nn.Linear(PIXELS, 1)
        nn.init.constant_(small.weight, 1e-4 * (bias > 0))
        nn.init.constant_(small.bias, bias)
        new_game(small_settings(), small_data(), D=small)
    linear = nn.Linear(Z, PIXELS)
    nn.init.normal_(linear.weight, std=1e-3)
    nn.init.zeros_(linear.bias)
    new_game(small_settings(), small_data(), G=linear)


def test_networks_passed_in_evaluation_mode_train() -> None:
    """`load_generator` returns such a generator."""
    for mine_G, mine_D in ((G(), D()), convolutional()):  # the second pair is wrapped
        game = new_game(small_settings(), small_data(), G=mine_G.eval(), D=mine_D.eval())
        assert all(m.training for net in (game.G, game.D, mine_G, mine_D) for m in net.modules())


def test_a_layer_in_evaluation_mode_keeps_its_statistics() -> None:
    norm = nn.BatchNorm1d(9).eval()
    mine = nn.Sequential(nn.Linear(Z, 9), norm, nn.ReLU(), nn.Linear(9, PIXELS), nn.Sigmoid())
    mine_D = D()
    assert new_game(small_settings(), small_data(), G=mine, D=mine_D).manual_backprop is False
    norm.train()
    assert new_game(small_settings(), small_data(), G=mine, D=mine_D).manual_backprop is True


@pytest.mark.parametrize("hook", ["gradient", "step"])
def test_hooks_of_weights_and_optimisers_run(hook: str) -> None:
    mine_G, mine_D = G(), D()
    calls = []

    def rule(parameters: Any) -> torch.optim.Optimizer:
        made = torch.optim.SGD(parameters, lr=0.1)
        if hook == "step":
            made.register_step_post_hook(lambda *args: calls.append("step"))
        return made

    weight = mine_D[0].weight
    assert isinstance(weight, nn.Parameter)
    if hook == "gradient":
        weight.register_hook(lambda g: calls.append("gradient"))
    game = new_game(small_settings(), small_data(), G=mine_G, D=mine_D, optimiser=rule)
    play(game, 2)
    assert len(calls) >= 2


@pytest.mark.parametrize("first", ["preset", "settings"])
def test_a_run_continues_with_its_own_settings(first: str, tmp_path: Path) -> None:
    def networks() -> dict[str, Any]:
        return {
            "G": nn.Sequential(nn.Linear(100, 9), nn.ReLU(), nn.Linear(9, 784), nn.Sigmoid()),
            "D": nn.Sequential(nn.Linear(784, 9), nn.LeakyReLU(0.2), nn.Linear(9, 1)),
        }

    quickstart = PRESETS["quickstart"].settings
    given: Any = {"preset": {"preset": "quickstart"}, "settings": {"settings": quickstart}}[first]
    how: Any = {"run": tmp_path, "cadence": Cadence(score_samples=50), "progress": False}
    began = train("mnist-5k", rounds=1, **given, **how, **networks())
    again = train("mnist-5k", rounds=2, **how, **networks())
    assert again.settings == began.settings
    assert again.newest_round == 2
    new = train("mnist-5k", rounds=1, **(how | {"run": tmp_path / "new"}), **networks())
    assert new.preset == "quickstart-2014"


def test_a_run_continues_only_with_the_same_networks(tmp_path: Path) -> None:
    how: Any = {"settings": small_settings(), "run": tmp_path, "progress": False}
    train(small_data(), rounds=2, G=G(), D=D(), **how)
    with pytest.raises(UserError, match="your own D is missing; pass D again"):
        train(small_data(), rounds=4, G=G(), **how)
    other = nn.Sequential(nn.Linear(Z, 9), nn.Tanh(), nn.Linear(9, PIXELS), nn.Sigmoid())
    with pytest.raises(UserError, match=r"your own G: .*ReLU.* → .*Tanh\(\)"):
        train(small_data(), rounds=4, G=other, D=D(), **how)
    assert train(small_data(), rounds=4, G=G(), D=D(), **how).newest_round == 4


def test_a_generator_of_other_layers_is_refused_when_it_is_used(tmp_path: Path) -> None:
    """Its weights have the same shapes, so its score would be recorded over the right one."""
    how: Any = {"settings": small_settings(), "rounds": 2, "progress": False}
    lazy = nn.Sequential(nn.LazyLinear(9), nn.ReLU(), nn.Linear(9, PIXELS), nn.Sigmoid())
    other = nn.Sequential(nn.Linear(Z, 9), nn.Tanh(), nn.Linear(9, PIXELS), nn.Sigmoid())
    wrapped = Function(G(), lambda x: x.view(-1, 1, SIDE, SIDE))
    for name, mine, adapted in (("a", G(), G()), ("b", lazy, lazy), ("c", wrapped, wrapped)):
        run = train(small_data(), run=tmp_path / name, G=mine, D=D(), **how)
        with pytest.raises(UserError, match=r"not the generator that .* trained with: .*Tanh\(\)"):
            evaluate(run, small_data(), samples=30, calibration=False, G=other)
        game_state.load_generator(run, G=adapted)
        train(small_data(), run=tmp_path / name, G=mine, D=D(), **(how | {"rounds": 3}))
        loaded, _ = game_state.load_generator(run, G=adapted)
        game_state.load_generator(run, G=loaded)  # with its adapter
    run = train(small_data(), run=tmp_path / "d", G=G(), D=D(), **how)
    earlier = dataclasses.replace(run, info={"precision": "float32"})  # recorded no texts
    game_state.load_generator(earlier, G=other)
    run = train(small_data(), run=tmp_path / "e", **how)
    game_state.load_generator(run, G=game_state.load_generator(run)[0])
    described = nn.Sequential(*(nn.Linear(a, b) for a, b in ((Z, 12), (12, 10), (10, PIXELS))))
    with pytest.raises(UserError, match=r"not the generator that .* trained with"):
        game_state.load_generator(run, G=described)


def test_a_run_with_your_own_G_alone_gives_its_D(tmp_path: Path) -> None:
    run = train(
        small_data(), settings=small_settings(), rounds=2, G=G(), run=tmp_path, progress=False
    )
    assert (run.own_G, run.own_D) == (True, False)
    assert game_state.load_discriminator(run)[0](torch.rand(3, PIXELS)).shape == (3, 1)
    with pytest.raises(UserError, match="trained with your own D"):
        game_state.load_discriminator(dataclasses.replace(run, info={"D": "own"}))


def test_functions_in_a_network_may_have_another_address(tmp_path: Path) -> None:
    class Described(nn.Sequential):
        def extra_repr(self) -> str:
            return repr(lambda: None)

    how: Any = {"settings": small_settings(), "run": tmp_path, "progress": False}
    train(small_data(), rounds=2, G=Described(*G()), D=D(), **how)
    first = Described(*G())
    assert " at 0x" in repr(first)
    assert train(small_data(), rounds=4, G=first, D=D(), **how).newest_round == 4


def normalised() -> nn.Sequential:
    """G with batch normalisation."""
    return nn.Sequential(nn.Linear(Z, 9), nn.BatchNorm1d(9), nn.Linear(9, PIXELS), nn.Sigmoid())


def test_a_network_that_normalises_over_a_minibatch_needs_two_rows(tmp_path: Path) -> None:
    one, says = small_settings(batch=1), "batch is 1, but G has a BatchNorm1d layer.*2 or more"
    with pytest.raises(UserError, match=says):
        train(small_data(), settings=one, G=normalised(), run=tmp_path, rounds=1)
    assert not (tmp_path / "settings.json").exists()
    game = new_game(small_settings(batch=2), small_data(), G=normalised())
    play(game, 1)
    with pytest.raises(UserError, match=says):
        change_settings(game, one)
    play(new_game(one, small_data(), G=G()), 1)


@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode])
def test_a_training_without_gradients_is_refused_before_it_begins(
    context: Callable[[], AbstractContextManager[Any]], tmp_path: Path
) -> None:
    paired = small_settings(objective="relativistic")  # by autograd
    game = new_game(paired, small_data())
    with context():
        with pytest.raises(UserError, match="Training needs gradients"):
            play(game, 1)
        with pytest.raises(UserError, match="Training needs gradients"):
            train(small_data(), settings=paired, run=tmp_path, rounds=1)
    assert not (tmp_path / "settings.json").exists()


@pytest.mark.parametrize("shape", [(5, 4), (3, 5)])
def test_noise_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    settings = dataclasses.replace(small_settings(), z_size=4)
    net = nn.Linear(4, PIXELS)
    assert sample(net, settings, 3, z=torch.zeros(3, 4)).shape == (3, PIXELS)
    with pytest.raises(UserError, match=r"it must be \(n, z_size\) = \(3, 4\)"):
        sample(net, settings, 3, z=torch.zeros(shape))


def test_samples_that_cannot_be_drawn_are_refused_in_a_sentence() -> None:
    settings = dataclasses.replace(small_settings(), z_size=4)
    net = nn.Linear(4, PIXELS)
    with pytest.raises(UserError, match="n is -1; it must be 0 or more"):
        sample(net, settings, -1)
    with pytest.raises(UserError, match="c has 10 rows for n = 2 samples"):
        sample(net, settings, 2, c=torch.arange(10))


@pytest.mark.parametrize("net", ["G", "D"])
@pytest.mark.parametrize("optimiser", ["adam", "sgd"])
@pytest.mark.parametrize("hand", [True, False])
def test_a_layer_that_a_callback_freezes_stays_as_it_is(
    net: str, optimiser: str, hand: bool, tmp_path: Path
) -> None:
    frozen: list[Tensor] = []

    def freeze(snapshot: TrainingSnapshot) -> None:
        if not hand:
            snapshot.game.manual_backprop = False
        if snapshot.row["round"] == 4:
            layer = getattr(snapshot.game, net)[0].requires_grad_(False)
            frozen.extend(p.clone() for p in layer.parameters())

    mine = {"G": G(), "D": D()}
    s = small_settings(optimiser=optimiser, momentum=0.0, momentum_end=0.0)
    train(
        small_data(),
        settings=s,
        run=tmp_path,
        rounds=8,
        cadence=Cadence(2, 8, 8, 8),
        callbacks=[freeze],
        G=mine["G"],
        D=mine["D"],
    )
    layers = list(mine[net].children())
    assert all(map(torch.equal, frozen, layers[0].parameters()))


@pytest.mark.parametrize(
    ("mine", "name"),
    [
        ({"G": Function(G(), Tensor.detach), "D": D()}, "G"),
        ({"G": G(), "D": Function(D(), lambda a: a.detach().requires_grad_())}, "D"),
        ({"G": G(), "D": nn.Sequential(Function(nn.Identity(), Tensor.detach), *D())}, "G"),
        ({"G": G(), "D": Function(D(), Tensor.detach)}, "D"),
    ],
)
def test_a_network_that_cannot_learn_is_refused(mine: dict[str, nn.Module], name: str) -> None:
    game = new_game(small_settings(), small_data(), G=mine["G"], D=mine["D"])
    with pytest.raises(UserError, match=rf"{name} cannot learn.*detach\(\)"):
        play(game, 1)


@pytest.mark.parametrize("penalty", ["r1", "r2", "gradient_penalty"])
def test_a_penalty_on_a_D_that_cannot_learn(penalty: str) -> None:
    settings = small_settings(**{penalty: 1.0})
    game = new_game(settings, small_data(), G=G(), D=Function(D(), Tensor.detach))
    with pytest.raises(UserError, match=r"D cannot learn.*detach\(\)"):
        play(game, 1)


def test_G_and_D_share_no_weights_that_both_train() -> None:
    shared = nn.Linear(9, 9)
    mine: dict[str, Any] = {
        "G": nn.Sequential(nn.Linear(Z, 9), shared, nn.Linear(9, PIXELS), nn.Sigmoid()),
        "D": nn.Sequential(nn.Linear(PIXELS, 9), shared, nn.Linear(9, 1)),
    }
    with pytest.raises(UserError, match=r"1\.weight of G is 1\.weight of D.*copy\.deepcopy"):
        new_game(small_settings(), small_data(), **mine)
    shared.requires_grad_(False)
    play(new_game(small_settings(), small_data(), **mine), 1)


class RandomLayer(nn.Module):
    """Adds noise from torch's own generator, also to samples."""

    def forward(self, x: Tensor) -> Tensor:
        return x + torch.randn_like(x)


def test_samples_of_random_layers_repeat_and_leave_the_caller_s_generator_alone() -> None:
    mine = nn.Sequential(RandomLayer(), nn.Linear(Z, 9), nn.BatchNorm1d(9), nn.Linear(9, PIXELS))
    game = new_game(small_settings(), small_data(), G=nn.Sequential(mine, nn.Sigmoid()), D=D())
    found = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        before = torch.get_rng_state()
        measure_batch_statistics(game)
        found.append((*(b.clone() for b in mine.buffers()), sample(game.G, game.settings, 4)))
        assert torch.equal(before, torch.get_rng_state())
    assert all(map(torch.equal, *found))


def test_own_networks_that_start_from_a_run_keep_its_settings(tmp_path: Path) -> None:
    s = small_settings(k=2, objective="hinge")
    quick: dict[str, Any] = {"rounds": 1, "cadence": Cadence(1, 1, 1, 1)}
    source = train(small_data(), settings=s, run=tmp_path / "1", G=G(), D=D(), **quick)
    new = train(small_data(), init_from=source, run=tmp_path / "2", G=G(), D=D(), **quick)
    assert new.settings == s


def test_the_error_names_a_passed_network_of_another_architecture(tmp_path: Path) -> None:
    quick: dict[str, Any] = {"rounds": 1, "cadence": Cadence(1, 1, 1, 1)}
    run = train(small_data(), settings=small_settings(), run=tmp_path, G=G(), D=D(), **quick)
    wider = nn.Sequential(nn.Linear(Z, 10), nn.ReLU(), nn.Linear(10, PIXELS), nn.Sigmoid())
    with pytest.raises(UserError, match=r"Sequential that you passed is not .*=9, .* → .*=10,"):
        game_state.load_generator(run, G=wider)
    earlier = dataclasses.replace(run, info={"precision": "float32"})  # recorded no texts
    with pytest.raises(UserError, match=r"Sequential that you passed does not fit the checkpoint"):
        game_state.load_generator(earlier, G=wider)


def test_a_compiled_network_is_saved_by_its_own_names(tmp_path: Path) -> None:
    plain = G()
    compiled: Any = torch.compile(plain, backend="eager")
    quick: dict[str, Any] = {"cadence": Cadence(1, 1, 1, 1), "settings": small_settings()}
    run = train(small_data(), run=tmp_path, rounds=1, G=compiled, D=D(), **quick)
    loaded, _ = game_state.load_generator(run, weights="raw", G=G())
    assert all(map(torch.equal, loaded.parameters(), plain.parameters()))
    again: Any = torch.compile(G(), backend="eager")
    train(small_data(), run=tmp_path, rounds=2, G=again, D=D(), **quick)  # continued
