"""The command line: every command runs; every mistake gives a sentence and exit code 2."""

import dataclasses
import json
import re
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import adversarial_nets as an
from adversarial_nets.cli import main as main_module
from adversarial_nets.cli import paper_experiments
from adversarial_nets.cli.main import main
from adversarial_nets.cli.registry import COMMANDS
from adversarial_nets.cli.shared import output_path
from adversarial_nets.errors import Stopped
from adversarial_nets.runs.evaluations import read_evaluations
from commands import NARROW, result
from test_metrics_docs import check as check_fields


@pytest.fixture(scope="module")
def run(digits_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short run of narrow networks on the included digits."""
    return shutil.copytree(digits_run, tmp_path_factory.mktemp("runs") / "digits")


def test_train_ends_with_a_report(run: Path) -> None:
    for name in ("report.html", "evaluation.json", "figures/figure2.png", "figures/figure3.png"):
        assert (run / name).stat().st_size > 500
    scores = json.loads((run / "evaluation.json").read_text())
    assert [s["weights"] for s in scores] == ["raw", "averaged"]


def test_a_finished_run_says_so_and_is_not_scored_again(
    run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object, **options: object) -> None:
        raise AssertionError("a recorded score was computed again")

    monkeypatch.setattr("adversarial_nets.evaluation.evaluate", fail)
    capsys.readouterr()
    assert main(["train", "mnist-5k", "--run", str(run), "--rounds", "60", *NARROW]) == 0
    printed = capsys.readouterr().out
    assert f"Already finished: the run in {run} has 60 rounds." in printed
    for record in read_evaluations(run):
        assert f"{record['parzen']['nats']:.1f} ± {record['parzen']['se']:.1f} nats" in printed


def test_nothing_is_announced_that_is_refused(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["train", "mnist-5k", *NARROW, "--rounds", "60", "--run"]
    assert main([*line, str(run), "--k", "2"]) == 2
    found = capsys.readouterr()
    assert "Already finished" not in found.out
    assert "holds a run with other settings: k 1 → 2" in found.err
    (tmp_path / "file").write_text("x")
    assert main([*line, str(tmp_path / "file")]) == 2
    found = capsys.readouterr()
    assert "New run" not in found.out
    assert "is a file; give a folder with --run." in found.err


def test_the_command_to_continue_with_does_not_restart(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise, pasted, it would delete what was saved."""

    def stopped(command: object, options: object) -> int:
        raise Stopped(signal.SIGINT, 7, saved=True)

    monkeypatch.setattr(main_module, "_run", stopped)
    assert main(["train", "mnist-5k", "--restart", "--rounds", "9"]) == 130
    error = capsys.readouterr().err
    assert error.endswith("Continue with: advnets train mnist-5k --rounds 9\n")


def test_a_run_from_a_run_of_another_seed_continues(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """--from takes weights and settings of a run; what is given changes them.

    The new run's folder is named after that seed; its own settings are then the defaults.
    """
    monkeypatch.chdir(tmp_path)
    shutil.copytree(run, "source")
    path = Path("source/settings.json")
    record = json.loads(path.read_text())
    record["settings"]["seed"] = 3
    path.write_text(json.dumps(record))
    args = ("train", "mnist-5k", "--from", "source", "--threads", "1")
    folder = Path("runs/mnist-5k-quickstart-3-from-source")
    first = result(capsys, *args, "--lr", "0.01", "--rounds", "5")
    assert (first["run"], first["round"]) == (str(folder), 5)
    record = json.loads((folder / "settings.json").read_text())
    assert record["settings"]["G"]["hidden"] == [16, 16]
    assert record["settings"]["lr"] == 0.01
    assert record["info"]["init_from"]["run"] == "source"
    assert main([*args, "--rounds", "6"]) == 0
    assert f"Resuming at round 5 of 6 in {folder}" in capsys.readouterr().out
    python = an.train("mnist-5k", init_from="source", rounds=7, progress=False)
    assert (python.folder, python.settings.lr, python.newest_round) == (folder, 0.01, 7)
    assert main([*args, "--run", "source"]) == 2
    assert "give the new run another folder" in capsys.readouterr().err


def test_evaluate(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = result(capsys, "evaluate", str(run), "--grid", "fine", "--samples", "500")
    assert found["round"] == 60
    assert found["weights"] == "averaged"  # the run keeps an average
    parzen = found["parzen"]
    assert isinstance(parzen, dict)
    assert {"nats", "se", "sigma", "grid", "samples", "at_edge"} <= parzen.keys()
    assert (parzen["grid"], parzen["samples"]) == ("fine", 500)
    history = found["run"]
    assert isinstance(history, dict)
    assert history["curve"][-1]["round"] == 60
    assert {"raw", "averaged", "seconds"} <= history["curve"][-1].keys()
    earlier = result(capsys, "evaluate", str(run), "--checkpoint", "50", "--weights", "averaged")
    assert (earlier["round"], earlier["weights"]) == (50, "averaged")


def test_tensorboard_gets_the_same_numbers(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    folder = tmp_path / "run"
    args = ["train", "mnist-5k:7", "--run", str(folder), "--rounds", "30", "--log-every", "10"]
    assert main([*args, "--tensorboard", "--json", *NARROW]) == 0
    events = EventAccumulator(str(folder / "tensorboard"))
    events.Reload()
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    for name in ("d_loss", "D_x"):
        shown = [(e.step, e.value) for e in events.Scalars(name)]
        assert shown == [(r["round"], pytest.approx(r[name], rel=1e-6)) for r in rows]
    pictures = [int(path.stem[6:]) for path in sorted((folder / "samples").glob("round-*.png"))]
    assert [image.step for image in events.Images("samples")] == pictures


def test_calibrate(capsys: pytest.CaptureFixture[str]) -> None:
    found = result(capsys, "calibrate", "mnist-5k", "--samples", "300")
    rows = found["rows"]
    assert isinstance(rows, list)
    assert [row["name"] for row in rows] == ["training images", "k-means", "mean image"]
    assert all({"nats", "se", "sigma", "samples"} <= row.keys() for row in rows)
    assert rows[0]["nats"] > rows[2]["nats"]


def test_sample_and_interpolate(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    png, npz, lines = tmp_path / "s.png", tmp_path / "new" / "s.npz", tmp_path / "l.png"
    result(capsys, "sample", str(run), "--n", "7", "--out", str(png))
    result(capsys, "sample", str(run), "--n", "7", "--out", str(npz), "--weights", "averaged")
    result(capsys, "interpolate", str(run), "--rows", "2", "--steps", "5", "--out", str(lines))
    with np.load(npz, allow_pickle=False) as file:
        assert file["samples"].shape == (7, 28, 28)
        assert file["samples"].dtype == np.float32
        assert file["range"].tolist() == [0.0, 1.0]
    with Image.open(png) as seven, Image.open(lines) as two_by_five:
        assert seven.width > 7 * 28
        assert two_by_five.width > 2 * two_by_five.height


def test_dry_run_touches_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "run"
    args = ("train", "mnist", "--run", str(folder), "--k", "3", "--dry-run")
    found = result(capsys, *args)
    settings = found["settings"]
    assert isinstance(settings, dict)
    assert (found["preset"], settings["k"], settings["G"]["hidden"]) == ("mnist", 3, [1200, 1200])
    assert not folder.exists()


@pytest.mark.parametrize(
    "error",
    [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried …")],
)
def test_too_little_memory_is_a_sentence(
    error: Exception, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(options: object, reporter: object) -> dict[str, object]:
        raise error

    failing = dataclasses.replace(COMMANDS["datasets"], run=fail)
    monkeypatch.setitem(COMMANDS, "datasets", failing)
    assert main(["datasets"]) == 2
    assert "not enough memory" in capsys.readouterr().err


def test_datasets(capsys: pytest.CaptureFixture[str]) -> None:
    assert "mnist-5k" in str(result(capsys, "datasets"))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("trian mnist", "Did you mean advnets train?"),
        ("train mnst", "mnist"),
        ("train mnist-5k --preset quik --dry-run", "Did you mean quickstart?"),
        ("train mnist-5k --k 0", "--k is 0; it must be"),
        ("train mnist-5k --G.hidden 0 3", "--G.hidden is 0"),
        ("train mnist-5k --rounds 0", "--rounds is 0"),
        ("train mnist-5k --rounds 1 --epochs 1", "Both rounds and epochs are given"),
        ("train mnist-5k --save-every 0", "--save-every is 0"),
        ("train mnist-5k --threads 0", "--threads is 0"),
        (
            "train mnist-5k --device gpu",
            "--device is 'gpu', which PyTorch does not offer here. Devices",
        ),
        ("sample PARENT", "but holds runs; name one of them: RUN."),
        ("evaluate PARENT", "but holds runs; name one of them: RUN."),
        ("report PARENT", "but holds runs; name one of them: RUN."),
        ("measure PARENT", "but holds runs; name one of them: RUN."),
        ("export PARENT", "but holds runs; name one of them: RUN."),
        ("compare RUN PARENT", "but holds runs; name one of them: RUN."),
        ("train mnist-5k --from PARENT", "but holds runs; name one of them: RUN."),
        ("export RUN --onnx G.pt", "--onnx is G.pt; its name must end in .onnx"),
        ("walk RUN --fps 1000", "--fps is 1000; a .gif can show at most 50"),
        ("walk RUN --out x.webp --fps 1001", "a .webp can show at most 1000"),
        ("walk RUN --training --n 4", "--n is given with --training"),
        ("walk RUN --training --weights raw", "--weights is given with --training"),
        ("walk RUN --training --class 3", "--class is given with --training"),
        ("train mnist-5k --size 32", "folder"),
        ("train folder:NOWHERE", "NOWHERE"),
        ("train idx:NOWHERE", "NOWHERE"),
        ("train fashion-mnist", "type idx:FOLDER"),
        ("calibrate kmnist", "type idx:FOLDER"),
        ("play fashion-mnist", "type idx:FOLDER"),
        ("playground --data celeba", "type folder:PATH"),
        ("evaluate NOWHERE", "not a run's folder"),
        ("evaluate RUN --checkpoint 7", "no checkpoint '7'"),
        ("evaluate RUN --samples 0", "--samples is 0"),
        ("sample RUN --n 0", "--n is 0"),
        ("sample RUN --out x.gif", "must end in .png or .npz"),
        ("interpolate RUN --steps 1", "--steps is 1; it must be 2 or more"),
        ("interpolate RUN --out x.gif", "must end in .png"),
        ("measure RUN --samples 0", "--samples is 0"),
        ("theory --seed -1", "--seed is -1"),
        ("claim parzen-spread --seed -1", "--seed is -1"),
        ("calibrate mnist-5k --samples 0", "--samples is 0"),
    ],
)
def test_mistakes(line: str, words: str, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    places = {"PARENT": str(run.parent), "RUN": str(run)}
    for name, path in places.items():
        line, words = line.replace(name, path), words.replace(name, path)
    assert main(line.split()) == 2
    printed = capsys.readouterr()
    assert words in printed.err
    assert "Traceback" not in printed.err
    assert printed.out == ""


@pytest.mark.slow
def test_a_divergence_names_options_that_help(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The advice can be followed as it stands: options added to the same command."""
    args = ["train", "mnist-5k:7", "--run", str(tmp_path / "run"), "--rounds", "20", *NARROW]
    args += ["--log-every", "10"]
    assert main([*args, "--lr", "1e30"]) == 3
    error = capsys.readouterr().err
    advice = re.search(r"Add (--lr \S+ --restart) to the command", error)
    assert advice is not None, error
    assert advice[1] == "--lr 2e+29 --restart"
    capsys.readouterr()
    assert main([*args, "--lr", "1e-3", "--restart"]) == 0
    assert f"New run of 20 rounds in {tmp_path / 'run'}" in capsys.readouterr().out


@pytest.mark.draws
def test_nothing_is_written_outside_runs(
    run: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(run, tmp_path / "runs" / "digits")
    for line in (
        "sample runs/digits --n 4",
        "interpolate runs/digits --rows 2 --steps 3",
        "play moons --rounds 2",
        "paper plane --rounds 2",
        "figure1 --rounds 2 --no-movie",
        "function-space --steps 2",
    ):
        files = result(capsys, *line.split()).get("files", [])
        assert isinstance(files, list)
        assert all(Path(file).is_file() for file in files)
    for line in ("figure1 --rounds", "function-space --steps", "plane --rounds"):
        assert main([*line.split(), "0", "--out", "none"]) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]
    written = {path.relative_to(tmp_path / "runs").as_posix() for path in tmp_path.rglob("*.png")}
    assert {
        "digits/samples.png",
        "digits/interpolation.png",
        "play/game.png",
        "paper/plane/plane.png",
        "paper/figure1/figure1.png",
    } <= written
    assert all(path.stat().st_size > 1000 for path in Path("runs/paper").rglob("*.png"))


def test_plane_prints_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["paper", "plane", "--rounds", "2", "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert not set("{}'") & set(printed)
    assert re.search(r"^JSD +[\d.e-]+ +[\d.e-]+$", printed, re.M)
    assert all(len(line) <= 80 or str(tmp_path) in line for line in printed.splitlines())


def test_earlier_reproductions_are_continued(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    default = output_path("paper", "reproduction")
    assert paper_experiments._reproduction_folder(default) == default
    Path("reproduction").mkdir()
    assert paper_experiments._reproduction_folder(default) == Path("reproduction")
    assert paper_experiments._reproduction_folder(Path("x")) == Path("x")
    default.mkdir(parents=True)
    assert paper_experiments._reproduction_folder(default) == default


@pytest.mark.draws
def test_theory(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = result(capsys, "theory")
    check_fields(found, "paper theory --json")
    checks = found["checks"]
    assert isinstance(checks, list)
    assert all({"statement", "max_error", "tolerance", "holds"} <= check.keys() for check in checks)
    assert all(check["holds"] for check in checks)
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]
    assert (tmp_path / "runs/paper/theory/theory.png").stat().st_size > 10_000
