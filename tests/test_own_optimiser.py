"""An optimiser that a program passes in keeps its own learning rate, momentum and betas."""

import dataclasses
import functools
import json
from pathlib import Path
from typing import Any, get_args

import pytest
import torch
from torch import nn

from adversarial_nets import optimisers
from adversarial_nets.build import change_settings, new_game
from adversarial_nets.errors import UserError
from adversarial_nets.game import play
from adversarial_nets.optimisers import OPTIMISERS, OptimiserRule
from adversarial_nets.report.run_settings import settings_table
from adversarial_nets.runs import checkpoints, folder, game_state, metrics
from adversarial_nets.settings import Cadence, GeneratorSettings, OptimiserName
from adversarial_nets.training.session import TrainingSnapshot, train
from small import small_data, small_settings

ADAM = functools.partial(torch.optim.Adam, lr=2e-4, betas=(0.5, 0.999))
OFTEN = Cadence(log_every=1, save_every=5, score_every=50, samples_every=50)


def quiet(**how: Any) -> Any:
    """Train small networks, with settings that name no learning rate."""
    return train(small_data(), settings=small_settings(), cadence=OFTEN, **how)


def rates(game: Any) -> list[float]:
    """The learning rate of D's and of G's parameter groups."""
    groups = game.optimiser_D.param_groups + game.optimiser_G.param_groups
    return [group["lr"] for group in groups]


@pytest.mark.parametrize(
    ("rule", "lr", "momentum"),
    [
        (torch.optim.RMSprop, 0.01, 0.0),
        (ADAM, 2e-4, 0.5),
        (functools.partial(torch.optim.SGD, lr=0.03, momentum=0.2), 0.03, 0.2),
        (lambda parameters: torch.optim.Adagrad(parameters, lr=0.05), 0.05, 0.0),
    ],
)
def test_it_keeps_its_own_rate(rule: Any, lr: float, momentum: float, tmp_path: Path) -> None:
    """It does so in every round, and the metrics show the rate that was used."""
    seen = []

    def note_rates(snapshot: TrainingSnapshot) -> None:
        seen.append(rates(snapshot.game))

    quiet(run=tmp_path / "run", rounds=3, optimiser=rule, callbacks=[note_rates])
    assert seen == [[lr, lr]] * 3
    rows = metrics.read_metrics(tmp_path / "run")
    assert [(row["lr"], row["momentum"]) for row in rows] == [(lr, momentum)] * 3


def test_weights_move_as_that_optimiser_moves_them() -> None:
    """SGD with lr 0 changes nothing, though the settings have lr 0.1."""
    game = new_game(
        small_settings(), small_data(), optimiser=functools.partial(torch.optim.SGD, lr=0.0)
    )
    before = [p.clone() for p in game.G.parameters()]
    play(game, 3)
    assert all(map(torch.equal, before, game.G.parameters()))


def test_multipliers_apply_once() -> None:
    """D's multiplier and that of G's last layer multiply the optimiser's own rate."""
    s = small_settings(d_lr_multiplier=3.0)
    G: GeneratorSettings = dataclasses.replace(s.G, output_lr_multiplier=0.5)
    game = new_game(dataclasses.replace(s, G=G), small_data(), optimiser=ADAM)
    play(game, 2)
    assert rates(game) == pytest.approx([6e-4, 2e-4, 1e-4])


def test_settings_that_do_not_apply_are_named(tmp_path: Path) -> None:
    settings = small_settings(lr=0.02)
    with pytest.warns(UserWarning, match="lr.* do not apply.*optimiser=functools"):
        train(small_data(), settings=settings, run=tmp_path / "run", rounds=1, optimiser=ADAM)
    train(small_data(), run=tmp_path / "run", rounds=2, optimiser=ADAM)  # told once
    game = new_game(settings, small_data(), optimiser=ADAM)
    with pytest.raises(UserError, match=r"lr cannot change.*param_groups"):
        change_settings(game, small_settings(lr=0.03))


@pytest.mark.parametrize(
    ("optimiser", "changed"),
    [
        (ADAM, {"lr": 1e-4}),
        (ADAM, {"betas": (0.9, 0.99), "weight_decay": 0.1}),
        (functools.partial(torch.optim.SGD, lr=0.03, momentum=0.2), {"momentum": 0.8}),
        (functools.partial(torch.optim.SGD, lr=0.03, momentum=0.9), {"nesterov": True}),
        (lambda p: torch.optim.Adam(p, lr=torch.tensor(0.01)), {"lr": torch.tensor(0.001)}),
    ],
)
def test_what_a_callback_changes_in_an_optimiser_survives_an_interruption(
    optimiser: Any, changed: dict[str, Any], tmp_path: Path
) -> None:
    """The continued run ends with the same weights as an uninterrupted one."""

    def change_in_round_4(snapshot: TrainingSnapshot) -> None:
        if snapshot.row["round"] == 4:
            for group in snapshot.game.optimiser_G.param_groups:
                group.update(changed)

    how: dict[str, Any] = {"optimiser": optimiser, "callbacks": [change_in_round_4]}
    for rounds in (5, 10):
        quiet(run=tmp_path / "parts", rounds=rounds, **how)
    quiet(run=tmp_path / "whole", rounds=10, **how)
    a, b = (
        checkpoints.read_checkpoint(checkpoints.checkpoint_folder(tmp_path / name)).nets
        for name in ("parts", "whole")
    )
    assert all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize("saved_by_earlier_version", [False, True])
def test_learning_rates_of_checkpoints_are_restored(
    saved_by_earlier_version: bool, tmp_path: Path
) -> None:
    def set_rate(snapshot: TrainingSnapshot) -> None:
        snapshot.game.optimiser_G.param_groups[0]["lr"] = 0.125

    quiet(run=tmp_path, rounds=2, optimiser=ADAM, callbacks=[set_rate])
    checkpoint = checkpoints.read_checkpoint(checkpoints.checkpoint_folder(tmp_path))
    if saved_by_earlier_version:
        state = dict(checkpoint.state)
        state["lr"] = {net: [g["lr"] for g in of] for net, of in state.pop("groups").items()}
        checkpoint = dataclasses.replace(checkpoint, state=state)
    game = new_game(small_settings(), small_data(), optimiser=ADAM)
    game_state.restore(game, checkpoint)
    assert game.optimiser_G.param_groups[0]["lr"] == 0.125
    assert game.optimiser_G.param_groups[0]["betas"] == (0.5, 0.999)


@pytest.mark.parametrize(
    ("now", "says"),
    [({"lr": 2e-3}, r"lr=0\.001.*→.*lr=0\.002"), ({"betas": (0.5, 0.9)}, r"betas.*→.*0\.5, 0\.9")],
)
def test_changed_numbers_make_another_run(now: dict[str, Any], says: str, tmp_path: Path) -> None:
    quiet(run=tmp_path, rounds=1, optimiser=lambda p: torch.optim.Adam(p, lr=1e-3))
    with pytest.raises(UserError, match=says):
        quiet(run=tmp_path, rounds=2, optimiser=lambda p: torch.optim.Adam(p, **{"lr": 1e-3} | now))


def test_records_of_earlier_versions_name_the_rate_alone(tmp_path: Path) -> None:
    quiet(run=tmp_path, rounds=1, optimiser=lambda p: torch.optim.Adam(p, lr=1e-3))
    path = tmp_path / "settings.json"
    record = json.loads(path.read_text())
    record["info"]["optimiser"] = record["info"]["optimiser"].partition(";")[0]
    path.write_text(json.dumps(record))
    quiet(run=tmp_path, rounds=2, optimiser=lambda p: torch.optim.Adam(p, lr=1e-3))


@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_parameters_that_an_optimiser_leaves_out_stay_as_they_are(momentum: float) -> None:
    def first_layer(parameters: Any) -> torch.optim.SGD:
        return torch.optim.SGD(list(parameters)[:2], lr=0.1, momentum=momentum)

    game = new_game(small_settings(), small_data(), optimiser=first_layer)
    assert game.manual_backprop
    before = [p.detach().clone() for p in game.G.parameters()]
    play(game, 3)
    moved = [not torch.equal(a, b) for a, b in zip(before, game.G.parameters(), strict=True)]
    assert moved == [True, True] + [False] * (len(before) - 2)


def test_records_and_report_name_what_was_used(tmp_path: Path) -> None:
    run = quiet(run=tmp_path, rounds=1, optimiser=ADAM)
    assert folder.open_run(tmp_path).info["optimiser"] == "Adam(lr=0.0002, betas=(0.5, 0.999))"
    assert run.info["optimiser_lr"] == "own"
    names = {row.name["en"] for row in settings_table(run)}
    assert not names & {"lr", "lr_decay", "momentum", "optimiser"}
    assert "k" in names


def test_runs_of_earlier_versions_keep_the_settings_rate(tmp_path: Path) -> None:
    """Their settings.json does not say whose rate applies; it was that of the settings."""
    quiet(run=tmp_path, rounds=1, optimiser=torch.optim.RMSprop)
    path = tmp_path / "settings.json"
    record = json.loads(path.read_text())
    del record["info"]["optimiser_lr"]
    path.write_text(json.dumps(record))
    quiet(run=tmp_path, rounds=2, optimiser=torch.optim.RMSprop)
    assert [row["lr"] for row in metrics.read_metrics(tmp_path)] == [
        0.01,
        pytest.approx(0.1, rel=1e-4),
    ]


def test_a_function_that_does_not_make_an_optimiser_is_refused() -> None:
    rules: list[tuple[Any, str]] = [
        (lambda _: nn.Linear(1, 1), "made a Linear"),
        (functools.partial(torch.optim.Adam, lr=-1.0), "Invalid learning rate.*partial"),
        (torch.optim.LBFGS, "LBFGS.*first-order"),
        (torch.optim.SparseAdam, "SparseAdam, which needs sparse gradients"),
    ]
    for rule, message in rules:
        with pytest.raises(UserError, match=message):
            new_game(small_settings(), small_data(), optimiser=rule)


def test_the_table_of_optimisers_decides_how_each_is_made_and_which_schedules_apply(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert tuple(OPTIMISERS) == get_args(OptimiserName)
    for name, rule in OPTIMISERS.items():
        built = new_game(small_settings(optimiser=name), small_data())
        assert type(built.optimiser_G).__name__ == rule.kind
        assert optimisers.rule_of(built.optimiser_D) is rule
    rmsprop = OptimiserRule(
        "RMSprop",
        lambda parameters, s: torch.optim.RMSprop(parameters, lr=s.lr, momentum=s.momentum),
        momentum_is_scheduled=True,
    )
    monkeypatch.setitem(OPTIMISERS, "adam", rmsprop)
    settings = small_settings(optimiser="adam", lr=1e-3, momentum=0.1, momentum_end=0.9)
    game = new_game(settings, small_data())
    assert isinstance(game.optimiser_G, torch.optim.RMSprop)
    play(game, 15)
    last = settings.lr_at(13) / settings.lr_at(14)
    for optimiser in (game.optimiser_G, game.optimiser_D):
        assert optimiser.param_groups[0]["momentum"] == pytest.approx(game.momentum * last)
    assert game.momentum > 0.1
