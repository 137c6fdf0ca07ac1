"""Parts are made once; the page states what is missing and which runs are not published ones."""

import dataclasses
import functools
import importlib
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from matplotlib.figure import Figure
from torch import Tensor

from adversarial_nets import datasets
from adversarial_nets.cli.main import main
from adversarial_nets.errors import DataNotFound, Stopped
from adversarial_nets.paper import training_claims
from adversarial_nets.paper.reproduce import (
    PARTS,
    Context,
    Part,
    Record,
    Reproduction,
    Result,
    claim_parts,
    register,
    reproduce,
    section7_parts,
    training_parts,
)
from adversarial_nets.paper.reproduce.records import checksum, done, read_record, write_record
from adversarial_nets.plots import sheets
from adversarial_nets.presets import PRESETS
from adversarial_nets.runs import folder as runs_folder
from adversarial_nets.training.session import train
from html_page import Page
from small import small_data, small_settings
from two_languages import NAMES_OF_THE_REPRODUCTION, check_languages


def test_the_function_of_every_part_exists() -> None:
    """They are named by text, so that listing the parts needs no torch."""
    for name, part in PARTS.items():
        assert isinstance(part.make, functools.partial)
        module, made = part.make.args
        assert made == name
        found = importlib.import_module(f"adversarial_nets.paper.reproduce.{module}")
        assert callable(getattr(found, name.replace("-", "_"))), name


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a few rounds with narrow networks on the included digits."""
    s = PRESETS["quickstart"].settings
    narrow = dataclasses.replace(
        s, G=dataclasses.replace(s.G, hidden=(16,)), D=dataclasses.replace(s.D, units=(8,))
    )
    folder = tmp_path_factory.mktemp("runs") / "digits"
    train("mnist-5k", preset="quickstart", settings=narrow, run=folder, rounds=20)
    return folder


def test_parts_are_in_the_papers_order() -> None:
    figures = [n for n in PARTS if n.startswith(("figure", "table"))]
    assert figures[0] == "figure1"
    assert figures[1] == "table1"
    assert figures[2:6] == ["figure2a", "figure2b", "figure2c", "figure2d"]
    assert figures[6:] == ["figure3", "table2"]
    sections = [part.section for part in PARTS.values()]
    assert sections == sorted(sections)


def test_the_quick_profile_trains_on_the_included_digits_in_folders_of_its_own(
    tmp_path: Path, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []

    def spy(data: datasets.Dataset, **options: Any) -> runs_folder.Run:
        made.append((data.name, options["run"].name, options["preset"], options["rounds"]))
        return runs_folder.open_run(run)

    monkeypatch.setattr(training_parts, "train", spy)
    context = Context(tmp_path, seed=3)
    training_parts.run_of("figure2a", context)
    section7_parts._trained("filling-in", datasets.load("mnist-5k"), context)
    assert made == [
        ("mnist-5k", "quick-mnist-5k-3", "quickstart-2014", 3000),
        ("mnist-5k", "mnist-5k-filling-in-3", "filling-in", 2500),
    ]


def test_a_subset_is_made_and_the_others_are_shown_as_not_run(
    tmp_path: Path, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # away from the recorded results
    out = tmp_path / "out"
    use = {"figure2a": run}
    found = reproduce(out, parts=["figure2a", "figure2b", "figure3", "table2"], use=use)
    by_name = {part.name: part for part in found.parts}
    assert list(by_name) == list(PARTS)
    assert by_name["figure2a"].status == by_name["figure3"].status == "done"
    assert "averaged G at round 20: " in by_name["figure2a"].ours  # which weights were scored
    assert "nats" in by_name["figure2a"].ours
    assert "no published score is comparable" in " ".join(by_name["figure2a"].notes)
    assert by_name["table2"].tables[0][0]["steps per sample"] == "1"
    assert by_name["figure2b"].status == "not run"  # the quick profile has no TFD
    assert "--profile full" in by_name["figure2b"].ours
    where = f"--out {out}"
    assert by_name["theory"].ours == f"not run; run it with: advnets paper reproduce theory {where}"
    full = f"advnets paper reproduce figure2d --profile full {where}"
    assert by_name["figure2d"].ours == f"not run; run it with: {full}"
    remake = f"--profile quick --use figure2a={run} --seed 0 {where}"
    assert by_name["figure3"].made_with["command"] == f"advnets paper reproduce figure3 {remake}"

    page = Page(found.html.read_text())
    check_languages(page, [*NAMES_OF_THE_REPRODUCTION, "mlxtend", "CPU", "G.hidden", "D.units"])
    sources = [a["src"] or "" for _, a in page.elements if "src" in a]
    sources += [a["href"] or "" for name, a in page.elements if name != "a" and "href" in a]
    assert all(source.startswith("data:") for source in sources)
    links = [a["href"] or "" for a in page.all("a")]
    for link in links:
        if link.startswith("#"):
            assert f'id="{link[1:]}"' in page.html
        else:
            assert (out / link).is_file()
    assert sum(not link.startswith("#") for link in links) >= 2  # the run's own report
    order = [page.html.index(f'<h2 id="{name}"') for name in PARTS]
    assert order == sorted(order)

    # Once made, parts are read and not made again.
    again = reproduce(out, parts=["figure2a", "figure3"], use=use)
    assert [p.made_with for p in again.parts] == [p.made_with for p in found.parts]


def part_of(found: Reproduction, name: str) -> Record:
    """The record of that name."""
    (part,) = (part for part in found.parts if part.name == name)
    return part


@pytest.fixture
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every training takes four rounds with narrow networks on small images."""
    small = small_settings()
    below = dataclasses.replace(small.G, hidden=(7, 5, *small.G.hidden), activations=("relu",) * 4)
    for name in ("quickstart", "tfd", "tfd-stage2"):
        settings = dataclasses.replace(small, G=below) if name == "tfd-stage2" else small
        tiny = dataclasses.replace(PRESETS[name], settings=settings, epochs=None, rounds=4)
        monkeypatch.setitem(PRESETS, name, tiny)
    monkeypatch.setattr(training_parts, "QUICK_ROUNDS", 4)

    def load(name: str, **_: object) -> datasets.Dataset:
        if name == "tfd":
            raise DataNotFound("TFD is not here.")
        return dataclasses.replace(small_data(), name=name)

    monkeypatch.setattr(datasets, "load", load)


@pytest.mark.usefixtures("_tiny")
@pytest.mark.draws
def test_the_full_profile_trains_both_stages_and_states_that_the_data_differ(
    tmp_path: Path,
) -> None:
    found = reproduce(tmp_path, parts=["figure2b"], profile="full", seed=3)
    part = part_of(found, "figure2b")
    stage1, stage2 = (tmp_path / "runs" / f"tfd-standin-{p}-3" for p in ("tfd", "tfd-stage2"))
    assert part.run == str(stage2)
    assert runs_folder.open_run(stage2).info["onto"] == str(stage1)
    assert (
        runs_folder.open_run(stage1).settings.seed
        == runs_folder.open_run(stage2).settings.seed
        == 3
    )
    assert "tfd-standin (preset tfd-stage2), raw G at round 4" in part.ours
    assert part.ours.endswith("not comparable with the published number")
    assert any("no published score is comparable" in note for note in part.notes)
    assert (tmp_path / "parts" / "figure2b.png").stat().st_size > 1000


@pytest.mark.usefixtures("_tiny")
def test_another_seed_makes_another_run(tmp_path: Path) -> None:
    a, b = (
        part_of(reproduce(tmp_path, parts=["figure2a"], seed=seed), "figure2a") for seed in (0, 1)
    )
    assert (a.made_with["seed"], b.made_with["seed"]) == (0, 1)
    assert a.run != b.run
    assert a.ours != b.ours


@pytest.mark.slow
@pytest.mark.usefixtures("_tiny")
@pytest.mark.usefixtures("_own_parts")
def test_only_again_replaces_a_full_part_by_a_quick_one(tmp_path: Path) -> None:
    register(
        Part("mine", "Mine", "§4", "nothing", lambda _: Result("found"), differs_by_profile=True)
    )
    full = reproduce(tmp_path, parts=["mine"], profile="full")
    later = reproduce(tmp_path, parts=["mine"])
    assert part_of(later, "mine") == part_of(full, "mine")
    assert "set again (--again) to replace it" in later.kept["mine"]
    assert "--profile full" in later.kept["mine"]
    quick = reproduce(tmp_path, parts=["mine"], again=True)
    assert part_of(quick, "mine").made_with["profile"] == "quick"
    assert not quick.kept


def test_a_continued_run_is_shown_again(tmp_path: Path) -> None:
    s, folder = small_settings(), tmp_path / "run"
    use = {"figure2a": folder}
    out = tmp_path / "out"
    for rounds in (2, 3):
        train("mnist-5k", settings=s, run=folder, rounds=rounds)
        found = reproduce(out, parts=["figure3"], use=use)
        assert f"round {rounds}" in part_of(found, "figure3").ours
    later = reproduce(out, parts=["figure3"])
    assert "round 3" in part_of(later, "figure3").ours  # a given run is not replaced unasked
    assert later.kept.keys() == {"figure3"}


def test_a_run_that_was_trained_again_is_another_one(tmp_path: Path) -> None:
    found = set()
    for seed in (0, 1):
        settings = small_settings(seed=seed)
        train(small_data(), settings=settings, run=tmp_path, rounds=1, restart=bool(seed))
        found.add(checksum(tmp_path))
        assert checksum(tmp_path) in found
    assert len(found) == 2


@pytest.mark.usefixtures("_tiny", "_own_parts")
def test_the_page_is_written_if_a_training_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise Stopped(2, 7)

    monkeypatch.setattr(training_parts, "train", stopped)
    register(Part("mine", "Mine", "§4", "nothing", lambda context: Result("what I found")))
    with pytest.raises(Stopped):
        reproduce(tmp_path, parts=["mine", "figure2a"])
    page = (tmp_path / "reproduction.html").read_text()
    assert "what I found" in page
    (tmp_path / "reproduction.html").unlink()
    found = reproduce(tmp_path, show=True)
    assert found.html.read_text() == page
    assert part_of(found, "figure2a").status == "not run"


def test_figure_3_shows_several_lines(
    tmp_path: Path, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn, draw = [], sheets.plot_figure3

    def watched(images: Tensor, data: datasets.Dataset) -> Figure:
        drawn.append(images)
        return draw(images, data)

    monkeypatch.setattr(sheets, "plot_figure3", watched)
    reproduce(tmp_path, parts=["figure3"], use={"figure2a": run})
    rows, columns = drawn[0].shape[:2]
    assert rows >= 2
    assert columns >= 8


def mnist_run(folder: Path, **how: Any) -> Path:
    """A run of one round on small images that are named mnist."""
    train(dataclasses.replace(small_data(), name="mnist"), run=folder, rounds=1, **how)
    return folder


@pytest.fixture
def _small_mnist(monkeypatch: pytest.MonkeyPatch) -> None:
    """The preset mnist has narrow networks, and the data set mnist is a small one."""
    preset = dataclasses.replace(PRESETS["mnist"], settings=small_settings())
    monkeypatch.setitem(PRESETS, "mnist", preset)
    data = dataclasses.replace(small_data(), name="mnist")
    monkeypatch.setattr(datasets, "load", lambda name, **_: data)


@pytest.mark.usefixtures("_small_mnist")
def test_only_the_published_experiment_on_its_data_is_shown_without_qualification(
    tmp_path: Path,
) -> None:
    """And a part that fails later keeps its record."""
    use = dict.fromkeys(("figure2a", "figure2b"), mnist_run(tmp_path / "run"))
    found = reproduce(tmp_path, parts=list(use), use=use)
    digits, faces = (part_of(found, name) for name in use)
    assert digits.ours.startswith("mnist (preset mnist), raw G at round 1: ")
    assert "published" not in digits.ours
    assert len(digits.notes) == 1  # the provenance of the data
    assert faces.ours.endswith("not comparable with the published number")
    assert "not the published experiment" in faces.ours
    assert "no published score is comparable" in " ".join(faces.notes)
    later = reproduce(tmp_path, parts=["figure2b"])  # not in the quick profile
    assert part_of(later, "figure2b") == faces
    assert "figure2b" in later.kept


@pytest.mark.usefixtures("_small_mnist")
@pytest.mark.parametrize(
    ("how", "difference"),
    [
        ({"settings": small_settings(lr=0.05, seed=3)}, "lr 0.1 → 0.05"),
        ({"optimiser": torch.optim.RMSprop}, "optimiser sgd → RMSprop"),
    ],
    ids=["settings", "optimiser"],
)
def test_a_custom_run_is_not_shown_as_the_published_experiment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: dict[str, Any], difference: str
) -> None:
    monkeypatch.chdir(tmp_path)  # away from the recorded results, so that table2 times the run
    use = {"figure2a": mnist_run(tmp_path / "run", **how)}
    found = reproduce(tmp_path, parts=["figure2a", "figure3", "table2"], use=use)
    for name in ("figure2a", "figure3", "table2"):
        part = part_of(found, name)
        assert "custom, from mnist" in part.ours
        assert f"It differs from the preset in: {difference}." in " ".join(part.notes)
    assert "; not the published experiment" in part_of(found, "figure2a").ours
    assert Page(found.html.read_text()).text.count(difference) == 3


@pytest.mark.usefixtures("_small_mnist")
def test_a_run_with_networks_of_a_program_is_not_the_published_experiment(tmp_path: Path) -> None:
    G = torch.nn.Sequential(torch.nn.Linear(5, 36), torch.nn.Sigmoid())
    run = mnist_run(tmp_path / "run", G=G)
    found = reproduce(tmp_path, parts=["figure2a"], use={"figure2a": run})
    assert part_of(found, "figure2a").status == "not run"  # only the program can rebuild G
    (caveat,) = training_parts.caveats(runs_folder.open_run(run), "figure2a")
    assert caveat.startswith("The run is custom, from mnist.")
    assert "G of the preset → passed in by a program" in caveat


@pytest.mark.usefixtures("_own_parts")
def test_a_part_is_made_again_only_if_what_it_shows_changes(tmp_path: Path, run: Path) -> None:
    def make(context: Context) -> Result:
        Figure().savefig(context.folder / "mine.png")
        return Result("found", pictures=("mine.png",))

    register(Part("mine", "Mine", "§4", "nothing", make))
    reproduce(tmp_path, parts=["mine"])
    record = tmp_path / "parts" / "mine.json"
    before = record.read_bytes()
    reproduce(tmp_path, parts=["mine"], use={"figure2a": run})
    assert record.read_bytes() == before
    (tmp_path / "parts" / "mine.png").unlink()
    page = reproduce(tmp_path, parts=["figure3"], use={"figure2a": run})
    (mine,) = (part for part in page.parts if part.name == "mine")
    assert (mine.status, "mine.png is missing" in mine.ours) == ("not run", True)
    reproduce(tmp_path, parts=["mine"])
    assert (tmp_path / "parts" / "mine.png").is_file()


def test_missing_data_is_reported_and_the_other_parts_are_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADVNETS_DATA", str(tmp_path))
    monkeypatch.chdir(tmp_path)  # away from the recorded results
    out = tmp_path / "out"
    found = reproduce(out, parts=["figure2b", "table1"], profile="full")
    said = {part.name: part.ours for part in found.parts}
    assert said["figure2b"].startswith("not run: The Toronto Face Database was not found")
    assert "The TFD stand-in was not found" in said["figure2b"]
    assert said["table1"].startswith("not run: No results of the other models are recorded")


def test_table_1_shows_the_recorded_rows(tmp_path: Path) -> None:
    rows = [
        {
            "model": name,
            "dataset": "mnist",
            "grid": "paper",
            "nats": nats,
            "se": 1.0,
            "sigma": 0.2,
            "published": published,
            "samples_per_second": rate,
            "steps_per_sample": 1.0,
        }
        for name, nats, published, rate in (
            ("VAE", 250.0, 290.0, 5000.0),
            ("Adversarial autoencoder", 328.0, 340.0, 7000.0),
            ("Adversarial nets", 164.5, 225.0, 9000.0),
            ("mean image", -59.0, None, None),
        )
    ]
    rows[1] |= {"states_in_class": 1.12, "seeds": 3, "spread": 2.5}
    path = tmp_path / "table1.json"
    path.write_text(json.dumps({"rows": rows}))
    use = {"table1": path}
    found = reproduce(tmp_path / "out", parts=["table1", "table2"], use=use)
    by_name = {part.name: part for part in found.parts}
    assert by_name["table1"].ours == "4 rows; Adversarial nets 164.5 ± 1.0"
    assert [row["published"] for row in by_name["table1"].tables[0]] == ["290", "340", "225", ""]
    assert by_name["table2"].ours.startswith("Adversarial nets: 9,000 samples per second")
    assert [row["model"] for row in by_name["table2"].tables[0]] == [
        "VAE",
        "Adversarial autoencoder",
        "Adversarial nets",
    ]
    shown = by_name["table2"].tables[0][1]
    assert shown["successive samples of one class"] == "1.1"
    assert shown["nats, ± over seeds"] == "328.0 ± 2.5, 3 seeds"
    path.write_text(json.dumps({"rows": rows[:2]}))
    found = reproduce(tmp_path / "out", parts=["table1"], use=use)
    assert part_of(found, "table1").ours.startswith("2 rows")  # the file has changed


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (None, "is not a file that advnets paper table1 wrote"),
        ([], "has no rows yet"),
        ([{"nats": None}], "is not a file that advnets paper table1 wrote"),
        ([{"model": "x", "dataset": "y"}], "is not a file that advnets paper table1 wrote"),
    ],
    ids=range(4),
)
def test_a_damaged_or_empty_table_is_reported(tmp_path: Path, rows: object, words: str) -> None:
    path = tmp_path / "table1.json"
    path.write_text(json.dumps({} if rows is None else {"rows": rows}))
    use = {"table1": path}
    found = reproduce(tmp_path / "out", parts=["table1", "table2"], use=use)
    for name in ("table1", "table2"):
        assert words in part_of(found, name).ours


def test_table_2_times_a_run_if_no_row_was_timed(tmp_path: Path, run: Path) -> None:
    row = dict.fromkeys(("published", "samples_per_second", "steps_per_sample"))
    row |= {"model": "mean image", "dataset": "mnist", "grid": "paper", "nats": -59.0, "se": 1.0}
    path = tmp_path / "table1.json"
    path.write_text(json.dumps({"rows": [row | {"sigma": 0.2}]}))
    use = {"table1": path, "figure2a": run}
    found = reproduce(tmp_path / "out", parts=["table2"], use=use)
    words = "Adversarial nets (custom, from quickstart): "
    assert part_of(found, "table2").ours.startswith(words)


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str], run: Path) -> None:
    args = ["reproduce", "figure3", "--out", str(tmp_path), "--use", f"figure2a={run}"]
    assert main([*args, "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert Path(printed["html"]).is_file()
    assert [set(part) for part in printed["parts"]] == [
        {"name", "status", "ours", "published"}
    ] * len(PARTS)
    for bad, words in (
        (["reproduce", "figure4"], "Did you mean figure"),
        (["reproduce", "--use", "figure2a"], "must be PART=RUN"),
        (["reproduce", "theory", "--use", "figure2a=x", "--use", f"figure2b={run}"], "x is not"),
        (["reproduce", "--use", "figure9=x"], "no part named"),
        (["reproduce", "--use", "theory=x"], "was given for theory"),
        (["reproduce", "figure3", "--use", f"figure2a={run}x"], "is not a run's folder"),
        (["reproduce", "table2", "--use", f"table1={run}x"], "cannot be read"),
    ):
        assert main([*bad, "--out", str(tmp_path)]) == 2
        assert words in capsys.readouterr().err
    (tmp_path / "parts" / "figure3.json").write_text("{")
    assert main(args) == 2
    assert "is damaged" in capsys.readouterr().err


def test_records_keep_every_field(tmp_path: Path) -> None:
    context = Context(tmp_path)
    context.folder.mkdir()
    (context.folder / "x.png").write_bytes(b"")
    result = Result("x", notes=("a",), tables=(({"b": 1},),), pictures=("x.png",), run="runs/r")
    record = done(PARTS["theory"], result, {"seed": 3})
    write_record(record, context)
    assert read_record("theory", context) == record
    assert (record.status, record.published) == ("done", PARTS["theory"].published)


@pytest.mark.parametrize(
    ("name", "rows", "said"),
    [
        (
            "gradients",
            [
                {"round": 1, "ratio": 1.0, "D(G(z))": 0.5},
                {"round": 9, "ratio": 80.0, "D(G(z))": 0.02},
            ],
            "up to 80 times as long (round 9, D(G(z)) 0.02)",
        ),
        (
            "steps",
            [
                {"k": 1, "gap": 0.01, "Parzen, nats": 5.0},
                {"k": 20, "gap": 0.2, "Parzen, nats": -5.0},
            ],
            "above V on held-out images (k = 20); with equally many updates of D, k = 1 has",
        ),
        (
            "head-start",
            [{"head start": 5, "rounds": 30, "round 30": -1.0}],
            "-1.0 after 5 rounds of G alone",
        ),
        (
            "parzen-spread",
            [
                {"dimensions": 100, "samples": n, "error": e, "spread": 0.5}
                for n, e in ((10, -9.0), (1000, -7.0))
            ],
            "100 dimensions and 1,000 samples: 7 nats below",
        ),
        (
            "helvetica",
            [{"round": 2500, "digits, both learn": 10, "digits, D stands still": 4}],
            "10 with both networks trained, 4 with D frozen",
        ),
    ],
)
def test_a_claims_table_is_summed_up_in_one_phrase(
    name: str, rows: list[dict[str, Any]], said: str
) -> None:
    assert said in claim_parts.SUMMARIES[name](rows)
    assert claim_parts.SUMMARIES.keys() == training_claims.CLAIMS.keys()
