"""Generators without their run: what export writes, what reads it, and the one in the package."""

import contextlib
import dataclasses
import functools
import json
import re
import shlex
import shutil
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

import adversarial_nets as an
from adversarial_nets.cli.main import main
from adversarial_nets.objectives import OBJECTIVES, Objective
from adversarial_nets.report.score_table import other_scores
from adversarial_nets.runs.evaluations import grid_of, read_evaluations
from adversarial_nets.runs.export import to_onnx
from adversarial_nets.runs.exported import without_private_paths
from adversarial_nets.runs.folder import Run
from small import generator, small_data, small_labelled_data, small_settings
from test_own_networks import G as own_G


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished conditional run with a score."""
    folder = tmp_path_factory.mktemp("runs") / "small"
    data, settings = small_labelled_data(), small_settings(condition="classes")
    run = an.train(data, settings=settings, rounds=20, run=folder, progress=False)
    an.evaluate(run, data, samples=50, calibration=False, progress=False)
    return run


def images(run: Run, weights: str | None = None) -> torch.Tensor:
    G, _ = an.load_generator(run, weights=weights)
    return an.sample(G, run.settings, 7, c=torch.arange(7) % 3).detach()


@pytest.mark.parametrize("weights", ["raw", "averaged"])
def test_the_exported_generator_draws_the_same_images(
    weights: str, run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["export", str(run.folder), "--safetensors", str(tmp_path / "G"), "--weights", weights]
    assert main(words) == 0
    size = (tmp_path / "G" / "generator.safetensors").stat().st_size / 1e6
    said = f"{weights} G at round 20, float32: {tmp_path / 'G'} ({size:.1f} MB)"
    assert said in capsys.readouterr().out.splitlines()
    found = an.open_run(tmp_path / "G")
    assert torch.equal(images(found), images(run, weights))
    assert found.settings == run.settings
    assert found.classes == run.classes
    assert (found.newest_round, found.default_weights) == (20, weights)
    same = dataclasses.replace(found, folder=run.folder, exported={})
    assert dataclasses.asdict(same) == dataclasses.asdict(run)
    assert an.load_generator(tmp_path / "G", 20)[1] == 20
    suffixes = {path.suffix for path in (tmp_path / "G").iterdir()}
    assert suffixes == {".safetensors", ".json", ".md"}  # nothing that could be a pickle


def test_an_onnx_model_takes_the_class_and_is_not_exported_again(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("onnxruntime")
    model = tmp_path / "G.onnx"
    assert main(["export", str(run.folder), "--onnx", str(model), "--json"]) == 0
    facts = {"round": 20, "weights": run.default_weights, "out": str(model)}
    assert json.loads(capsys.readouterr().out) == facts
    torch.testing.assert_close(images(an.open_run(model)), images(run))
    for more in (["--safetensors", str(tmp_path / "again")], ["--onnx", str(tmp_path / "b.onnx")]):
        capsys.readouterr()
        assert main(["export", str(model), *more]) == 2
        assert "is exported already" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["G.onnx"]


def test_an_array_of_samples_holds_the_classes_that_were_drawn(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "samples.npz"
    assert main(["sample", str(run.folder), "--n", "9", "--first", "3", "--out", str(file)]) == 0
    found = np.load(file)
    G, _ = an.load_generator(run)
    expected = an.sample(G, run.settings, 9, "samples", first=3).detach()
    np.testing.assert_array_equal(found["samples"].reshape(9, -1), expected.numpy())
    z, c = torch.from_numpy(found["z"]), torch.from_numpy(found["classes"])
    again = an.sample(G, run.settings, 9, z=z, c=c).detach()
    assert len(c.unique()) > 1
    torch.testing.assert_close(again, expected)


def test_the_card_and_the_scores_are_those_of_the_run(run: Run, tmp_path: Path) -> None:
    found = an.export_generator(run, tmp_path / "G")
    card = (found.folder / "README.md").read_text(encoding="utf-8")
    (record,) = json.loads((run.folder / "evaluation.json").read_text())
    assert json.loads((found.folder / "evaluation.json").read_text()) == [record]
    score = f"{record['parzen']['nats']:,.1f} ± {record['parzen']['se']:,.1f}".replace("-", "−")
    for words in (score, "averaged G of round 20, float32", "the class c, one of 3: 0, 1, 2"):
        assert words in card
    an.export_generator(run, tmp_path / "G", weights="raw")  # which has no score
    assert not (found.folder / "evaluation.json").exists()
    assert "Not scored." in (found.folder / "README.md").read_text(encoding="utf-8")


def test_half_precision_is_half_the_size_and_scored_again(tmp_path: Path) -> None:
    run = an.train(
        "mnist-5k", settings=small_settings(), rounds=20, run=tmp_path / "run", progress=False
    )
    an.evaluate(run, samples=30, calibration=False, progress=False)
    whole, half = (an.export_generator(run, tmp_path / f"G{h}", half=h) for h in (False, True))
    sizes = [(r.folder / "generator.safetensors").stat().st_size for r in (whole, half)]
    assert 0.5 < sizes[1] / sizes[0] < 0.55
    G, _ = an.load_generator(half)
    assert {p.dtype for p in G.parameters()} == {torch.float32}
    x, y = (an.sample(an.load_generator(r)[0], r.settings, 7).detach() for r in (whole, half))
    torch.testing.assert_close(x, y, atol=2e-3, rtol=0)
    assert not torch.equal(x, y)
    (record,) = json.loads((half.folder / "evaluation.json").read_text())
    expected = an.evaluate(half, samples=30, calibration=False, progress=False)
    assert record["parzen"]["nats"] == expected.parzen.nats
    an.evaluate(run, samples=30, grid=iter([0.2, 0.3]), calibration=False, progress=False)
    again = an.export_generator(run, tmp_path / "own-grid", half=True)
    grids = [
        r["parzen"]["curve"] for r in json.loads((again.folder / "evaluation.json").read_text())
    ]
    assert [[sigma for sigma, _ in curve] for curve in grids][1] == [0.2, 0.3]


def test_scores_on_own_grids_are_kept_apart_and_exported(tmp_path: Path) -> None:
    data = small_data()
    run = an.train(data, settings=small_settings(), rounds=2, run=tmp_path / "run", progress=False)
    for grid in ((0.2, 0.3), (0.2, 0.4), [0.2, 0.4], 0.5):
        an.evaluate(run, data, samples=30, calibration=False, grid=grid, progress=False)
    recorded = read_evaluations(run.folder)
    grids = [(0.2, 0.3), (0.2, 0.4), (0.5,)]
    assert [grid_of(record["parzen"]) for record in recorded] == grids
    assert other_scores(recorded[0], recorded) == recorded[1:]
    half = an.export_generator(run, tmp_path / "G", half=True, data=data)
    scores = [record["parzen"] for record in read_evaluations(half.folder)]
    assert [grid_of(parzen) for parzen in scores] == grids


def test_own_networks_are_exported_and_loaded_from_a_program(tmp_path: Path) -> None:
    G = own_G()
    data, s = small_labelled_data(), small_settings()
    run = an.train(data, settings=s, G=G, rounds=2, run=tmp_path / "run", progress=False)
    mine = own_G()
    before = {name: w.clone() for name, w in mine.state_dict().items()}
    found = an.export_generator(run, tmp_path / "G", G=mine)
    assert mine.training
    assert all(torch.equal(w, before[name]) for name, w in mine.state_dict().items())
    loaded, _ = an.load_generator(found, G=own_G())
    expected, _ = an.load_generator(run, G=own_G())
    z = torch.randn(3, 5, generator=generator())
    assert torch.equal(loaded(z), expected(z))
    with pytest.raises(an.UserError, match=r"your own networks.*export_generator\('.*G=G\)"):
        an.load_generator(found)


class _DependsOnZ(nn.Module):
    """A G with a branch that depends on the numbers in z."""

    def __init__(self) -> None:
        super().__init__()
        self.net = own_G()

    def forward(self, z: Tensor) -> Tensor:
        return cast(Tensor, self.net(z if z.sum() > 0 else -z))


def test_own_networks_are_exported_as_onnx_for_the_commands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("onnxruntime")
    data, s, file = small_labelled_data(), small_settings(), tmp_path / "new" / "G.onnx"
    run = an.train(data, settings=s, G=own_G(), rounds=2, run=tmp_path / "run", progress=False)
    found = an.export_generator(run, file, G=own_G())
    assert (found.folder, found.exported["round"], found.exported["weights"]) == (
        *(file, 2),
        "averaged",
    )
    from_file, _ = an.load_generator(file)
    expected, _ = an.load_generator(run, G=own_G())
    z = torch.randn(3, 5, generator=generator())
    torch.testing.assert_close(from_file(z), expected(z).detach().flatten(1))
    assert main(["paper", "interpolate", str(file)]) == 0
    with pytest.raises(an.UserError, match="half=True is for a folder"):
        an.export_generator(run, file, G=own_G(), half=True)
    Image.new("L", (6, 6)).save(tmp_path / "x.png")
    for command in ("project", "inpaint"):
        capsys.readouterr()
        assert main([command, str(file), str(tmp_path / "x.png")]) == 2
        assert "is an ONNX file, which has no gradients" in capsys.readouterr().err
    with pytest.raises(an.UserError, match=r"cannot be written as ONNX \(.*as safetensors"):
        to_onnx(_DependsOnZ(), run)


# --- What the card says of a training that a command cannot repeat --------------------------------


def card_and_program(run: Run, folder: Path, G: nn.Module | None = None) -> tuple[str, str]:
    """The card of a run, in one line, and the program in it, for the folder that holds `folder`."""
    text = (an.export_generator(run, folder, G=G).folder / "README.md").read_text("utf-8")
    (program,) = re.findall(r"```python\n(.*?)```", text, re.S)
    return " ".join(text.split()), program


def trained(folder: Path, **how: Any) -> Run:
    """A run of two rounds on images that a command can load, with few pixels to learn."""
    how = {"settings": small_settings(), "rounds": 2, "progress": False, **how}
    return an.train("mnist-5k", run=folder, **how)


def run_program(program: str, folder: Path, names: dict[str, Any]) -> None:
    """Run the program of a card in a folder; it adds to the names."""
    with contextlib.chdir(folder):
        exec(program, names)


def layers(z: int = 5) -> nn.Sequential:
    return nn.Sequential(nn.Linear(z, 784), nn.Sigmoid())


def critic() -> nn.Sequential:
    return nn.Sequential(nn.Linear(784, 1))


NO_COMMAND = "No `advnets` command can repeat that."


@pytest.mark.parametrize("both", [True, False])
def test_the_card_of_own_networks_prints_them_and_no_command(both: bool, tmp_path: Path) -> None:
    run = trained(tmp_path / "run", G=layers(), D=critic() if both else None)
    card, program = card_and_program(run, tmp_path / "card", G=layers())
    assert "settings | custom, from quickstart: " in card
    assert f"{'G and D' if both else 'G'} of the preset → passed in by a program" in card
    assert f"A program trained it with seed 0 and passed in {'G, D' if both else 'G'}." in card
    assert NO_COMMAND in card
    assert "advnets train" not in card
    assert " ".join(repr(layers()).split()) in card
    assert "an.load_generator(run, G=my_G)" in program
    found: dict[str, Any] = {"my_G": layers()}
    run_program(program, tmp_path, found)
    assert found["images"].shape == (100, 784)


@pytest.mark.parametrize("condition", [None, "classes"])
def test_a_run_with_an_own_discriminator_has_the_generator_of_its_settings(
    condition: str | None, tmp_path: Path
) -> None:
    class Critic(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.LazyLinear(1)

        def forward(self, x: Tensor, *c: Tensor) -> Tensor:
            return cast(Tensor, self.layer(x))

    run = trained(tmp_path / "run", settings=small_settings(condition=condition), D=Critic())
    assert not run.own_G
    card, program = card_and_program(run, tmp_path / "card")
    assert "passed in D" in card
    found: dict[str, Any] = {}
    run_program(program, tmp_path, found)
    assert found["images"].shape == (100, run.pixels)


def test_the_card_of_an_own_optimiser_or_objective_prints_no_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    adam = functools.partial(torch.optim.Adam, lr=1e-3)
    card, program = card_and_program(trained(tmp_path / "a", optimiser=adam), tmp_path / "A")
    assert f"passed in the optimiser Adam(lr=0.001). {NO_COMMAND}" in card
    assert "optimiser sgd → Adam(lr=0.001)" in card
    run_program(program, tmp_path, {})
    mine = Objective(lambda a, b: (b - a).mean(), lambda b: -b.mean())
    monkeypatch.setitem(OBJECTIVES, "mine", mine)
    run = trained(tmp_path / "b", settings=small_settings(objective="mine"))
    monkeypatch.delitem(OBJECTIVES, "mine")
    card, program = card_and_program(run, tmp_path / "B")
    assert f"passed in the objective mine. {NO_COMMAND}" in card
    run_program(program, tmp_path, {})


def test_the_card_of_own_images_or_of_a_changed_setting_prints_no_command(
    run: Run, tmp_path: Path
) -> None:
    card, _ = card_and_program(run, tmp_path / "own")
    assert f"passed in the images small. {NO_COMMAND}" in card
    changed = [{"round": 1, "settings": {"lr": [0.1, 0.05]}}]
    plain = trained(tmp_path / "run")
    noted = dataclasses.replace(plain, info={**plain.info, "changed_during_training": changed})
    card, _ = card_and_program(noted, tmp_path / "noted")
    assert f"passed in a callback that changed settings. {NO_COMMAND}" in card
    assert "lr after round 1 0.1 → 0.05" in card


def test_the_cards_command_starts_from_the_same_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = trained(tmp_path / "source")
    run = trained(tmp_path / "run", init_from=source, rounds=3)
    card, _ = card_and_program(run, tmp_path / "card")
    assert "seed 0, from the weights of source at round 2, by advnets train" in card
    assert "initial weights random → of source, round 2" in card
    (line,) = re.findall(r"by (advnets train .*? --rounds 3) ", card)
    again = tmp_path / "again"
    monkeypatch.chdir(tmp_path)
    # The score and the report would take most of the time.
    monkeypatch.setattr("adversarial_nets.cli.train._score", lambda *_: {})
    monkeypatch.setattr("adversarial_nets.report.write_report", lambda *_: again / "report.html")
    assert main([*shlex.split(line)[1:], "--run", str(again)]) == 0
    a, b = (an.load_generator(r, weights="raw")[0].state_dict() for r in (run, again))
    assert all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize("absolute", [True, False])
def test_exported_files_hold_no_private_path(
    absolute: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "照片").mkdir()
    for i in range(30):
        pixels = np.random.default_rng(i).integers(0, 256, (6, 6), np.uint8)
        Image.fromarray(pixels).save(tmp_path / "照片" / f"{i}.png")
    settings = small_settings(size=6, channels=1)
    name = f"folder:{tmp_path / '照片'}" if absolute else "folder:照片"
    run = an.train(name, settings=settings, rounds=2, run=tmp_path / "run", progress=False)
    an.evaluate(run, samples=50, progress=False)
    card, program = card_and_program(run, tmp_path / "生成器")
    for file in (tmp_path / "生成器").iterdir():
        assert str(tmp_path).encode() not in file.read_bytes(), file.name
    G, round = an.load_generator(run)
    model = to_onnx(G, run, {"round": round, "weights": run.default_weights})
    assert str(tmp_path).encode() not in model
    for words in ("A generator trained on folder:照片", "30 images in 照片, each"):
        assert words in card
    assert "advnets train folder:照片" in card.replace("'", "")
    assert 'open_run("生成器")' in program
    run_program(program, tmp_path, {})
    found = an.evaluate("生成器", samples=50, progress=False)  # by the folder's name, where it lies
    assert found.parzen == an.evaluate(run, samples=50, progress=False).parzen
    (tmp_path / "照片").rename(tmp_path / "moved")
    assert main(["evaluate", "生成器"]) == 2
    assert "give their new place: advnets evaluate" in capsys.readouterr().err
    assert main(["evaluate", "生成器", "--data", "folder:moved", "--samples", "50"]) == 0


def test_the_cards_settings_are_in_words(tmp_path: Path) -> None:
    data, s = small_labelled_data(), small_settings(condition="classes")
    run = an.train(data, settings=s, rounds=2, run=tmp_path / "run", progress=False)
    card, _ = card_and_program(run, tmp_path / "card")
    assert "settings | custom, from quickstart: " in card
    assert "condition not set → classes" in card
    assert "None" not in card.partition("| weights |")[0]


def test_an_export_into_a_repository_and_over_an_earlier_one(run: Run, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    an.export_generator(run, tmp_path)
    (tmp_path / "LICENSE").touch()
    an.export_generator(run, tmp_path)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("sample G --checkpoint best", "holds one generator, the averaged G of round 20"),
        ("sample G --weights raw", "holds one generator, the averaged G of round 20"),
        ("report G", "a report needs a run with its metrics"),
        ("train mnist-5k --from G --run NEW", "holds only a generator"),
        ("train mnist-5k --run G", "holds only a generator (advnets export), which cannot be"),
        ("export RUN --half", "--half is given without --safetensors"),
        ("export RUN --safetensors NEW --onnx G.onnx", "give one of them"),
        ("sample DAMAGED", "cannot be read"),
        ("sample nothing", "is not a run's folder"),
        ("export RUN --safetensors RUN", "and an export would add its files to them"),
        ("export RUN --safetensors PHOTOS", "holds other files (0.png, 1.png, 2.png, …), and"),
        ("export RUN --safetensors MINE", "holds other files (README.md), and an export"),
    ],
)
def test_mistakes(
    line: str, words: str, run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exported, damaged = (an.export_generator(run, tmp_path / n).folder for n in ("G", "damaged"))
    (damaged / "generator.safetensors").write_bytes(b"no weights")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "README.md").write_text("my project")
    names = {"G": exported, "DAMAGED": damaged, "RUN": run.folder, "NEW": tmp_path / "new"}
    names |= {"MINE": tmp_path / "mine", "PHOTOS": tmp_path / "photos"}
    (tmp_path / "photos").mkdir()
    for i in range(4):
        (tmp_path / "photos" / f"{i}.png").touch()
    assert main([str(names.get(word, word)) for word in line.split()]) == 2
    assert words in " ".join(capsys.readouterr().err.split())


# --- The generator of digits in the package -------------------------------------------------------


def test_a_run_of_that_name_in_the_working_directory_wins(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert an.open_run("digits").data == "mnist-5k"
    (tmp_path / "digits").mkdir()  # a folder that is not a run
    assert an.open_run("digits").data == "mnist-5k"
    shutil.copytree(run.folder, tmp_path / "digits", dirs_exist_ok=True)
    assert an.open_run("digits").data == run.data
    assert main(["sample", "digits", "--n", "3"]) == 0
    assert (tmp_path / "digits" / "samples.png").exists()


def test_only_whole_paths_are_replaced(run: Run) -> None:
    moved = dataclasses.replace(run, info={**run.info, "onto": "/data", "init_from": {}})
    texts = ["/data", "onto /data/x.png", "https://x.org/data/mnist.gz", "/tmp/data", "/database"]
    found = without_private_paths({"texts": texts}, moved)["texts"]
    assert found == ["data", "onto data/x.png", *texts[2:]]
