"""Mistaken arguments and files: each gets one sentence and exit code 2."""

import dataclasses
import errno
import functools
import gzip
import os
import shlex
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import adversarial_nets as an
from adversarial_nets.cli.main import main
from adversarial_nets.datasets import folder_archive
from adversarial_nets.errors import UserError
from adversarial_nets.evaluation import measure_images
from adversarial_nets.exercises import check
from adversarial_nets.plots.sheets import training_frames
from adversarial_nets.report.commands import continue_command, train_command
from adversarial_nets.training import session
from small import small_data, small_settings

HUGE = "1" + 20 * "0"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (f"sample digits --n {HUGE}", "must be 2147483647 or less"),
        (f"sample digits --per-class {HUGE}", "must be 2147483647 or less"),
        (f"walk digits --frames {HUGE}", "must be 2147483647 or less"),
        (f"walk digits --scale {HUGE}", "must be 2147483647 or less"),
        (f"walk digits --out x.mp4 --fps {HUGE}", "must be 2147483647 or less"),
        (
            f"paper interpolate digits --rows {HUGE}",
            "--rows is 100000000000000000000; it must be 2147483647 or less",
        ),
        (f"evaluate digits --samples {HUGE}", "must be 2147483647 or less"),
        ("measure digits --samples=--5", "must be a data set"),
        (f"train mnist-5k:{HUGE} --dry-run", "is not a class of mnist-5k"),
        ("train npz:~nobody-here/x.npz", "nobody-here"),
    ],
)
def test_a_number_or_name_too_far(
    words: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words.split()) == 2
    assert said in " ".join(capsys.readouterr().err.split())


def test_a_folder_that_may_not_be_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(path: Path) -> bool:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "is_file", refuse)
    assert main(["report", str(tmp_path / "private")]) == 2
    assert "permission denied" in " ".join(capsys.readouterr().err.split())


def test_a_table_with_the_class_at_its_end_is_not_misread(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (30, 16))
    pixels[:, 0] = 0  # the corner of every image is black
    rows = np.column_stack([pixels, np.arange(30) % 3])
    np.savetxt(tmp_path / "last.csv", rows, fmt="%d", delimiter=",")
    with pytest.raises(UserError, match="the same number in the first column"):
        an.load(f"csv:{tmp_path / 'last.csv'}")


def test_damaged_compressed_files(tmp_path: Path) -> None:
    table = bytearray(gzip.compress(b"1,2,3,4\n" * 5000))
    table[20:30] = bytes(10)
    (tmp_path / "t.csv.gz").write_bytes(table)
    with pytest.raises(UserError, match="cannot be read as a table"):
        an.load(f"csv:{tmp_path / 't.csv.gz'}")


def test_a_damaged_archive_leaves_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("a.png", np.random.default_rng(0).bytes(5000))
    content = bytearray((tmp_path / "x.zip").read_bytes())
    content[60:400] = bytes(340)
    (tmp_path / "x.zip").write_bytes(content)
    made = tmp_path / "made"

    def make() -> str:
        made.mkdir()
        return str(made)

    monkeypatch.setattr("tempfile.mkdtemp", make)
    with pytest.raises(UserError, match="cannot be unpacked"):
        folder_archive._unpack(tmp_path / "x.zip")
    assert not made.exists()
    monkeypatch.setattr(
        folder_archive, "_encoding_of_names", lambda _: (_ for _ in ()).throw(KeyboardInterrupt)
    )
    with pytest.raises(KeyboardInterrupt):
        folder_archive._unpack(tmp_path / "x.zip")
    assert not made.exists()


@pytest.mark.parametrize("wrong", [np.inf, 2.0**40, -1.0])
def test_a_label_that_is_not_a_class(wrong: float) -> None:
    labels = np.zeros(30)
    labels[3] = wrong
    with pytest.raises(UserError, match="not whole numbers from 0"):
        an.dataset_from_arrays(np.zeros((30, 4, 4), np.uint8), labels)


def test_the_same_bytes_in_another_range_are_other_images(tmp_path: Path) -> None:
    data = small_data()
    linear = dataclasses.replace(small_settings().G, output="linear")
    how: dict[str, Any] = {"settings": small_settings(G=linear), "run": tmp_path / "run"}
    run = an.train(data, rounds=2, **how)
    other = dataclasses.replace(data, range=(-1.0, 1.0))
    with pytest.raises(UserError, match="holds a run with other settings: values in"):
        an.train(other, rounds=3, **how)
    with pytest.raises(UserError, match="are not those"):
        an.evaluate(run, other)
    an.train(data, rounds=3, **how)


def test_a_damaged_picture_is_named(tmp_path: Path) -> None:
    an.train(small_data(), settings=small_settings(), rounds=2, run=tmp_path / "run")
    (picture,) = (tmp_path / "run" / "samples").glob("round-00000000.png")
    picture.write_bytes(b"")
    with pytest.raises(UserError, match=r"round-00000000.png is damaged.*Delete it"):
        training_frames(tmp_path / "run")


@pytest.mark.parametrize("answer", [[], np.zeros((0, 2)), "0.05"])
def test_an_answer_without_numbers_is_not_right(answer: object) -> None:
    assert not check(lambda: answer, at_most=0.1).right
    assert check(lambda: 0.05, at_most=0.1).right


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (f"--batch {HUGE}", f"--batch is {HUGE}; it must be 2147483647 or less"),
        (f"--z-size {HUGE}", "it must be 2147483647 or less"),
        (f"--D.pieces {HUGE}", "it must be 2147483647 or less"),
        (f"--rounds {HUGE}", "it must be 2147483647 or less"),
        (f"--save-every {HUGE}", "it must be 2147483647 or less"),
        (f"--threads {HUGE}", "it must be 1024 or less"),
        ("--threads 1000000", "--threads is 1000000; it must be 1024 or less"),
        ("--r1 1e308", "--r1 is 1e+308; it must be 1e+30 or less"),
        ("--lr inf", "--lr is inf; it must be 1e+30 or less"),
        ("--lr nan", "--lr is nan; it must be above 0"),
        ("--G.bias=-1e300", "--G.bias is -1e+300; it must be a number from -1e30 to 1e30"),
        ("--penalty-sigma 1e-30", "It must be 0.0001 or more, or 0 for exact penalties"),
        (f"--seed {HUGE}", f"--seed is {HUGE}; it must be a whole number from 0 to 2^63"),
    ],
)
def test_a_setting_too_large_or_too_small(
    words: str, said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    run = tmp_path / "run"
    options = f"--rounds 2 {words}" if "--rounds" not in words else words
    assert main(["train", "mnist-5k", "--run", str(run), *options.split()]) == 2
    assert said in " ".join(capsys.readouterr().err.split())
    assert not run.exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--adam-beta2 .5", "--adam-beta2 has no effect, since no network is trained by optimis"),
        ("--optimiser adam --momentum-end .5", "--momentum-end has no effect, since the momentum"),
        ("--D.activation relu --D.pieces 3", "--D.pieces has no effect, since D.activation is"),
        ("--D.convolution-pieces 3", "--D.convolution-pieces has no effect, since D has no"),
        ("--preset pictures --D.pieces 3", "--D.pieces has no effect, since D.maps makes D"),
        ("--preset pictures --G.keep-prob .5", "--G.keep-prob has no effect, since G.maps"),
        ("--augment-below 3", "--augment-below has no effect, since augment is 0"),
        ("--r1 0 --penalty-sigma .1", "--penalty-sigma has no effect, since r1 and r2 are 0"),
        ("--lr .01 --lr-floor .1", "--lr has no effect, since the smallest learning rate"),
        ("--lr-decay 1 --lr-hold 3", "--lr-hold has no effect, since lr_decay is 1"),
    ],
)
def test_a_setting_without_effect_is_refused(
    words: str, said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    command = ["train", "mnist-5k", "--run", str(tmp_path / "run"), *words.split()]
    assert main([*command, "--dry-run"]) == 2
    assert said in " ".join(capsys.readouterr().err.split())


def test_a_setting_without_effect_is_refused_in_python_too(tmp_path: Path) -> None:
    data, run = small_data(), tmp_path / "run"
    quickstart, pictures = (an.PRESETS[name].settings for name in ("quickstart", "pictures"))
    replace = dataclasses.replace
    for settings, said in (
        (replace(quickstart, adam_beta2=0.5), "adam_beta2 has no effect, since no network"),
        (replace(quickstart, lr=0.01, lr_floor=0.1), "lr has no effect, since the smallest"),
        (replace(quickstart, optimiser="adam", momentum_end=0.5), "momentum_end has no effect"),
        (
            replace(pictures, D=replace(pictures.D, pieces=3)),
            r"D.pieces has no effect, since D.maps makes D convolutional",
        ),
    ):
        with pytest.raises(UserError, match=said):
            an.train(data, settings=settings, rounds=1, run=run)
        assert not run.exists()
    # A constant momentum in both, and a setting of another preset, are allowed.
    adam = small_settings(optimiser="adam", momentum=0.2, momentum_end=0.2, lr=0.001)
    an.train(data, settings=adam, rounds=1, run=tmp_path / "adam")
    own = functools.partial(torch.optim.SGD, lr=0.1)
    with pytest.warns(UserWarning, match="adam_beta2 do not apply, because your own optimiser"):
        an.train(data, settings=small_settings(adam_beta2=0.5), rounds=1, run=run, optimiser=own)


def test_the_command_of_an_older_run_leaves_out_settings_without_effect(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command that repeats it would be refused; the one that continues it needs them."""
    standard = an.PRESETS["quickstart"].settings
    for changes, printed in (
        ({"adam_beta2": 0.5, "k": 2}, "--k 2"),
        ({"augment_below": 3, "train_only": "D", "head_start": 5}, "--train-only D"),
        ({"lr": 0.1, "lr_floor": 0.2}, "--lr 0.2 --lr-floor 0.2"),
    ):
        settings = dataclasses.replace(standard, **changes)
        with monkeypatch.context() as older:
            older.setattr(session, "refuse_unused_settings", lambda *arguments: None)
            run = an.train(
                "mnist-5k", preset="quickstart", settings=settings, rounds=1, run=tmp_path / printed
            )
        command = train_command(run, 1)
        assert command == f"advnets train mnist-5k --preset quickstart {printed} --rounds 1"
        assert main([*shlex.split(command)[1:], "--run", str(tmp_path / "new"), "--dry-run"]) == 0
        assert main([*shlex.split(continue_command(run, 2))[1:], "--dry-run"]) == 0


def test_a_game_in_which_D_is_never_trained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = small_settings(head_start=2)
    with pytest.warns(UserWarning, match="D is never trained: head_start is 2, and the game ends"):
        an.train(small_data(), settings=settings, rounds=2, run=tmp_path / "run")
    an.train(small_data(), settings=settings, rounds=3, run=tmp_path / "run")
    play = ["play", "gaussian", "--rounds", "2", "--head-start", "2", "--out", str(tmp_path)]
    with pytest.warns(UserWarning, match="D is never trained"):
        assert main(play) == 0
    assert main([*play, "--change", "1:head_start=0"]) == 0
    capsys.readouterr()
    new = ["train", "mnist-5k", "--run", str(tmp_path / "new"), "--dry-run"]
    assert main([*new, "--head-start", "2", "--train-only", "G"]) == 2
    assert "--head-start has no effect, since train_only is G." in capsys.readouterr().err


def test_a_setting_without_effect_of_an_older_run_stays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    settings = dataclasses.replace(an.PRESETS["quickstart"].settings, adam_beta2=0.5)
    with monkeypatch.context() as older:
        older.setattr(session, "refuse_unused_settings", lambda *arguments: None)
        an.train(small_data(), settings=settings, preset="quickstart", rounds=2, run=run)
    an.train(small_data(), run=run, rounds=3)
    command = ["train", "mnist-5k", "--run", str(run), "--adam-beta2", ".5", "--dry-run"]
    assert main(command) == 0
    capsys.readouterr()
    more = ["train", "mnist-5k", "--from", str(run), "--run", str(tmp_path / "new"), "--dry-run"]
    assert main(more) == 0
    assert main([*more, "--adam-beta2", ".6"]) == 2


@pytest.mark.usefixtures("_as_users_run_it")
def test_odd_arguments_in_python(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (60, 4, 4), np.uint8)
    run = an.train(
        an.dataset_from_arrays(images), settings=small_settings(), rounds=2, run=tmp_path / "r"
    )
    G, _ = an.load_generator("digits")
    settings = an.open_run("digits").settings
    x: Any = np.zeros((9, 16))
    for call, said in (
        (lambda: an.open_run(""), "given as an empty text; give its folder"),
        (lambda: an.train(images, rounds=2, run=""), "given as an empty text; give its folder"),
        (lambda: an.export_generator(run, None), "give its folder"),  # type: ignore[arg-type]
        (lambda: an.evaluate(run, data="mnist-5k"), "are not those"),
        (lambda: an.evaluate(run, data=images, G="x"), "G is of type str"),  # type: ignore[arg-type]
        (lambda: an.sample(G, settings, n=2, c=np.array([[7], [7]])), "must be 2 numbers"),
        (lambda: measure_images(x, small_data(), "patches"), r"\(9, 16\); it must be \(n, 36\)"),
        (lambda: measure_images("x", small_data()), "x is not a tensor or an array of numbers"),  # type: ignore[arg-type]
        (
            lambda: an.dataset_from_arrays(images.reshape(60, 16), image_shape=(4, 4)),  # type: ignore[arg-type]
            r"image_shape is \(4, 4\); it must be \(channels, height, width\)",
        ),
        (lambda: an.dataset_from_arrays(images, name=""), "name is ''; it must be a text"),
    ):
        with pytest.raises(UserError, match=said):
            call()


def test_options_of_folders_do_not_fit_toy_data(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for words in ("--size 32", "--flip", "--train-on-all"):
        assert main(["play", "moons", *words.split(), "--out", str(tmp_path / "out")]) == 2
        option = words.split()[0]
        assert f"{option} has no effect on points" in " ".join(capsys.readouterr().err.split())


@pytest.mark.skipif(os.name == "nt", reason="Windows does not delete a folder in use")
def test_a_working_folder_that_was_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert main(["sample", "digits"]) == 2
    assert "The working folder has been deleted" in capsys.readouterr().err
