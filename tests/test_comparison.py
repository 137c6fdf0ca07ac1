"""Comparison of runs: groups over seeds, differences, identical runs, missing scores."""

import dataclasses
import json
import shlex
import statistics
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from torch import nn

from adversarial_nets.cli.main import main
from adversarial_nets.errors import UserError
from adversarial_nets.evaluation import evaluate
from adversarial_nets.evaluation.compare_runs import compare
from adversarial_nets.evaluation.published import PublishedScore
from adversarial_nets.plots import curves as plots_curves
from adversarial_nets.plots import style
from adversarial_nets.presets import PRESETS
from adversarial_nets.report import commands
from adversarial_nets.runs import folder as runs_folder
from adversarial_nets.runs import metrics
from adversarial_nets.runs.evaluations import read_evaluations
from adversarial_nets.settings import Settings
from adversarial_nets.training.session import train
from small import small_data, small_settings


def record(nats: float = 1.0, seed: int = 0, **other: Any) -> dict[str, Any]:
    """The parts of the output of `advnets evaluate --json` that a comparison reads."""
    settings = Settings(seed=seed, k=other.pop("k", 1)).to_json()
    parzen = {"nats": nats, "se": 0.5, "grid": "paper", "samples": 10_000} | other.pop("parzen", {})
    curve = [{"round": 5, "raw": nats - 9, "averaged": nats - 1}, {"round": 10, "raw": nats}]
    run = {"settings": settings, "curve": curve, "made_with": other.pop("made_with", {})}
    run["fingerprint"] = other.pop("fingerprint", "these images")
    run["own_nets"] = other.pop("own_nets", False)
    return {"data": "mnist", "weights": "raw", "round": 10, "parzen": parzen, "run": run} | other


def files(folder: Path, *records: dict[str, Any]) -> list[Path]:
    paths = [folder / f"{i}.json" for i in range(len(records))]
    for path, content in zip(paths, records, strict=True):
        path.write_text(json.dumps(content))
    return paths


def test_seeds_make_a_group_and_other_settings_another(tmp_path: Path) -> None:
    found = compare(
        files(
            tmp_path,
            *(record(nats, seed) for seed, nats in enumerate((200.0, 210.0, 202.0))),
            *(record(nats, seed, k=2) for seed, nats in enumerate((90.0, 94.0))),
            record(7.0, seed=9, k=3),
        )
    )
    published, other = found.groups
    assert published.names == ("0", "1", "2")
    assert published.mean == pytest.approx(204)
    assert published.spread == pytest.approx(statistics.stdev([200, 210, 202]))
    assert (other.mean, other.spread) == pytest.approx((92, 8**0.5))
    assert (published.seeds, other.seeds) == (3, 2)
    assert found.differences == {"seed": (0, 1, 2, 0, 1, 9), "k": (1, 1, 1, 2, 2, 3)}
    assert found.published is not None
    assert found.published.nats == 225


@pytest.mark.parametrize(
    "other",
    [
        {"round": 20},
        {"weights": "averaged"},
        {"data": "mnist-5k"},
        {"parzen": {"grid": "fine"}},
        {"parzen": {"samples": 1000}},
        {"made_with": {"precision": "bfloat16"}},
        {"made_with": {"optimiser": "Rprop"}},
        {"seed": 0},
    ],
)
def test_no_group_if_more_than_the_seed_differs(tmp_path: Path, other: dict[str, Any]) -> None:
    # In the last case the seed is the same too.
    assert compare(files(tmp_path, record(), record(**({"seed": 1} | other)))).groups == ()


@pytest.mark.parametrize(("images", "groups"), [("these images", 1), ("other images", 0)])
@pytest.mark.parametrize("data", ["folder:x", "array"])
def test_other_images_of_the_user_are_other_data(
    tmp_path: Path, data: str, images: str, groups: int
) -> None:
    one = record(data=data)
    two = record(seed=1, data=data, fingerprint=images)
    assert len(compare(files(tmp_path, one, two)).groups) == groups


@pytest.mark.parametrize(
    "other",
    [{"data": "mnist-5k"}, {"parzen": {"samples": 1000}}, {"parzen": {"grid": "fine"}}],
)
def test_the_published_score_is_shown_only_for_its_protocol(
    tmp_path: Path, other: dict[str, Any]
) -> None:
    assert compare(files(tmp_path, record(), record(seed=1))).published is not None
    assert compare(files(tmp_path, record(), record(seed=1, **other))).published is None


def test_old_records_without_precision_are_float32(tmp_path: Path) -> None:
    old, new = record(), record(seed=1, made_with={"precision": "float32"})
    assert len(compare(files(tmp_path, old, new)).groups) == 1


def test_a_setting_that_differs_in_one_run_is_a_difference(tmp_path: Path) -> None:
    assert compare(files(tmp_path, record(), record(k=2), record())).differences == {"k": (1, 2, 1)}


def test_scores_of_one_seed_count_as_their_mean_in_any_order(tmp_path: Path) -> None:
    paths = files(tmp_path, record(10.0), record(14.0), record(20.0, seed=1))
    for order in (paths, paths[::-1]):
        (group,) = compare(order).groups
        assert (group.seeds, group.mean) == (2, 16)
        assert group.spread == pytest.approx(8 / 2**0.5)


def test_equal_runs_are_identical(tmp_path: Path) -> None:
    other_score, other_seed = record(2.0), record(seed=1)
    found = compare(files(tmp_path, record(), other_score, record(), other_seed, other_seed))
    assert found.identical == (("0", "2"), ("3", "4"))
    assert compare(files(tmp_path, record(), record(seed=1))).identical == ()


def test_runs_without_scores_are_not_called_identical(tmp_path: Path) -> None:
    for name, rounds in (("a", 2), ("b", 3)):
        train(small_data(), settings=small_settings(), rounds=rounds, run=tmp_path / name)
        (tmp_path / name / "metrics.jsonl").unlink()
    found = compare([tmp_path / "a", tmp_path / "b"])
    assert [entry.nats for entry in found.entries] == [None, None]
    assert found.identical == ()


def test_runs_trained_twice_are_identical(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [str(tmp_path / name) for name in ("a", "b")]
    for path in paths:
        train(small_data(), settings=small_settings(), rounds=2, run=path)
    assert main(["compare", *paths, "--out", str(tmp_path / "c.png")]) == 0
    assert "identical: a, b" in capsys.readouterr().out.splitlines()


def test_a_run_that_differs_from_its_preset_is_labelled(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = PRESETS["quickstart"].settings
    for name, lr in (("a", settings.lr), ("b", 0.02)):
        changed = dataclasses.replace(settings, lr=lr)
        train(small_data(), settings=changed, preset="quickstart", rounds=1, run=tmp_path / name)
    published, custom = compare([tmp_path / "a", tmp_path / "b"]).entries
    assert (published.preset, published.changed) == ("quickstart", {})
    assert custom.preset == "custom, from quickstart"
    assert custom.changed == {"lr": (settings.lr, 0.02)}
    capsys.readouterr()
    paths = [str(tmp_path / name) for name in ("a", "b")]
    assert main(["compare", *paths, "--out", str(tmp_path / "c.png")]) == 0
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert f"custom, from quickstart: lr {settings.lr} → 0.02" in lines


def test_the_label_of_an_old_record_is_computed_from_its_settings(tmp_path: Path) -> None:
    """Records of earlier versions have a preset, but no list of changed settings."""
    old = record(k=2)
    old["run"]["preset"] = "mnist"
    known, unknown = compare(files(tmp_path, old, record())).entries
    assert known.preset == "custom, from mnist"
    assert known.changed["k"] == (1, 2)
    assert unknown.preset == "an unknown preset"


def test_names_are_as_they_were_given(tmp_path: Path) -> None:
    for name in ("lr0.1", "lr0.2"):
        train(small_data(), settings=small_settings(), rounds=2, run=tmp_path / name)
    (tmp_path / "latest").symlink_to(tmp_path / "lr0.2")
    found = compare([tmp_path / "lr0.1", tmp_path / "latest"])
    assert [entry.name for entry in found.entries] == ["lr0.1", "latest"]
    with pytest.raises(UserError, match="given twice"):
        compare([tmp_path / "lr0.2", tmp_path / "latest"])


def test_a_folder_gives_the_same_entry_as_its_file(tmp_path: Path) -> None:
    data = small_data()
    made = [
        train(data, settings=small_settings(seed=seed), rounds=4, run=tmp_path / f"s{seed}" / "run")
        for seed in (0, 1)
    ]
    folders = [run.folder for run in made]
    for run in made:
        evaluate(run, data, weights="averaged", samples=30, calibration=False)
        # These two scores are not the one requested below.
        evaluate(run, data, weights="averaged", grid="fine", samples=30, calibration=False)
        evaluate(run, data, weights="raw", samples=30, calibration=False)
    scored = compare(folders, "averaged")
    assert [entry.name for entry in scored.entries] == ["s0/run", "s1/run"]
    assert scored.groups[0].names == ("s0/run", "s1/run")
    assert scored.published is None
    printed = [
        found.to_json() | {"run": runs_folder.history(run)}
        for run in made
        for found in [evaluate(run, data, weights="averaged", samples=30, calibration=False)]
    ]
    again = compare(files(tmp_path, *printed))
    for one, other in zip(scored.entries, again.entries, strict=True):
        assert dataclasses.replace(one, name="") == dataclasses.replace(other, name="")
    for run in made:
        (run.folder / "evaluation.json").unlink()
    unscored = compare(folders, grid="fine")
    assert [entry.nats for entry in unscored.entries] == [None, None]
    assert unscored.groups == ()


def test_the_newest_score_counts(tmp_path: Path) -> None:
    data = small_data()
    run = train(data, settings=small_settings(), rounds=4, run=tmp_path / "run")
    evaluate(run, data, samples=30, calibration=False)
    train(data, settings=small_settings(), rounds=8, run=tmp_path / "run")
    evaluate(run, data, samples=30, calibration=False)
    other = files(tmp_path, record())[0]
    assert compare([other, run.folder]).entries[1].round == 8


def test_mistakes_are_explained(tmp_path: Path) -> None:
    good, other = files(tmp_path, record(), record(seed=1))
    (tmp_path / "binary.npz").write_bytes(bytes(range(256)) * 400)
    with pytest.raises(UserError, match=r"\(it is not a text file\)") as refused:
        compare([good, tmp_path / "binary.npz"])
    assert len(str(refused.value)) < 300
    with pytest.raises(UserError, match="1 run is given; give two or more"):
        compare([good])
    with pytest.raises(UserError, match="given twice"):
        compare([good, other, good])
    with pytest.raises(UserError, match="not a run's folder"):
        compare([good, tmp_path])
    damaged = [record(seed=1) for _ in range(12)]
    damaged[8]["round"] = float("inf")
    damaged[9]["parzen"]["nats"] = 10**400
    damaged[10]["weights"] = None
    damaged[11]["parzen"]["se"] = -1.0
    damaged[0]["parzen"]["nats"] = float("nan")
    damaged[1]["parzen"]["se"] = "none"
    damaged[2]["round"] = "last"
    damaged[3]["run"]["curve"] = 5
    damaged[4]["run"]["curve"] = [{"round": 5, "raw": "9"}]
    damaged[5]["run"]["made_with"] = []
    damaged[6]["run"]["settings"] = 3
    del damaged[7]["data"]
    for content in ("no JSON", "[]", "{}", *map(json.dumps, damaged)):
        other.write_text(content)
        with pytest.raises(UserError, match=r"is not the output of|this version's form"):
            compare([good, other])


def test_a_damaged_folder_is_explained(tmp_path: Path) -> None:
    run = train(small_data(), settings=small_settings(), rounds=4, run=tmp_path / "run")
    other = files(tmp_path, record())[0]
    score = {"round": 4, "weights": "raw", "parzen": {"curve": [1], "grid": "paper", "samples": 5}}
    for broken in ({"a": 1}, [{"round": 1}], [score], [{**score, "parzen": {"grid": "paper"}}]):
        (run.folder / "evaluation.json").write_text(json.dumps(broken))
        with pytest.raises(UserError, match="is damaged"):
            compare([other, run.folder])
    (run.folder / "evaluation.json").unlink()
    metrics.append_metrics(run.folder, {"round": 5, "scores": None})
    with pytest.warns(UserWarning, match="Damaged lines of .* are left out: 2"):
        found = compare([other, run.folder])
    assert [point["round"] for point in found.entries[1].curve] == [4]


@pytest.mark.draws
def test_the_command_prints_and_draws(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    paths = list(map(str, files(tmp_path, record(200.0), record(210.0, seed=1))))
    assert main(["compare", *paths, "--out", "new/c.png"]) == 0
    said = capsys.readouterr().out
    assert "mean of 2 seeds 205.0, standard deviation 7.1: 0, 1" in said
    assert "published 225 ± 2" in said
    with Image.open("new/c.png") as picture:
        assert picture.width > 600
    assert main(["compare", *paths, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [entry["nats"] for entry in found["entries"]] == [200, 210]
    assert found["groups"][0]["mean"] == 205
    assert found["picture"] is None
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".png"] == []
    assert main(["compare", *paths, "--out", "c.gif"]) == 2


def test_columns_are_aligned_in_the_width_of_a_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("数据", "run"):
        train(small_data(), settings=small_settings(), rounds=1, run=tmp_path / name)
    capsys.readouterr()
    assert main(["compare", *(str(tmp_path / name) for name in ("数据", "run"))]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition("small,")[0] for line in lines if "small," in line] == [
        "数据  ",
        "run   ",
    ]


def test_the_command_reads_the_requested_scores(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = small_data()
    paths = [str(tmp_path / name) for name in ("a", "b")]
    for seed, path in enumerate(paths):
        run = train(data, settings=small_settings(seed=seed, k=1 + seed), rounds=3, run=path)
    evaluate(run, data, weights="averaged", grid="fine", samples=30, calibration=False)
    score = read_evaluations(run.folder)[0]["parzen"]
    capsys.readouterr()
    picture = str(tmp_path / "c.png")
    how = ["--weights", "averaged", "--grid", "fine"]
    assert main(["compare", *paths, *how, "--out", picture]) == 0
    lines = [x for x in capsys.readouterr().out.splitlines() if "custom, from" not in x]
    what = "small, averaged G, grid fine  "
    assert lines[0] == f"a  {what}no score of this kind"
    call = f"an.evaluate({paths[0]!r}, data=data, weights='averaged', grid='fine')"
    assert f"Make the score of a with: {call}" in lines  # only this program has the images
    run = dataclasses.replace(run, data="mnist-5k")
    command = shlex.join(["advnets", "evaluate", paths[1], *how])
    assert commands.evaluate_command(run, "averaged", "fine") == command
    nats = f"{score['nats']:8.1f} ± {score['se']:.1f} nats of 30 samples"
    assert lines[1] == f"b  {what}round {3:9}  {nats}"
    assert [line.split() for line in lines[2:6]] == [
        ["round", "None", "|", "3"],
        ["samples", "None", "|", "30"],
        ["k", "1", "|", "2"],
        ["seed", "0", "|", "1"],
    ]


def test_runs_of_different_data_share_no_picture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = map(str, files(tmp_path, record(), record(data="cifar10")))
    assert main(["compare", *paths, "--out", str(tmp_path / "c.png")]) == 0
    assert "No picture" in capsys.readouterr().out
    assert not (tmp_path / "c.png").exists()


def test_your_own_networks_are_a_difference(tmp_path: Path) -> None:
    def G() -> nn.Module:
        return nn.Sequential(nn.Linear(5, 36), nn.Sigmoid())

    data = small_data()
    published = train(data, settings=small_settings(), rounds=2, run=tmp_path / "a")
    own = train(data, settings=small_settings(seed=1), rounds=2, run=tmp_path / "b", G=G())
    for run, net in ((published, None), (own, G())):
        evaluate(run, data, samples=30, calibration=False, G=net)
    found = compare([published.folder, own.folder])
    assert found.groups == ()
    assert found.differences == {"seed": (0, 1), "own G": (None, "own")}


def test_seeds_of_different_networks_of_your_own_are_not_averaged(tmp_path: Path) -> None:
    layers = nn.Linear(5, 36), nn.Sigmoid(), nn.Identity()
    G = nn.Sequential(*layers)
    a = record(made_with={"G": repr(G), "D": "Net at 0x1()"}, own_nets=True)
    b = record(seed=1, made_with={"G": repr(G), "D": "Net at 0x2()"}, own_nets=True)
    tanh = nn.Sequential(layers[0], nn.Tanh(), layers[2])
    c = record(seed=2, made_with={"G": repr(tanh), "D": "Net at 0x3()"}, own_nets=True)
    old = record(seed=3, own_nets=True)
    found = compare(files(tmp_path, a, b, c, old))
    assert [group.names for group in found.groups] == [("0", "1")]
    assert found.differences["own G"][:3] == ("(1): Sigmoid()",) * 2 + ("(1): Tanh()",)
    same = compare(files(tmp_path, old, record(seed=4, own_nets=True)))  # as before
    assert [group.names for group in same.groups] == [("0", "1")]
    again = nn.Sequential(*layers, nn.Identity())
    d = record(made_with={"G": repr(G)}, own_nets=True)
    e = record(made_with={"G": repr(again).replace("(3)", "(2)")}, own_nets=True)
    found = compare(files(tmp_path, d, e))
    assert found.differences["own G"] == ("own", "the same layers in another order or number")


@pytest.mark.draws
def test_each_run_has_its_line_in_each_panel() -> None:
    curves = {
        name: [
            {"round": 5.0, "raw": end - depth, "averaged": end - 1},
            {"round": 10.0, "raw": end},
        ]
        for name, end, depth in (("a", 200.0, 9.0), ("b", 180.0, 900.0))
    }
    curves["_$\\frac{$"] = [{"round": 0.0, "averaged": 150.0}]
    figure = plots_curves.plot_comparison(curves, PublishedScore("theirs", 225.0, 2.0, "a paper"))
    assert style.to_png(figure)
    raw, averaged = (
        [np.asarray(line.get_xydata()).tolist() for line in axes.get_lines()]
        for axes in figure.axes
    )
    for lines in (raw, averaged):
        assert lines.pop() == [[0, 225], [1, 225]]
    assert raw == [[[5, 191], [10, 200]], [[5, -720], [10, 180]]]
    assert averaged == [[[5, 199]], [[5, 179]], [[0, 150]]]
    assert figure.axes[0].get_ylim()[0] == 30  # 150 nats below the lowest end
    assert [axes.get_legend() for axes in figure.axes] == [None, None]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == list(curves)
    raw_colours, colours = (
        [line.get_color() for line in axes.get_lines()[:3]] for axes in figure.axes
    )
    assert len(set(colours)) == 3
    assert raw_colours[:2] == colours[:2]
    assert [line.get_marker() for line in figure.axes[0].get_lines()[:2]] == ["None", "None"]
    assert {line.get_marker() for line in figure.axes[1].get_lines()[:3]} == {"o"}
    assert [axes.get_ylabel()[:3] for axes in figure.axes] == ["raw", "ave"]


@pytest.mark.draws
def test_many_names_fit_their_legend() -> None:
    curves = {f"a run with a long name, {i}": [{"round": 1.0, "raw": 1.0 * i}] for i in range(30)}
    figure = plots_curves.plot_comparison(curves)
    style.to_png(figure)
    legend = figure.legends[0].get_window_extent()
    assert figure.bbox.x0 <= legend.x0 < legend.x1 <= figure.bbox.x1
    assert figure.bbox.y0 <= legend.y0 < legend.y1 <= figure.bbox.y1
    assert figure.axes[0].get_window_extent().width > 2.5 * figure.dpi
    looks = {(line.get_color(), line.get_linestyle()) for line in figure.axes[0].get_lines()}
    assert len(looks) == 28  # seven colours in four dashes, and then again


def test_a_run_of_which_nothing_is_held_out_has_no_score(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No command could make one, so none is named."""
    data = dataclasses.replace(small_data(), held_out=False)
    settings = dataclasses.replace(small_settings(), train_on_all=True)
    for name in ("one", "two"):
        train(data, settings=settings, run=tmp_path / name, rounds=1, progress=False)
    capsys.readouterr()
    assert main(["compare", str(tmp_path / "one"), str(tmp_path / "two")]) == 0
    found = capsys.readouterr().out
    assert found.count("no score: all images were trained on") == 2
    assert "advnets evaluate" not in found
