"""The library as a program or a notebook uses it: arguments, mistakes, progress, and texts."""

import dataclasses
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import adversarial_nets as an
from adversarial_nets.build import change_settings
from adversarial_nets.classes import generator_input
from adversarial_nets.errors import UserError
from adversarial_nets.evaluation.memorisation import memorisation
from adversarial_nets.presets import PRESETS
from adversarial_nets.runs import metrics
from adversarial_nets.runs.folder import folder_of
from adversarial_nets.settings import Cadence, Settings
from adversarial_nets.training import loop
from adversarial_nets.training.diagnostics import describe_problem, rounds_without_diversity
from html_page import Page
from small import small_data, small_settings

OFTEN = Cadence(log_every=5, save_every=10, score_every=10, samples_every=10)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> an.Run:
    """A run of 20 rounds that keeps an average, scored with both weights."""
    folder = tmp_path_factory.mktemp("library") / "run"
    data = small_data()
    run = an.train(
        data, settings=small_settings(), run=folder, rounds=20, cadence=OFTEN, progress=False
    )
    for weights in ("raw", "averaged"):
        an.evaluate(run, data, weights=weights, samples=50, calibration=False)
    return run


# --- Arguments ------------------------------------------------------------------------------------


def test_a_run_may_be_given_as_text_path_or_run(run: an.Run) -> None:
    for given in (str(run.folder), run.folder, run):
        assert an.open_run(given).fingerprint == run.fingerprint
        _, round = an.load_generator(given, 10)
        assert round == 10
        assert len(metrics.read_metrics(given)) == 4
        found = an.evaluate(given, small_data(), samples=50, calibration=False)
        assert found.round == 20
    assert an.write_report(str(run.folder), small_data()).exists()
    assert an.train(small_data(), run=run, rounds=20).folder == run.folder


def test_a_folder_of_images_may_be_given_as_a_path(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="photos"):
        an.train(tmp_path / "photos", run=tmp_path / "run", rounds=1)


def wrong_calls(run: str, data: Any, settings: Any) -> list[tuple[Callable[[], object], str]]:
    """Calls with wrong arguments, and parts of what each error says."""
    lib: Any = an
    any_input: Any = generator_input
    any_change: Any = change_settings
    s, G, preset = settings, nn.Linear(5, 36), lib.PRESETS["quickstart"]

    def train(settings: object = s, run: str = "unused", rounds: object = 3, **how: object) -> None:
        lib.train(data, settings=settings, run=run, rounds=rounds, progress=False, **how)

    adam = torch.optim.Adam(G.parameters())
    return [
        (lambda: lib.open_run(3), "int; give its folder"),
        (lambda: lib.load_generator({}), "dict; give its folder"),
        (lambda: lib.evaluate(None), "NoneType; give its folder"),
        (lambda: lib.evaluate(run, 5), "The data are of type int; give the name"),
        (lambda: lib.write_report(["runs/x"]), "list; give its folder"),
        (lambda: lib.compare("runs/x"), "as a str; give a list of two or more"),
        (lambda: lib.compare([1, 2]), "int; give its folder"),
        (lambda: lib.train(DataLoader(TensorDataset(torch.ones(2)))), "of type DataLoader; give"),
        (lambda: lib.train([1, 2]), "of type list; give"),
        (lambda: lib.train(data, settings=s, onto=5), "int; give its folder"),
        (
            lambda: lib.new_game(s, data, optimiser=adam),
            "instance of Adam.*optimiser=torch.optim.Adam",
        ),
        (lambda: lib.new_game(s, data, optimiser="adam"), "'adam'.*functools.partial"),
        (lambda: lib.new_game(s, data, G=nn.Identity), "G is the class Identity"),
        (
            lambda: lib.new_game(s, data, D=lambda x: x),
            "D is of type function; it must be a torch.nn.Module",
        ),
        (
            lambda: lib.evaluate(run, data.train.view(-1, 6, 6)),
            "are not those that .* was trained on",
        ),
        (lambda: train(preset), "settings is of type Preset; give its attribute .settings"),
        (lambda: train({"k": 2}), "settings is of type dict; it must be of type Settings"),
        (
            lambda: train(lib.Settings),
            "settings is the class Settings; it must be of type Settings",
        ),
        (
            lambda: lib.new_game(preset, data),
            "settings is of type Preset; give its attribute .settings",
        ),
        (
            lambda: lib.sample(G, lib.open_run(run), 4),
            "settings is of type Run; give its attribute .settings",
        ),
        (lambda: train(preset=preset), "preset is of type Preset; give its name"),
        (lambda: train(cadence={}), "cadence is of type dict; it must be of type Cadence"),
        (lambda: lib.Cadence(log_every=2.5), "log_every is 2.5; it must be a whole number"),
        (lambda: lib.Cadence(save_every="5"), "save_every is '5'; it must be a whole number"),
        (lambda: train(rounds="10"), "rounds is '10'; it must be a whole number"),
        (lambda: train(rounds=7.5), "rounds is 7.5; it must be a whole number"),
        (lambda: train(rounds=True), "rounds is True; it must be a whole number"),
        (lambda: train(rounds=None, epochs="1"), "epochs is '1'; it must be a number, above 0"),
        (lambda: train(patience="3"), "patience is '3'; it must be a whole number"),
        (lambda: train(callbacks=[None]), "callbacks has None, which is not a function"),
        (lambda: train(callbacks="x"), "callbacks has 'x', which is not a function"),
        (lambda: lib.play(lib.new_game(s, data), 2.5), "rounds is 2.5; it must be a whole number"),
        (
            lambda: lib.evaluate(run, data, samples="10"),
            "samples is '10'; it must be a whole number",
        ),
        (lambda: lib.sample(G, s, "4"), "n is '4'; it must be a whole number"),
        (lambda: lib.sample(lib.open_run(run), s, 4), "G is of type Run; give a network"),
        (lambda: lib.sample(G, s, 1, c=[1.0, 10**400]), "c is not a tensor or an array of numbers"),
        (lambda: lib.sample(G, s, 1, c=["a"]), "c is not a tensor or an array of numbers"),
        (lambda: lib.sample(G, s, 1, c=3), "c is one number for n = 1 samples"),
        (
            lambda: lib.sample(G, s, 4, c=torch.zeros(4)),
            "floats of shape (4,), but this generator takes none",
        ),
        (lambda: lib.sample(G, s, 1, z=["a"]), "z is not a tensor or an array of numbers"),
        (
            lambda: lib.sample(G, lib.Settings(), 4),
            "G does not take noise of shape (4, 100).*Give the settings of G's own run",
        ),
        (lambda: lib.new_game(s, data, device="x"), "device is 'x', which PyTorch does not offer"),
        (lambda: any_change(lib.new_game(s, data), {"lr": 1}), "settings is of type dict"),
        (lambda: metrics.read_metrics("unused"), "unused is not a folder of a run; give one"),
        (lambda: any_input(G, torch.ones(2, 5), "ab"), "c is not a tensor or an array of numbers"),
    ]


@pytest.mark.usefixtures("_as_users_run_it")
def test_every_wrong_argument_is_a_sentence(
    run: an.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for call, words in wrong_calls(str(run.folder), small_data(), small_settings()):
        with pytest.raises(UserError) as error:
            call()
        assert all(word in str(error.value) for word in words.split(".*")), str(error.value)
    assert not Path("unused").exists()


@pytest.mark.usefixtures("_as_users_run_it")
def test_whole_numbers_of_any_type_count(tmp_path: Path) -> None:
    """A program computes 4500.0 rounds, or NumPy's 4500, as often as 4500."""
    numbers: Any = (np.int64(3), 4.0, np.float32(5))
    how: Any = {"settings": small_settings(), "run": tmp_path, "progress": False}
    for rounds in numbers:
        run = an.train(small_data(), rounds=rounds, **how)
        assert run.newest_round == rounds
    game = an.new_game(small_settings(), small_data())
    an.play(game, numbers[1])
    assert game.round == 4
    score = an.evaluate(run, small_data(), samples=numbers[2], calibration=False, progress=False)
    assert score.parzen.samples == 5


# --- Raw and averaged -----------------------------------------------------------------------------


def test_one_rule_says_which_weights_are_the_default(run: an.Run) -> None:
    """Averaged if the run keeps them, but raw for an unchanged preset of the paper."""
    published = dataclasses.replace(
        run, preset="mnist", settings=PRESETS["mnist"].settings, changed={}
    )
    assert published.default_weights == "raw"
    assert dataclasses.replace(published, changed={"k": (1, 2)}).default_weights == "averaged"
    assert dataclasses.replace(published, own_nets=True).default_weights == "averaged"
    assert dataclasses.replace(published, preset="quickstart").default_weights == "averaged"
    plain = dataclasses.replace(run, settings=small_settings(ema_decay=0.0))
    assert plain.default_weights == "raw"


def test_score_report_and_generator_are_of_the_same_weights(run: an.Run) -> None:
    found = an.evaluate(run, small_data(), samples=50, calibration=False)
    assert found.weights == "averaged"
    assert "averaged generator" in an.write_report(run, small_data()).read_text()
    default, averaged, raw = (
        an.load_generator(run, weights=weights)[0].state_dict()["0.weight"]
        for weights in (None, "averaged", "raw")
    )
    assert (default == averaged).all()
    assert not (default == raw).all()


def test_a_score_shows_that_of_the_other_weights_too(run: an.Run) -> None:
    found = an.evaluate(run, small_data(), samples=50, calibration=False)
    assert [weights for weights, _ in found.others] == ["raw"]
    raw = an.evaluate(run, small_data(), weights="raw", samples=50, calibration=False)
    assert raw.others == (("averaged", found.parzen),)
    for text in (repr(found), str(found), found._repr_html_()):
        assert f"{found.parzen.nats:.1f}" in text
        assert f"{raw.parzen.nats:.1f}" in text
    alone = an.evaluate(run, small_data(), samples=51, calibration=False)
    assert alone.others == ()  # other scores were computed otherwise


def test_compare_reads_the_default_weights(run: an.Run, tmp_path: Path) -> None:
    other = an.train(
        small_data(),
        settings=small_settings(seed=1),
        run=tmp_path / "other",
        rounds=20,
        cadence=OFTEN,
        progress=False,
    )
    an.evaluate(other, small_data(), weights="raw", samples=50, calibration=False)
    found = an.compare([run, str(other.folder)])
    assert [entry.weights for entry in found.entries] == ["averaged", "raw"]  # what is recorded
    assert "weights" in found.differences


# --- Progress -------------------------------------------------------------------------------------


def trained(folder: Path, **how: Any) -> an.Run:
    settings = how.pop("settings", small_settings())
    return an.train(small_data(), settings=settings, run=folder, cadence=OFTEN, **how)


def test_a_training_shows_its_progress(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trained(tmp_path / "a", rounds=10)
    out = capsys.readouterr().out
    assert "D(G(z))" in out
    assert "validation log-likelihood" in " ".join(out.split())
    trained(tmp_path / "b", rounds=10, progress=False)
    an.evaluate(tmp_path / "b", small_data(), samples=20, progress=False)
    assert capsys.readouterr().out == ""


def test_a_problem_is_printed_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Networks that never change: samples are alike from the first round to the last."""
    layer = nn.Linear(5, 36)
    nn.init.zeros_(layer.weight)
    stuck = nn.Sequential(layer, nn.Sigmoid())
    monkeypatch.setattr(
        loop, "rounds_without_diversity", lambda settings, own_nets: 20 if own_nets else 0
    )
    never = functools.partial(torch.optim.SGD, lr=0.0)
    snapshots: list[an.TrainingSnapshot] = []
    trained(tmp_path, rounds=30, G=stuck, optimiser=never, callbacks=[snapshots.append])
    problems = {s.row["round"]: s.problem for s in snapshots}
    assert [round for round, problem in problems.items() if problem] == [20, 25, 30]
    assert " ".join(capsys.readouterr().out.split()).count("G has not started to learn") == 1


def test_samples_alike_from_the_start_are_noticed() -> None:
    """The measured start of the presets gives no false alarm."""
    row = {"D_x": 0.6, "D_G_z": 0.4, "spread": 0.01}
    published = rounds_without_diversity(PRESETS["mnist"].settings)
    own = rounds_without_diversity(Settings(), own_nets=True)
    for round, limit, wrong in (
        (850, published, False),
        (published, published, True),
        (own - 50, own, False),
        (own, own, True),
    ):
        assert (describe_problem(row | {"round": round}, 0.01, limit) is not None) == wrong
    assert published >= 2 * 850


# --- Texts ----------------------------------------------------------------------------------------


def test_texts_of_objects_are_short(run: an.Run) -> None:
    game = an.new_game(small_settings(), small_data())
    row = metrics.read_metrics(run.folder)[-1]
    snapshot = an.TrainingSnapshot(row, game, 20, 1.0, 0, None)
    found = an.evaluate(run, small_data(), samples=50, calibration=False)
    for thing, word in (
        (run, "round 20"),
        (found, "averaged G"),
        (snapshot, "round=20"),
        (game, "parameters"),
    ):
        assert word in repr(thing)
        assert len(repr(thing)) < 250, repr(thing)
        assert "tensor" not in repr(thing)


def test_a_notebook_shows_tables_and_samples(run: an.Run) -> None:
    named = dataclasses.replace(run, data="folder:<b>")
    Page(named._repr_html_())
    assert "&lt;b&gt;" in named._repr_html_()
    assert "data:image/png;base64," in run._repr_html_()
    found = an.evaluate(run, small_data(), samples=50, calibration=True)
    Page(found._repr_html_())
    assert "k-means" in found._repr_html_()
    assert "k-means" in str(found)


def test_help_teaches_the_package() -> None:
    assert an.__doc__ is not None
    for name in ("train", "evaluate", "write_report", "open_run", "load_generator", "sample"):
        assert f"an.{name}(" in an.__doc__


def test_a_run_in_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert folder_of("~/runs/x") == tmp_path / "runs" / "x"
    assert folder_of("a~/x") == Path("a~/x")


@pytest.mark.usefixtures("_as_users_run_it")
def test_noise_of_numpy_makes_a_generators_input() -> None:
    G, _ = an.load_generator("digits")
    z: Any = np.ones((2, 100), np.float32)
    rows = generator_input(G, z, np.array([3, 4]))  # type: ignore[arg-type]
    assert torch.equal(rows, generator_input(G, torch.ones(2, 100), torch.tensor([3, 4])))


def test_another_default_device_or_type_of_tensors() -> None:
    torch.set_default_device("meta")
    try:
        with pytest.raises(UserError, match="pass device='meta'"):
            an.new_game(small_settings(), small_data())
    finally:
        torch.set_default_device(None)
    x = small_data().floats(small_data().test)
    wanted = memorisation(x, small_data())
    torch.set_default_dtype(torch.float64)
    try:
        assert memorisation(x, small_data()) == wanted
    finally:
        torch.set_default_dtype(torch.float32)


def test_more_samples_than_the_memory_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    game = an.new_game(small_settings(), small_data())
    with monkeypatch.context() as full:
        full.setattr(torch.Tensor, "new_empty", refuse)
        with pytest.raises(UserError, match=r"n is 2000000000; so many samples need 288 GB"):
            an.sample(game.G, game.settings, 2_000_000_000)
    samples = an.sample(game.G, game.settings, 2001)  # in three blocks
    assert torch.equal(samples[1000:2000], an.sample(game.G, game.settings, 1000, first=1000))
