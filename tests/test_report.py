"""The report shows what the run's files hold, is self-contained, and escapes every name."""

import base64
import dataclasses
import io
import itertools
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import nn

from adversarial_nets import __version__, report
from adversarial_nets.cli.main import main
from adversarial_nets.cli.parsing import parse
from adversarial_nets.cli.registry import find_command
from adversarial_nets.errors import UserError
from adversarial_nets.evaluation import evaluate
from adversarial_nets.report import commands
from adversarial_nets.runs import folder as runs_folder
from adversarial_nets.runs import metrics
from adversarial_nets.runs.folder import Run
from adversarial_nets.settings import Cadence, GeneratorSettings, Settings
from adversarial_nets.training.session import train
from html_page import Page
from small import small_data, small_settings
from small_reports import note, quiet_copy, record, trained_run, untrained, written


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return trained_run(tmp_path_factory.mktemp("runs") / "small")


@pytest.fixture
def run(trained: Run, tmp_path: Path) -> Run:
    """A copy that a test may change."""
    folder = tmp_path / "run"
    shutil.copytree(trained.folder, folder)
    return dataclasses.replace(trained, folder=folder)


@pytest.fixture
def quiet(trained: Run, tmp_path: Path) -> Run:
    return quiet_copy(trained, tmp_path / "quiet")


@pytest.fixture
def bare(trained: Run, tmp_path: Path) -> Run:
    return untrained(trained, tmp_path / "bare")


# --- The page -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole(trained: Run, tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Page]:
    """The report of a run with metrics, samples, checkpoints and a score."""
    run = dataclasses.replace(trained, folder=tmp_path_factory.mktemp("whole") / "run")
    shutil.copytree(trained.folder, run.folder)
    note(run, record())
    return run, written(run)


def test_the_page_is_self_contained_and_accessible(whole: tuple[Run, Page]) -> None:
    page = whole[1]
    assert len(page.html) < 3_000_000
    for _, attributes in page.elements:
        for name in ("src", "srcset", "poster", "data", "action"):
            assert (attributes.get(name) or "data:").startswith("data:")
    assert [a["href"] for a in page.all("link")] == ["data:,"]
    assert "@import" not in page.html
    assert "url(" not in page.html
    assert all(a["alt"] for a in page.all("img"))
    assert all("src" not in a for a in page.all("script"))
    (policy,) = [a["content"] for a in page.all("meta") if a.get("http-equiv")]
    assert policy is not None
    assert policy.startswith("default-src 'none'")

    headings = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert headings[0] == 1
    assert headings.count(1) == 1
    assert all(b - a <= 1 for a, b in itertools.pairwise(headings))
    ids = [a["id"] for _, a in page.elements if "id" in a]
    assert len(ids) == len(set(ids))
    labels = [a["aria-labelledby"] for a in page.all("section")]
    assert labels
    assert set(labels) <= set(ids)


def test_every_image_in_the_page_can_be_opened(whole: tuple[Run, Page]) -> None:
    kinds = set()
    for image in whole[1].all("img"):
        kind, _, content = str(image["src"]).removeprefix("data:image/").partition(";base64,")
        kinds.add(kind)
        if kind == "png":
            Image.open(io.BytesIO(base64.b64decode(content))).verify()
        else:
            assert b"<svg" in base64.b64decode(content)
    assert kinds == {"png", "svg+xml"}


def test_the_figures_are_written_as_files(whole: tuple[Run, Page]) -> None:
    run = whole[0]
    names = {p.name for p in (run.folder / "figures").iterdir()}
    assert names == {"figure2.png", "figure3.png", "curves.png", "samples.png"}
    for name in names:
        Image.open(run.folder / "figures" / name).verify()


def test_names_are_escaped(run: Run) -> None:
    evil = "x\"'><script>alert(1)</script><img src=x onerror=alert(2)>&amp;"
    run = dataclasses.replace(run, data=evil, preset="quickstart", info={"torch": evil})
    data = dataclasses.replace(small_data(), name=evil, provenance=evil)
    note(
        run, record(data=evil, calibration=[record()["parzen"] | {"name": "k-means", "note": evil}])
    )
    page = written(run, data)
    assert len(page.all("script")) == 2  # the languages, the samples during training
    assert "alert" not in page.html.partition("<script>")[2].partition("</script>")[0]
    assert not [a for _, a in page.elements if any(name.startswith("on") for name in a)]
    assert page.text.count(evil) >= 4


# --- Text of the page -----------------------------------------------------------------------------


def test_without_a_score_the_page_shows_the_command_that_makes_one(quiet: Run) -> None:
    page = written(quiet)
    assert "has not been scored yet" in page.text
    call = f"an.evaluate({str(quiet.folder)!r}, data=data, weights='averaged')"
    assert call in page.text  # only the program has these images
    assert commands.calibrate_command(quiet) == "an.calibrate(data)"
    for_command = dataclasses.replace(quiet, data="mnist-5k", own_nets=False)
    command = f"advnets evaluate {quiet.folder} --weights averaged"
    assert commands.evaluate_command(for_command, "averaged") == command
    assert "nats" not in page.text.partition("Training curves")[0].replace("225 ± 2", "")


@pytest.mark.parametrize("train_on_all", [False, True])
def test_each_printed_command_parses(quiet: Run, train_on_all: bool) -> None:
    settings = dataclasses.replace(
        quiet.settings,
        size=12,
        width=16,
        fit="pad",
        channels=3,
        background="white",
        stretch=True,
        train_on_all=train_on_all,
    )
    run = dataclasses.replace(quiet, data="folder:photos", settings=settings, own_nets=False)
    printed = [
        commands.calibrate_command(run),
        commands.continue_command(run),
        commands.train_command(run),
        commands.evaluate_command(run, "raw"),
        commands.report_command(run, "averaged"),
    ]
    for text in printed:
        command, rest = find_command(shlex.split(text)[1:])
        assert parse(command, rest) is not None, text
    assert printed[0] == (
        "advnets calibrate folder:photos --size 12 --width 16 --fit pad --channels 3 "
        "--background white --stretch"
    )


def test_a_run_without_checkpoint_has_a_report(bare: Run) -> None:
    page = written(bare)
    assert "no checkpoint yet" in page.text
    assert "No metrics have been logged yet" in page.text
    assert "round 0" in page.text
    assert page.all("img") == []


def test_the_page_shows_what_evaluate_measured(quiet: Run) -> None:
    data = small_data()
    found = evaluate(quiet, data, weights="averaged", samples=200)
    page = written(quiet, data)
    assert f"{found.parzen.nats:.1f}".replace("-", "−") in page.text
    assert f"{found.parzen.sigma:.3f} of the grid “paper”" in page.text
    for row in found.calibration:
        assert row.note in page.text


def test_the_headline_prefers_the_weights_shown_and_the_grid_of_the_paper(quiet: Run) -> None:
    note(
        quiet,
        record(nats=111.1, round=10),
        record(nats=122.2),
        record(nats=133.3, grid="fine"),
        record(nats=144.4, weights="raw"),
    )
    for weights, nats in (("averaged", "122.2"), ("raw", "144.4")):
        page = written(quiet, weights=weights)
        assert f"this run, {weights} generator {nats} ± 1.5 nats round 20" in page.text
        others = page.text.partition("Other scores of this run")[2]
        assert "111.1 ± 1.5" in others
        assert "133.3 ± 1.5" in others


def test_caveats_name_the_edge_of_the_grid_an_older_round_and_other_weights(quiet: Run) -> None:
    note(quiet, record(sigma=0.1, at_edge=True, round=10, weights="raw"))
    page = written(quiet)
    assert "σ = 0.100 is the smallest value of the grid “paper”" in page.text
    assert "The score is of round 10, but the images are of round 20." in page.text
    assert "The score is of the raw generator, but the images are of the averaged one" in page.text
    note(quiet, record(sigma=0.4, at_edge=True))
    assert "σ = 0.400 is the largest value of the grid" in written(quiet).text
    note(quiet, record())
    page = written(quiet)
    assert "value of the grid" not in page.text
    assert "the images are of the averaged one" not in page.text


def test_signs_of_failed_training_are_shown(bare: Run) -> None:
    fine = {"round": 10, "epoch": 1.0, "d_loss": 1.0, "g_loss": 1.0, "seconds": 1.0, "spread": 0.9}
    row = fine | {"D_x": 0.999, "D_G_z": 0.001}
    metrics.append_metrics(bare.folder, row)
    assert "D is too strong" in written(bare).text
    metrics.append_metrics(bare.folder, row | {"round": 20, "D_x": 0.6, "spread": 0.01})
    assert "G has collapsed" in written(bare).text


def test_the_published_score_is_shown_for_mnist_only(bare: Run) -> None:
    note(bare, record())
    page = written(bare)
    assert "cannot be compared" in page.text
    assert "published (Table 1)" not in page.text
    assert "Deep GSN" not in page.text

    note(bare, record(data="mnist"))
    mnist = dataclasses.replace(bare, data="mnist")
    page = written(mnist)
    assert "published (Table 1) 225 ± 2 nats" in page.text
    assert "Deep GSN" in page.text
    assert "compare with care" not in page.text

    note(bare, record(data="mnist", grid="fine"))
    page = written(mnist)
    assert "compare with care" in page.text
    assert "Deep GSN" not in page.text  # measured with another grid


def test_scores_over_folds_and_in_other_units_are_named_as_such(bare: Run) -> None:
    note(bare, record(data="tfd"))
    records = json.loads((bare.folder / "evaluation.json").read_text())
    records[0]["parzen"]["folds"] = [{}] * 5
    (bare.folder / "evaluation.json").write_text(json.dumps(records))
    page = written(dataclasses.replace(bare, data="tfd"))
    assert "5 folds of the test images of tfd" in page.text
    assert "standard error over the folds" in page.text
    assert "the test images of TFD" in page.text
    assert "test images of MNIST" not in page.text


def test_the_table_of_scores_is_sorted(bare: Run) -> None:
    rows = [("training images", 200.0), ("k-means", 300.0), ("mean image", -60.0)]
    calibration = [
        record(nats=nats)["parzen"] | {"name": name, "note": "note"} for name, nats in rows
    ]
    note(bare, record(calibration=calibration))
    text = written(bare).text.partition("best first")[2]
    names = ("k-means", "training images", "this run, averaged G", "mean image")
    assert sorted(names, key=text.index) == list(names)
    assert "−60.0 ± 1.5" in text


def test_published_presets_show_the_raw_generator_and_others_the_averaged_one(quiet: Run) -> None:
    assert "The images are of the averaged generator" in written(quiet).text
    published = dataclasses.replace(quiet, preset="mnist", changed={})
    assert "Figures 2 and 3 are of the raw generator" in written(published).text
    assert "The images are of the averaged" in written(published, weights="averaged").text


def test_settings_that_differ_from_the_published_ones_are_highlighted(bare: Run) -> None:
    page = written(bare)
    marked = [a for a in page.all("tr") if a.get("class") == "differs"]
    differing = list(runs_folder.differences(Settings(ema_decay=0.9995), bare.settings))
    assert len(marked) == len(differing) > 0
    table = page.html.partition('<span class="en">Settings used')[2].partition("</table>")[0]
    assert re.search(
        r"<code>lr</code>.*<td><span class=\"en\">the released mnist.yaml</span>", table
    )
    assert re.search(r"<code>r1</code>.*<td><span class=\"en\">not in the paper</span>", table)


def test_the_page_of_twenty_thousand_rows_is_small(bare: Run, trained: Run) -> None:
    row = metrics.read_metrics(trained.folder)[-1]
    rows = [row | {"round": 50 * i, "d_loss": i % 7} for i in range(1, 20_001)]
    (bare.folder / "metrics.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    assert len(written(bare).html) < 3_000_000


# --- Continuing -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"k": 2, "objective": "minimax", "seed": 7, "lr": 2e-6},
        {"G": GeneratorSettings(hidden=(5,), bias_from_marginals=False), "size": 16, "channels": 3},
    ],
)
def test_the_command_to_continue_gives_the_same_run(
    bare: Run, changes: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    settings = small_settings(**changes)
    folder = bare.folder.parent / "a run; rm -rf"
    run = dataclasses.replace(bare, data="folder:my images", settings=settings, folder=folder)
    words = shlex.split(report.continue_command(run, 40))
    assert words[0] == "advnets"
    assert main([*words[1:], "--dry-run", "--json"]) == 0
    resolved = json.loads(capsys.readouterr().out)
    assert resolved["settings"] == json.loads(json.dumps(settings.to_json()))
    assert (resolved["data"], resolved["preset"]) == (run.data, run.preset)
    assert (resolved["run"], resolved["rounds"]) == (str(folder), 40)


def test_samples_of_user_networks_are_shown_if_the_generator_is_passed(tmp_path: Path) -> None:
    G = nn.Sequential(nn.Linear(5, 36), nn.Sigmoid())
    cadence = Cadence(score_every=10**6)
    settings = small_settings()
    run = train(
        small_data(), settings=settings, run=tmp_path / "own", rounds=2, cadence=cadence, G=G
    )
    page = written(run)
    assert "networks that a program passed in" in page.text
    assert "(Figure 2)" not in page.text
    again = nn.Sequential(nn.Linear(5, 36), nn.Sigmoid())
    before = [p.clone() for p in again.parameters()]
    page = written(run, G=again, weights="raw")
    assert "(Figure 2)" in page.text
    assert all(map(torch.equal, before, again.parameters()))  # a copy is used


# --- Existing reports -----------------------------------------------------------------------------


@pytest.fixture
def reported(whole: tuple[Run, Page], tmp_path: Path) -> Run:
    """A copy of the run that has a report."""
    folder = shutil.copytree(whole[0].folder, tmp_path / "reported")
    return dataclasses.replace(whole[0], folder=folder)


def test_an_up_to_date_report_is_found_until_a_record_changes(reported: Run, bare: Run) -> None:
    assert report.existing_report(bare) is None
    run, page = reported, reported.folder / "report.html"
    assert report.existing_report(run) == page
    assert report.existing_report(run, "averaged") == page
    assert report.existing_report(run, "raw") is None  # it shows the averaged generator
    written_at = page.stat().st_mtime_ns
    checkpoint = max((run.folder / "checkpoints").iterdir()) / "state.json"
    for name in ("settings.json", "metrics.jsonl", "evaluation.json", checkpoint, "samples/x.png"):
        path = run.folder / name
        before = path.stat().st_mtime_ns if path.exists() else 0
        path.touch()
        os.utime(path, ns=(written_at + 1, written_at + 1))
        assert report.existing_report(run) is None, name
        os.utime(path, ns=(before, before))
        assert report.existing_report(run) == page


def test_the_report_of_another_version_is_not_up_to_date(reported: Run) -> None:
    page, mark = reported.folder / "report.html", f"adversarial-nets {__version__}"
    text = page.read_text()
    for version, found in ((mark, page), ("adversarial-nets 0.0", None)):
        page.write_text(text.replace(mark, version))
        assert report.existing_report(reported) == found


def test_finding_an_existing_report_imports_no_torch(whole: tuple[Run, Page]) -> None:
    run = whole[0]
    program = (
        "import sys\nfrom pathlib import Path\n"
        "from adversarial_nets.report import existing_report\n"
        "from adversarial_nets.runs.folder import open_run\n"
        "print(existing_report(open_run(Path(sys.argv[1]))))\n"
        "assert 'torch' not in sys.modules"
    )
    command = [sys.executable, "-c", program, str(run.folder)]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    assert done.stdout.strip() == str(run.folder / "report.html")


# --- User errors ----------------------------------------------------------------------------------


def test_a_damaged_evaluation_is_named(run: Run) -> None:
    for content in ("{", "[{}]", '{"round": 1}', "[1]"):
        (run.folder / "evaluation.json").write_text(content)
        with pytest.raises(UserError, match=r"evaluation\.json is damaged"):
            report.write_report(run, small_data())


def test_a_damaged_picture_is_named(bare: Run, trained: Run) -> None:
    run = bare
    shutil.copytree(trained.folder / "samples", run.folder / "samples", dirs_exist_ok=True)
    picture = run.folder / "samples" / f"round-{2**20:08d}.png"
    (picture.parent / "round-by-hand.png").write_text("of somebody else's")
    good = min(picture.parent.glob("round-0*.png")).read_bytes()
    for content in (b"", good[:100]):
        picture.write_bytes(content)
        with pytest.raises(UserError, match=r"round-01048576\.png is damaged"):
            report.write_report(run, small_data())


def test_if_the_report_cannot_be_written_the_old_one_stays(bare: Run) -> None:
    (bare.folder / "figures").write_text("not a folder")
    (bare.folder / "report.html").write_text("old")
    with pytest.raises(UserError, match="Cannot write"):
        report.write_report(bare, small_data())
    assert (bare.folder / "report.html").read_text() == "old"


def test_an_average_that_was_not_kept_cannot_be_shown(run: Run) -> None:
    plain = dataclasses.replace(run, settings=small_settings(ema_decay=0.0))
    with pytest.raises(UserError, match="averaged"):
        report.write_report(plain, small_data(), weights="averaged")
