"""The whole paper: parts are made once, honest about what is missing, and put on one page."""

import dataclasses
import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure
from torch import Tensor

from adversarial_nets import datasets
from adversarial_nets.cli.main import main
from adversarial_nets.errors import DataNotFound, Stopped
from adversarial_nets.paper import reproduce, training_claims
from adversarial_nets.paper.reproduce import PARTS, Part
from adversarial_nets.plots import sheets
from adversarial_nets.presets import PRESETS
from adversarial_nets.runs import folder as runs_folder
from adversarial_nets.training.session import train
from small import small_data, small_settings


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few rounds of narrow nets on the embedded digits."""
    s = PRESETS["quickstart"].settings
    narrow = dataclasses.replace(
        s, G=dataclasses.replace(s.G, hidden=(16,)), D=dataclasses.replace(s.D, units=(8,))
    )
    folder = tmp_path_factory.mktemp("runs") / "digits"
    train("mnist-5k", preset="quickstart", settings=narrow, run=folder, rounds=20)
    return folder


class Links(HTMLParser):
    """What a page would fetch, and where its links go."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.sources: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "a":
            self.links.append(found["href"] or "")
        elif "src" in found or "href" in found:
            self.sources.append(found.get("src") or found.get("href") or "")


def test_parts_are_in_the_papers_order() -> None:
    figures = [n for n in PARTS if n.startswith(("figure", "table"))]
    assert figures[0] == "figure1"
    assert figures[1] == "table1"
    assert figures[2:6] == ["figure2a", "figure2b", "figure2c", "figure2d"]
    assert figures[6:] == ["figure3", "table2"]
    sections = [part.section for part, _ in PARTS.values()]
    assert sections == sorted(sections)


def test_a_subset_is_made_and_the_rest_says_so(
    tmp_path: Path, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # away from the recorded results
    out = tmp_path / "out"
    use = {"figure2a": run}
    found = reproduce.reproduce(out, parts=["figure2a", "figure2b", "figure3", "table2"], use=use)
    by_name = {part.name: part for part in found.parts}
    assert list(by_name) == list(PARTS)
    assert by_name["figure2a"].status == by_name["figure3"].status == "done"
    assert "averaged G at round 20: " in by_name["figure2a"].ours  # whose score it is
    assert "nats" in by_name["figure2a"].ours
    assert "no published number compares" in " ".join(by_name["figure2a"].notes)
    assert by_name["table2"].tables[0][0]["steps per sample"] == "1"
    assert by_name["figure2b"].status == "not run"  # the quick profile has no faces
    assert "--profile full" in by_name["figure2b"].ours
    where = f"--out {out}"
    assert by_name["theory"].ours == f"not run; run it with: advnets reproduce theory {where}"
    full = f"advnets reproduce figure2d --profile full {where}"
    assert by_name["figure2d"].ours == f"not run; run it with: {full}"
    remake = f"--profile quick --use figure2a={run} --seed 0 {where}"
    assert by_name["figure3"].made_with["command"] == f"advnets reproduce figure3 {remake}"

    page = found.html.read_text()
    links = Links()
    links.feed(page)
    assert all(source.startswith("data:") for source in links.sources)
    for link in links.links:
        if link.startswith("#"):
            assert f'id="{link[1:]}"' in page
        else:
            assert (out / link).is_file()
    assert sum(not link.startswith("#") for link in links.links) >= 2  # the run's own report
    order = [page.index(f'<h2 id="{name}"') for name in PARTS]
    assert order == sorted(order)

    # Once made, parts are read and not made again.
    again = reproduce.reproduce(out, parts=["figure2a", "figure3"], use=use)
    assert [p.made_with for p in again.parts] == [p.made_with for p in found.parts]


def part_of(found: reproduce.Reproduction, name: str) -> Part:
    """The part of that name."""
    (part,) = (part for part in found.parts if part.name == name)
    return part


@pytest.fixture
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every training is four rounds of narrow nets on small images, which stand in for faces."""
    small = small_settings()
    below = dataclasses.replace(small.G, hidden=(7, 5, *small.G.hidden), activations=("relu",) * 4)
    for name in ("quickstart", "tfd", "tfd-stage2"):
        settings = dataclasses.replace(small, G=below) if name == "tfd-stage2" else small
        tiny = dataclasses.replace(PRESETS[name], settings=settings, epochs=None, rounds=4)
        monkeypatch.setitem(PRESETS, name, tiny)
    monkeypatch.setattr(reproduce, "_QUICK_ROUNDS", 4)

    def load(name: str, **_: object) -> datasets.Dataset:
        if name == "tfd":
            raise DataNotFound("TFD is not here.")
        return dataclasses.replace(small_data(), name=name)

    monkeypatch.setattr(datasets, "load", load)


@pytest.mark.usefixtures("_tiny")
def test_the_full_profile_trains_both_stages_and_says_what_does_not_compare(
    tmp_path: Path,
) -> None:
    found = reproduce.reproduce(tmp_path, parts=["figure2b"], profile="full", seed=3)
    part = part_of(found, "figure2b")
    stage1, stage2 = (tmp_path / "runs" / f"tfd-standin-{p}-3" for p in ("tfd", "tfd-stage2"))
    assert part.run == str(stage2)
    assert runs_folder.open_run(stage2).info["onto"] == str(stage1)
    assert (
        runs_folder.open_run(stage1).settings.seed
        == runs_folder.open_run(stage2).settings.seed
        == 3
    )
    assert "tfd-standin, preset tfd-stage2, raw G at round 4" in part.ours
    assert part.ours.endswith("not comparable with the published number")
    assert any("no published number compares" in note for note in part.notes)
    assert (tmp_path / "parts" / "figure2b.png").stat().st_size > 1000


@pytest.mark.usefixtures("_tiny")
def test_another_seed_is_another_game(tmp_path: Path) -> None:
    a, b = (
        part_of(reproduce.reproduce(tmp_path, parts=["figure2a"], seed=seed), "figure2a")
        for seed in (0, 1)
    )
    assert (a.made_with["seed"], b.made_with["seed"]) == (0, 1)
    assert a.run != b.run
    assert a.ours != b.ours


@pytest.mark.usefixtures("_tiny")
def test_only_again_puts_less_in_the_place_of_more(tmp_path: Path, run: Path) -> None:
    full = reproduce.reproduce(tmp_path, parts=["figure2a"], profile="full")
    later = reproduce.reproduce(tmp_path, parts=["figure2a"])
    assert part_of(later, "figure2a") == part_of(full, "figure2a")
    assert "--again makes it anew" in later.kept["figure2a"]
    assert "--profile full" in later.kept["figure2a"]
    quick = reproduce.reproduce(tmp_path, parts=["figure2a"], again=True)
    assert part_of(quick, "figure2a").made_with["profile"] == "quick"
    assert not quick.kept
    path = tmp_path / "parts" / "figure2a.json"
    before = path.stat().st_mtime_ns
    reproduce.reproduce(tmp_path, parts=["figure2a"])
    assert path.stat().st_mtime_ns == before  # made once
    reproduce.reproduce(tmp_path, parts=["figure2a"], again=True)
    assert path.stat().st_mtime_ns > before  # and again when asked


def test_a_run_that_went_on_is_shown_as_it_now_stands(tmp_path: Path) -> None:
    s, folder = small_settings(), tmp_path / "run"
    use = {"figure2a": folder}
    out = tmp_path / "out"
    for rounds in (2, 3):
        train("mnist-5k", settings=s, run=folder, rounds=rounds)
        found = reproduce.reproduce(out, parts=["figure3"], use=use)
        assert f"round {rounds}" in part_of(found, "figure3").ours
    later = reproduce.reproduce(out, parts=["figure3"])
    assert "round 3" in part_of(later, "figure3").ours  # named once, it is not replaced unasked
    assert later.kept.keys() == {"figure3"}


@pytest.mark.usefixtures("_tiny")
def test_the_page_is_written_although_a_training_was_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise Stopped(2, 7)

    monkeypatch.setattr(reproduce, "train", stopped)
    with pytest.raises(Stopped):
        reproduce.reproduce(tmp_path, parts=["theory", "figure2a"])
    page = (tmp_path / "reproduction.html").read_text()
    assert "statements hold numerically" in page
    (tmp_path / "reproduction.html").unlink()
    found = reproduce.reproduce(tmp_path, show=True)
    assert found.html.read_text() == page
    assert part_of(found, "figure2a").status == "not run"


def test_figure_3_is_of_many_lines(
    tmp_path: Path, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn, draw = [], sheets.figure3

    def watched(images: Tensor, data: datasets.Dataset) -> Figure:
        drawn.append(images)
        return draw(images, data)

    monkeypatch.setattr(sheets, "figure3", watched)
    reproduce.reproduce(tmp_path, parts=["figure3"], use={"figure2a": run})
    rows, columns = drawn[0].shape[:2]
    assert rows >= 2
    assert columns >= 8


def test_a_part_that_fails_keeps_what_stood_there(tmp_path: Path, run: Path) -> None:
    reproduce.reproduce(tmp_path, parts=["figure2b"], use={"figure2b": run})
    found = reproduce.reproduce(tmp_path, parts=["figure2b"])  # not in the quick profile
    assert part_of(found, "figure2b").status == "done"
    assert "figure2b" in found.kept
    assert "not comparable" in part_of(found, "figure2b").ours


@pytest.mark.usefixtures("_tiny")
def test_mnist_compares_with_mnist_and_not_with_faces(tmp_path: Path) -> None:
    data = dataclasses.replace(small_data(), name="mnist")
    train(data, settings=small_settings(), run=tmp_path / "run", rounds=1)
    use = dict.fromkeys(("figure2a", "figure2b"), tmp_path / "run")
    found = reproduce.reproduce(tmp_path, parts=list(use), use=use)
    digits, faces = (part_of(found, name) for name in use)
    assert "comparable" not in digits.ours
    assert faces.ours.endswith("not comparable with the published number")
    assert ["no published number compares" in " ".join(p.notes) for p in (digits, faces)] == [0, 1]


def test_a_part_is_made_again_for_what_it_shows_and_for_nothing_else(
    tmp_path: Path, run: Path
) -> None:
    reproduce.reproduce(tmp_path, parts=["theory"])
    (found,) = (tmp_path / "parts").glob("theory.json")
    before = found.read_bytes()
    reproduce.reproduce(tmp_path, parts=["theory"], use={"figure2a": run})
    assert found.read_bytes() == before
    (tmp_path / "parts" / "theory" / "theory.png").unlink()
    page = reproduce.reproduce(tmp_path, parts=["figure3"], use={"figure2a": run})
    (theory,) = (part for part in page.parts if part.name == "theory")
    assert (theory.status, "theory.png is gone" in theory.ours) == ("not run", True)
    reproduce.reproduce(tmp_path, parts=["theory"])
    assert (tmp_path / "parts" / "theory" / "theory.png").is_file()


def test_what_is_missing_is_said_and_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADVNETS_DATA", str(tmp_path))
    monkeypatch.chdir(tmp_path)  # away from the recorded results
    out = tmp_path / "out"
    found = reproduce.reproduce(out, parts=["figure2b", "table1"], profile="full")
    said = {part.name: part.ours for part in found.parts}
    assert said["figure2b"].startswith("not run: The Toronto Face Database is not here")
    assert "The TFD stand-in is not here" in said["figure2b"]
    assert said["table1"].startswith("not run: No results of the other models are recorded")


def test_table_1_is_read_where_it_was_recorded(tmp_path: Path) -> None:
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
    path = tmp_path / "table1.json"
    path.write_text(json.dumps({"rows": rows}))
    use = {"table1": path}
    found = reproduce.reproduce(tmp_path / "out", parts=["table1", "table2"], use=use)
    by_name = {part.name: part for part in found.parts}
    assert by_name["table1"].ours == "4 rows; Adversarial nets 164.5 ± 1.0"
    assert [row["published"] for row in by_name["table1"].tables[0]] == ["290", "340", "225", ""]
    assert by_name["table2"].ours.startswith("Adversarial nets: 9,000 a second")
    assert [row["model"] for row in by_name["table2"].tables[0]] == [
        "VAE",
        "Adversarial autoencoder",
        "Adversarial nets",
    ]
    path.write_text(json.dumps({"rows": rows[:2]}))
    found = reproduce.reproduce(tmp_path / "out", parts=["table1"], use=use)
    assert part_of(found, "table1").ours.startswith("2 rows")  # the file has changed


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (None, "is not what advnets table1 writes"),
        ([], "has no rows yet"),
        ([{"nats": None}], "is not what advnets table1 writes"),
        ([{"model": "x", "dataset": "y"}], "is not what advnets table1 writes"),
    ],
    ids=range(4),
)
def test_a_table_that_is_none_is_said(tmp_path: Path, rows: object, words: str) -> None:
    path = tmp_path / "table1.json"
    path.write_text(json.dumps({} if rows is None else {"rows": rows}))
    use = {"table1": path}
    found = reproduce.reproduce(tmp_path / "out", parts=["table1", "table2"], use=use)
    for name in ("table1", "table2"):
        assert words in part_of(found, name).ours


def test_table_2_times_a_run_where_no_row_was_timed(tmp_path: Path, run: Path) -> None:
    row = dict.fromkeys(("published", "samples_per_second", "steps_per_sample"))
    row |= {"model": "mean image", "dataset": "mnist", "grid": "paper", "nats": -59.0, "se": 1.0}
    path = tmp_path / "table1.json"
    path.write_text(json.dumps({"rows": [row | {"sigma": 0.2}]}))
    use = {"table1": path, "figure2a": run}
    found = reproduce.reproduce(tmp_path / "out", parts=["table2"], use=use)
    assert part_of(found, "table2").ours.startswith("Adversarial nets: ")


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
        (["reproduce", "--use", "theory=x"], "theory has nothing to take over"),
        (["reproduce", "figure3", "--use", f"figure2a={run}x"], "is not a run's folder"),
        (["reproduce", "table2", "--use", f"table1={run}x"], "cannot be read"),
    ):
        assert main([*bad, "--out", str(tmp_path)]) == 2
        assert words in capsys.readouterr().err
    (tmp_path / "parts" / "figure3.json").write_text("{")
    assert main(args) == 2
    assert "is damaged" in capsys.readouterr().err


def test_records_keep_every_field(tmp_path: Path) -> None:
    part = dataclasses.replace(
        PARTS["theory"][0], status="done", ours="x", notes=("a",), tables=(({"b": 1},),)
    )
    plan = reproduce._Plan(tmp_path, "quick", 0, {}, lambda *event: None)
    plan.folder.mkdir()
    (plan.folder / "theory.json").write_text(json.dumps(dataclasses.asdict(part)))
    read: Part = reproduce._read("theory", plan)
    assert read == part


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
            "at most 0.200 above V on held-out ones (k = 20); the best Parzen score is k = 1's",
        ),
        ("head-start", [{"head start": 5, "rounds": 30, "round 30": -1.0}], "-1.0 after 5 rounds"),
        (
            "parzen-spread",
            [
                {"dimensions": 100, "samples": n, "error": e, "spread": 0.5}
                for n, e in ((10, -9.0), (1000, -7.0))
            ],
            "100 dimensions, from 1,000 samples: 7 nats below",
        ),
        (
            "helvetica",
            [{"round": 2500, "digits, both learn": 10, "digits, D stands still": 4}],
            "10 where both learn, 4 where D stands still",
        ),
    ],
)
def test_a_claims_table_comes_to_a_sentence(
    name: str, rows: list[dict[str, Any]], said: str
) -> None:
    assert said in reproduce._FINDINGS[name](rows)
    assert reproduce._FINDINGS.keys() == training_claims.CLAIMS.keys()
