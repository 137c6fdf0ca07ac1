"""The report of a run: its settings and networks."""

import dataclasses
import re
from pathlib import Path

import pytest
import torch
from torch import nn

from adversarial_nets.presets import PRESETS
from adversarial_nets.runs.folder import Run
from adversarial_nets.settings import Cadence
from adversarial_nets.training.session import train
from html_page import Page
from small import small_data, small_settings
from small_reports import note, quiet_copy, record, trained_run, untrained, written


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return trained_run(tmp_path_factory.mktemp("runs") / "small")


@pytest.fixture
def quiet(trained: Run, tmp_path: Path) -> Run:
    return quiet_copy(trained, tmp_path / "quiet")


@pytest.fixture
def bare(trained: Run, tmp_path: Path) -> Run:
    return untrained(trained, tmp_path / "bare")


def test_a_custom_run_shows_its_label_and_its_differences(bare: Run) -> None:
    preset = PRESETS["quickstart"].settings
    same = dataclasses.replace(bare, settings=preset, changed={})
    page = written(same)
    assert "preset: quickstart seed" in page.text
    assert "All settings are those of the preset quickstart." in page.text
    assert "custom, from" not in page.text

    changed = {"lr": (0.1, 0.2), "G.hidden": ((400, 400), (8,))}
    page = written(dataclasses.replace(same, changed=changed))
    assert "preset: custom, from quickstart" in page.text
    assert "It differs in: lr 0.1 → 0.2; G.hidden 400, 400 → 8." in page.text
    table = page.text.partition("Differences from the preset quickstart")[2]
    assert "setting this run preset quickstart lr 0.2 0.1 G.hidden 8 400, 400" in table


def test_only_a_published_preset_is_compared_with_the_published_score_without_remark(
    bare: Run,
) -> None:
    note(bare, record(data="mnist"))
    mnist = dataclasses.replace(bare, data="mnist", preset="mnist", changed={})
    assert "not the published experiment" not in written(mnist).text
    custom = dataclasses.replace(mnist, changed={"lr": (0.1, 0.2)})
    words = "This run is not the published experiment (preset: custom, from mnist)."
    assert words in written(custom).text
    quick = dataclasses.replace(mnist, preset="quickstart")
    assert "not the published experiment (preset: quickstart)." in written(quick).text


def names_in_settings(page: Page) -> set[str]:
    """The names in the table of the settings used."""
    table = page.html.partition('<span class="en">Settings used')[2].partition("</table>")[0]
    return set(re.findall(r"<code>(.*?)</code>", table))


@pytest.mark.parametrize("G_is_own", [True, False])
def test_settings_of_replaced_networks_and_optimisers_are_not_listed(
    tmp_path: Path, G_is_own: bool
) -> None:
    G = nn.Sequential(nn.Linear(5, 36), nn.Sigmoid())
    D = nn.Sequential(nn.Linear(36, 7), nn.ReLU(), nn.Linear(7, 1))
    run = train(
        small_data(),
        settings=small_settings(),
        run=tmp_path / "own",
        rounds=1,
        cadence=Cadence(score_every=10**6),
        G=G if G_is_own else None,
        D=None if G_is_own else D,
        optimiser=torch.optim.RMSprop,
    )
    page = written(run)
    names = names_in_settings(page)
    assert {"optimiser", "optimiser_D", "momentum", "momentum_end"}.isdisjoint(names)
    assert "lr" not in names  # the optimiser keeps its own
    assert {"k", "batch", "objective"} <= names
    own, other = ("G", "D") if G_is_own else ("D", "G")
    assert not any(name.startswith(f"{own}.") for name in names)
    assert any(name.startswith(f"{other}.") for name in names)
    assert f"{own}, passed in by a program" in page.text
    assert f"(0): Linear(in_features={5 if G_is_own else 36}, out_features=" in page.text
    assert "Optimiser of both networks, passed in by a program: RMSprop" in page.text
    assert "optimiser sgd → RMSprop" in page.text
    assert "Run the program that made this run again" in page.text
    assert "advnets train small" not in page.text


def test_the_shapes_of_user_networks_are_read_from_a_checkpoint_without_a_record(
    quiet: Run,
) -> None:
    """Earlier versions recorded only that G or D was passed in."""
    page = written(dataclasses.replace(quiet, own_nets=True))
    names = names_in_settings(page)
    assert not any(name.startswith(("G.", "D.")) for name in names)
    assert "0.weight: 12 × 5" in page.text  # G's first layer
    assert "G or D of the preset → passed in by a program" in page.text


def test_the_momentum_of_a_users_sgd_is_listed(bare: Run) -> None:
    run = dataclasses.replace(bare, info={"optimiser": "SGD"})
    assert {"momentum", "momentum_end"} <= names_in_settings(written(run))
