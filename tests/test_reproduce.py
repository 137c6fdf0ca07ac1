"""The whole paper: parts are made once, honest about what is missing, and put on one page."""

import dataclasses
import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from adversarial_nets import cli, reproduce, training_claims
from adversarial_nets.errors import UserError
from adversarial_nets.reproduce import PARTS, Part
from adversarial_nets.settings import PRESETS
from adversarial_nets.training import train


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
    assert by_name["theory"].ours == "not run; run it with: advnets reproduce theory"

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


def test_a_part_that_fails_keeps_what_stood_there(tmp_path: Path, run: Path) -> None:
    reproduce.reproduce(tmp_path, parts=["figure2b"], use={"figure2b": run})
    found = reproduce.reproduce(tmp_path, parts=["figure2b"])  # not in the quick profile
    assert {p.name: p.status for p in found.parts}["figure2b"] == "done"


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
    assert said["figure2b"].startswith("not run: The TFD stand-in is not here")
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
            ("Adversarial nets", 164.5, 225.0, 9000.0),
            ("mean image", -59.0, None, None),
        )
    ]
    path = tmp_path / "table1.json"
    path.write_text(json.dumps({"rows": rows}))
    use = {"table1": path}
    found = reproduce.reproduce(tmp_path / "out", parts=["table1", "table2"], use=use)
    by_name = {part.name: part for part in found.parts}
    assert by_name["table1"].ours == "3 rows; Adversarial nets 164.5 ± 1.0"
    assert [row["published"] for row in by_name["table1"].tables[0]] == ["290", "225", ""]
    assert by_name["table2"].ours.startswith("Adversarial nets: 9,000 a second")
    assert [row["model"] for row in by_name["table2"].tables[0]] == ["VAE", "Adversarial nets"]
    path.write_text("{}")
    with pytest.raises(UserError, match="is not what advnets table1 writes"):
        reproduce._table1_rows(
            reproduce._Plan(tmp_path, "quick", 0, {"table1": path}, lambda *event: None)
        )


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str], run: Path) -> None:
    args = ["reproduce", "figure3", "--out", str(tmp_path), "--use", f"figure2a={run}"]
    assert cli.main([*args, "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert Path(printed["html"]).is_file()
    assert [set(part) for part in printed["parts"]] == [
        {"name", "status", "ours", "published"}
    ] * len(PARTS)
    for bad, words in (
        (["reproduce", "figure4"], "Did you mean figure"),
        (["reproduce", "--use", "figure2a"], "must be PART=RUN"),
        (["reproduce", "--use", "figure9=x"], "no part named"),
        (["reproduce", "--use", "theory=x"], "theory has nothing to take over"),
        (["reproduce", "figure3", "--use", f"figure2a={run}x"], "is not a run's folder"),
        (["reproduce", "table2", "--use", f"table1={run}x"], "cannot be read"),
    ):
        assert cli.main([*bad, "--out", str(tmp_path)]) == 2
        assert words in capsys.readouterr().err
    (tmp_path / "parts" / "figure3.json").write_text("{")
    assert cli.main(args) == 2
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
