"""Options without effect and mistaken arguments are refused before any work begins."""

import dataclasses
import inspect
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import adversarial_nets as an
from adversarial_nets.cli.main import main
from adversarial_nets.errors import NoClasses, UserError
from adversarial_nets.evaluation import classifier, measure_images, nearest_images
from adversarial_nets.random import Address
from adversarial_nets.runs.files import check_output_folder
from small import small_data


def said(capsys: pytest.CaptureFixture[str]) -> str:
    return " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    "words",
    [
        *("play moons", "bench", "paper theory", "paper figure1", "paper function-space"),
        *("paper plane", "paper remarks", "paper related-work", "paper claim steps"),
        *("paper objectives 25-gaussians", "paper section7 few-labels", "paper table1 --quick"),
        "paper reproduce theory",
    ],
)
@pytest.mark.parametrize("place", ["file", "file/folder"])
def test_a_folder_that_cannot_be_written_is_refused_before_the_work(
    words: str,
    place: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    def draw(*arguments: object) -> None:
        raise AssertionError("the work has begun")

    (tmp_path / "file").touch()
    monkeypatch.setattr(Address, "words", draw)
    assert main([*words.split(), "--out", str(tmp_path / place)]) == 2
    assert "a file has the folder's name. Choose another folder" in said(capsys)


def test_the_check_of_an_output_folder_creates_nothing(tmp_path: Path) -> None:
    check_output_folder(tmp_path / "new" / "folder")
    assert not list(tmp_path.iterdir())
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(UserError, match="a link to a folder that does not exist"):
        check_output_folder(tmp_path / "link")


def test_the_folder_of_a_picture_is_checked_too(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    assert main(["walk", "digits", "--out", str(tmp_path / "file" / "walk.gif")]) == 2
    assert "a file has the folder's name" in said(capsys)


@pytest.mark.parametrize(
    ("words", "refusal"),
    [
        ("--change 1:k=5 --change 1:--k=6", "--change gives k twice after round 1; give it once."),
        ("--change 1:d-rate=2 --change 1:d_lr_multiplier=3", "gives d_lr_multiplier twice"),
        ("--change 1:G.hidden=5", "G.hidden cannot change during a game"),
    ],
)
def test_a_game_that_would_ignore_an_option(
    words: str, refusal: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(f"play moons --rounds 2 --out {tmp_path / 'out'} {words}".split()) == 2
    assert refusal in said(capsys)


def test_a_game_on_a_folder_of_images_refuses_their_size(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for i in range(12):
        pixels = np.random.default_rng(i).integers(0, 256, (8, 8), np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{i}.png")
    out = str(tmp_path / "out")
    assert main(["play", f"folder:{tmp_path}", "--size", "12", "--rounds", "1", "--out", out]) == 2
    assert "--size chooses how advnets train reads a folder of images" in said(capsys)


@pytest.mark.parametrize(
    ("words", "refusal"),
    [
        ("bench --seconds 5", "--seconds has no effect without --visitors. Leave it out."),
        ("bench --growth --busy", "--growth and --busy are different benchmarks; give one"),
        ("bench --playground --visitors 3 --busy", "--playground and --visitors are different"),
        ("bench --pictures --out x", "--out has no effect with --pictures. Leave it out."),
        ("bench --growth --turns 3", "--turns has no effect with --growth. Leave it out."),
        ("bench mnist-5k --growth", "mnist-5k has no effect with --growth. Leave DATA out."),
        ("paper table1 --json --seeds 3", "--seeds has no effect with --json, which prints"),
        ("paper table1 --json --run x", "--run has no effect with --json, which prints"),
        ("playground --screenshots x --port 80", "--port has no effect with --screenshots"),
    ],
)
def test_an_option_of_another_mode(
    words: str, refusal: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words.split()) == 2
    assert refusal in said(capsys)


def test_two_options_that_set_one_thing(capsys: pytest.CaptureFixture[str]) -> None:
    """If an option is given twice by the same name, the last value counts."""
    train = "train folder:photos --dry-run"
    for words, contradiction in (
        (f"{train} --size 32x32 --width 64", "--size 32x32 and --width 64"),
        (f"{train} --width=64 --size=32x32", "--size 32x32 and --width 64"),
        ("train mnist --d-rate 2 --d-lr-multiplier 3", "--d-rate 2 and --d-lr-multiplier 3"),
        ("train mnist --average=0 --ema-decay 0.9", "--average 0 and --ema-decay 0.9"),
        ("bench --out a --record b", "--out a and --record b"),
    ):
        assert main(words.split()) == 2
        refusal = f"{contradiction} give the same setting different values; keep one of them."
        assert refusal in said(capsys)
    for words, size, width in (
        ("--size 32x64 --width 64", 32, 64),
        ("--width 64 --size 32", 32, 64),
        ("--size 32x64 --size 48", 48, None),
        ("--size 48 --size=32x64", 32, 64),
    ):
        assert main(f"{train} {words} --json".split()) == 0
        found = json.loads(capsys.readouterr().out)["settings"]
        assert (found["size"], found["width"]) == (size, width), words
    assert main(["train", "mnist", "--d-rate", "2", "--d-lr-multiplier", "2", "--dry-run"]) == 0
    capsys.readouterr()
    assert main(["measure", "mnist-5k", "--samples", "photos", "--size", "32x64"]) == 2
    assert "makes all images square, so it takes no width" in said(capsys)
    assert main(["paper", "reproduce", "--use", "figure2a=a", "--use", "figure2a=b"]) == 2
    assert "--use gives figure2a twice" in said(capsys)


@pytest.mark.parametrize("columns", ["1", "2", "3", "0", "-5", "wide"])
def test_help_in_a_terminal_without_columns(
    columns: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert main(["doctor", "--help"]) == 0
    assert "--json" in capsys.readouterr().out
    assert main(["doctor", "--nope"]) == 2
    assert os.environ["COLUMNS"] == columns


def test_help_in_a_terminal_of_millions_of_columns(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "100000000")
    for command in ("--help", "train --help"):
        assert main(command.split()) == 0
        assert max(map(len, capsys.readouterr().out.splitlines())) <= 200
    assert os.environ["COLUMNS"] == "100000000"


def test_another_grid_or_weights_do_not_make_a_run_damaged() -> None:
    compare, runs = inspect.unwrap(an.compare), ["first", "second"]  # without the tests' checks
    with pytest.raises(UserError, match="grid is 'x'; it must be 'paper' or 'fine'"):
        compare(runs, grid="x")
    for weights in ("x", "", 0, np.array(["x", "y"])):
        with pytest.raises(UserError, match=r"weights is .*; it must be 'raw' or 'averaged'"):
            compare(runs, weights=weights)


def test_odd_arguments_of_sample() -> None:
    run = an.open_run("digits")
    G, _ = an.load_generator(run)
    sample: Any = inspect.unwrap(an.sample)  # without the tests' checks of types
    s, z = run.settings, torch.zeros(1, run.settings.z_size)
    cases: tuple[tuple[Callable[[], object], str], ...] = (
        (lambda: sample(G, s, 1, first=-1), "first is -1"),
        (lambda: sample(G, s, 1, first=2.5), "first is 2.5"),
        (lambda: sample(G, s, 1, first=2**70), "first is .*or less"),
        (lambda: sample(G, s, 1, z=z.fill_(torch.nan)), "z has NaN or infinite"),
        (lambda: sample(G, s, 1, z=z.to("meta")), "a meta, sparse"),
        (lambda: sample(G, s, 1, z=z.to(torch.complex64)), "a complex tensor"),
    )
    for call, problem in cases:
        with pytest.raises(UserError, match=problem):
            call()


def test_odd_images_to_measure() -> None:
    measure: Any = inspect.unwrap(measure_images)  # without the tests' checks of types
    data = small_data(side=16)
    x = data.floats(data.train[:8])
    cases: tuple[tuple[Callable[[], object], str], ...] = (
        (
            lambda: measure(x.reshape(8, 1, 16, 16), data),
            r"\(8, 1, 16, 16\); it must be \(n, 256\)",
        ),
        (lambda: measure(x[:, :50], data), r"\(8, 50\); it must be \(n, 256\)"),
        (lambda: measure(x[:0], data), "with n above 0"),
        (lambda: measure(x, 3), "The data are of type int"),
    )
    for call, problem in cases:
        with pytest.raises(UserError, match=problem):
            call()
    tracked = x.double().clone()
    tracked.requires_grad = True
    assert measure(tracked, data) == measure(x.numpy(), data) == measure(x, data)
    as_arrays = measure(x, data, lambda images: images[:, ::9].numpy())
    assert as_arrays.model == measure(x, data, lambda images: images[:, ::9]).model


def test_features_that_change_their_images_do_not_change_the_callers() -> None:
    data = small_data(side=16)
    x = data.floats(data.train[:8])
    before = x.clone()
    found = measure_images(x, data, lambda images: images.mul_(2))
    assert torch.equal(x, before)
    assert found.copied == measure_images(x, data, lambda images: images * 2).copied


def test_images_to_search_that_are_converted_already() -> None:
    nearest: Any = inspect.unwrap(nearest_images)  # without the tests' checks of types
    data = small_data()
    x = data.floats(data.train[:8])
    with pytest.raises(UserError, match="images has values of type float32; images must be uint8"):
        nearest(x[:2], x)
    with pytest.raises(UserError, match=r"x has shape \(8, 5\); it must be \(n, 36\)"):
        nearest(x[:, :5], data.train)
    assert nearest(x.numpy(), data.train[:8].numpy())[0].tolist() == list(range(8))


@pytest.mark.parametrize("range", [(1.0, 0.0), (0.0, float("nan")), (0.0, float("inf"))])
def test_an_invalid_range(range: Any) -> None:
    with pytest.raises(UserError, match="it must be the smallest and the largest value"):
        dataclasses.replace(small_data(), range=range)


def test_a_classifier_takes_what_train_takes() -> None:
    make: Any = inspect.unwrap(classifier)
    images = np.random.default_rng(0).integers(0, 256, (30, 4, 4), np.uint8)
    with pytest.raises(NoClasses, match="array has no class labels"):
        make(images)


def test_a_name_in_place_of_a_game() -> None:
    play: Any = inspect.unwrap(an.play)
    with pytest.raises(UserError, match="game is of type str; give what new_game returned"):
        play("moons", 1)


def test_class_numbers_for_a_generator_with_masks_are_refused() -> None:
    settings = an.Settings(condition="masks", batch=4)
    images = np.random.default_rng(0).integers(0, 256, (30, 4, 4), np.uint8)
    game = an.new_game(settings, images)
    with pytest.raises(UserError, match="this generator takes none: it fills in images"):
        an.sample(game.G, settings, 2, c=[0, 1])


def test_labels_that_are_one_text() -> None:
    images = np.random.default_rng(0).integers(0, 256, (30, 4, 4), np.uint8)
    make: Any = inspect.unwrap(an.dataset_from_arrays)  # without the tests' checks of types
    with pytest.raises(UserError, match=r"labels is of type str; it must be \("):
        make(images, "0123456789" * 3)


def test_a_program_may_give_a_command_paths_and_numbers(tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert main(["train", "mnist-5k", "--run", run, "--rounds", 2, "--dry-run"]) == 0
