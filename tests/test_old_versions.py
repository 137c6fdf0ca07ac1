"""Files of version 0.1.0 can still be opened, continued and played again.

The files are in fixtures/v1; the README.md there says how they were made. Only public names are
used here: commands, the library's own names, files, and the playground's addresses.
"""

import asyncio
import base64
import importlib
import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import safetensors.torch
import torch

import adversarial_nets as an
from adversarial_nets.plots.sheets import training_frames
from adversarial_nets.runs.files import without_infinities
from adversarial_nets.settings import canonical_name

main: Callable[[list[str]], int] = importlib.import_module("adversarial_nets.__main__").main
ROOT = Path(__file__).parent.parent
V1 = ROOT / "tests" / "fixtures" / "v1"
STOPPED, EVALUATED, TABLE, PLAYED, ADDRESSES, COMPARED, COMMANDS = (
    json.loads((V1 / f"{name}.json").read_text())
    for name in ("stopped", "evaluate", "table1", "play", "addresses", "compare", "commands")
)
Capture = pytest.CaptureFixture[str]
Told = dict[str, Any]


@pytest.fixture(autouse=True)
def _copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test works in a copy of the fixtures. Their paths are relative to it."""
    shutil.copytree(V1, tmp_path / "v1")
    monkeypatch.chdir(tmp_path / "v1")


def advnets(capsys: Capture, line: str) -> Any:
    """Run a command, and return what it prints with --json."""
    capsys.readouterr()
    code = main([*shlex.split(line), "--json"])
    printed = capsys.readouterr()
    assert code == 0, printed.err
    return json.loads(printed.out)


def assert_agrees(found: Any, expected: Any, tolerance: float, where: str = "") -> None:
    """The result has the expected values, up to rounding, which depends on the processor."""
    if isinstance(expected, Mapping):
        for name, value in expected.items():
            name = "round" if name == "step" and name not in found else name  # its name today
            assert name in found, f"{where}: {name} is missing"
            assert_agrees(found[name], value, tolerance, f"{where}/{name}")
    elif isinstance(expected, list):
        assert isinstance(found, list)
        assert len(found) == len(expected), where
        for i, value in enumerate(expected):
            assert_agrees(found[i], value, tolerance, f"{where}/{i}")
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, rel=tolerance, abs=tolerance), where
    else:
        assert found == expected, where


def rows(run: Path, first: int, last: int) -> list[str]:
    """The lines of the metrics of some rounds. A power cut may have left half a line."""
    lines = (run / "metrics.jsonl").read_text().splitlines()
    return [x for x in lines if x.endswith("}") and first <= json.loads(x)["round"] <= last]


def assert_same_nets(run: Path, name: str) -> None:
    """The newest checkpoint, whatever its folder's name begins with, has the expected nets."""
    folders = [path for path in (run / "checkpoints").iterdir() if path.name[0] != "."]
    newest = max(folders, key=lambda path: int(path.name.rpartition("-")[2]))
    found = safetensors.torch.load_file(newest / "nets.safetensors")
    expected = safetensors.torch.load_file(f"expected/{name}.safetensors")
    assert found.keys() == expected.keys()
    for key, tensor in expected.items():
        if key.endswith(("running_mean", "running_var")):  # measured from samples since
            continue
        torch.testing.assert_close(found[key], tensor, rtol=1e-5, atol=1e-5)


# --- Runs, tables, and games that are told in one line --------------------------------------------


def train_on(run: Path, command: str | None, capsys: Capture) -> None:
    """Continue a stopped run to round 20, by its command or (which is quicker) by the library."""
    if command:
        advnets(capsys, f"{command} --rounds 20")
        return
    old, own = an.open_run(run), run.name == "own-nets"
    G = torch.nn.Sequential(torch.nn.Linear(5, 16), torch.nn.Sigmoid()) if own else None
    rule = torch.optim.RMSprop if own else None
    when = an.Cadence(log_every=5, save_every=10, score_every=10, samples_every=10)
    an.train(old.data, settings=old.settings, run=run, rounds=20, cadence=when, G=G, optimiser=rule)


@pytest.mark.slow
@pytest.mark.parametrize("told", STOPPED, ids=lambda told: str(told["name"]))
def test_a_stopped_run_is_continued(told: Told, capsys: Capture) -> None:
    run = Path("stopped") / told["name"]
    before = rows(run, 0, 10)
    train_on(run, told["command"], capsys)
    assert rows(run, 0, 10) == before  # with the recorded seconds, so it was not restarted
    expected = told["rows"]
    if told["name"] == "batch-norm":  # samples are normalised by measured statistics since
        of_the_game = ("round", "d_loss", "g_loss", "D_x", "D_G_z")
        expected = [{name: row[name] for name in of_the_game} for row in expected]
    assert_agrees([json.loads(row) for row in rows(run, 11, 99)], expected, 1e-4)
    assert_same_nets(run, told["name"])
    assert not list((run / "checkpoints").glob(".*"))  # nothing is left of the power cut


def test_a_stopped_run_keeps_its_settings_unless_restarted(capsys: Capture) -> None:
    run = Path("stopped/adam-r1")
    (command,) = (told["command"] for told in STOPPED if told["name"] == run.name)
    assert main(shlex.split(command.replace("--d-rate 2", "--d-rate 3"))) == 2
    assert "2.0 → 3.0" in capsys.readouterr().err
    an.train("idx:tiny", settings=an.open_run(run).settings, run=run, rounds=5, restart=True)
    assert [json.loads(row)["round"] for row in rows(run, 0, 99)] == [5]
    assert len(list((run / "checkpoints").iterdir())) == 1


def test_its_pictures_are_found_together_with_todays(capsys: Capture) -> None:
    run = Path("finished")
    assert len(training_frames(run)) == 3
    newest = (run / "samples" / "step-00000020.png").read_bytes()
    (run / "samples" / "round-00000030.png").write_bytes(newest)
    (run / "samples" / "step-00000020.png").write_bytes(b"an older picture")
    assert base64.b64encode(newest).decode() in an.open_run(run)._repr_html_()


@pytest.mark.parametrize("by", ["command", "library"])
def test_the_same_line_continues_a_run_whose_preset_has_changed(by: str, capsys: Capture) -> None:
    """The presets quickstart and quickstart-2014 were one; both start in quickstart's folder."""
    run = Path("runs/idx-tiny-quickstart-0")
    shutil.copytree("finished", run)
    before = rows(run, 0, 20)
    if by == "command":
        advnets(capsys, "train idx:tiny --rounds 21")
    else:
        assert an.train("idx:tiny", rounds=21).folder == run
    assert rows(run, 0, 20) == before
    assert [json.loads(row)["round"] for row in rows(run, 21, 99)] == [21]
    assert an.open_run(run).preset_label == "custom, from quickstart-2014"


@pytest.mark.parametrize("told", EVALUATED, ids=lambda told: str(told["command"]))
def test_a_finished_run_is_scored(told: Told, capsys: Capture) -> None:
    raw = "" if "--weights" in told["command"] else " --weights raw"  # the default of that version
    found = advnets(capsys, told["command"] + raw)
    for part in ("parzen", "calibration"):
        assert_agrees(found[part], told["printed"][part], 1e-4)


@pytest.mark.slow
def test_a_finished_run_is_reported(capsys: Capture) -> None:
    page = advnets(capsys, "report finished")["report"]
    assert "−4.9 ± 0.4" in Path(page).read_text()  # the score in evaluation.json
    assert Path("finished/figures/samples.png").is_file()  # made of the old pictures of samples


@pytest.mark.parametrize(("which", "round"), [("last", 20), ("best", 20), ("10", 10)])
def test_a_generator_is_loaded(which: str, round: int) -> None:
    G, found = an.load_generator(an.open_run(Path("finished")), which, "averaged")
    assert found == round
    (kept,) = Path("finished/checkpoints").glob(f"*-{round:08d}/nets.safetensors")
    nets = safetensors.torch.load_file(kept)
    assert all(torch.equal(w, nets[f"averaged.{name}"]) for name, w in G.state_dict().items())


def test_a_stopped_row_of_table_1_is_continued(capsys: Capture) -> None:
    run = Path("table1/idx-tiny/vae-0")
    finished = {path: path.read_bytes() for path in Path("table1").rglob("score-paper.json")}
    before = rows(run, 0, 50)
    advnets(capsys, TABLE["command"])
    assert rows(run, 0, 50) == before
    assert_same_nets(run, "vae")
    found = advnets(capsys, "table1 --data idx:tiny --out table1")
    assert_agrees(found["rows"], TABLE["rows"], 1e-4)
    assert len(finished) == 2
    assert {path: path.read_bytes() for path in finished} == finished  # they were not made again


def test_a_part_of_a_reproduction_is_shown_and_kept(capsys: Capture) -> None:
    record = Path("reproduction/parts/figure2b.json")
    before = record.read_bytes()
    for line in ("reproduce --show", "reproduce figure2b"):
        found = advnets(capsys, f"{line} --out reproduction")
        (part,) = (part for part in found["parts"] if part["name"] == "figure2b")
        assert (part["status"], part["ours"]) == ("done", json.loads(before)["ours"])
        assert record.read_bytes() == before


def draws_again(changes: str) -> bool:
    """Whether an old game repeated random numbers, which today's does not.

    The number of an update was round · k and images were counted as round · k · batch, so a change
    of k during a game, or of the batch in a game on images, used earlier draws again.
    """
    return bool(re.search(r"\d:k=|mnist.*\d:batch=|\[\d+, ?\{[^}]*\"--k\"", changes))


def lasting(readings: Told, data: str) -> Told:
    """The readings that have not changed.

    Today the density of a user's points is narrower, and C from samples uses its own data.
    """
    own = data.startswith("points:") or data.endswith(".csv")
    names = ("V", "accuracy") if own else readings.keys() - {"C from samples"}
    return {name: readings[name] for name in names}


@pytest.mark.parametrize("told", PLAYED, ids=lambda told: str(told["command"].split()[1]))
def test_a_line_plays_the_same_game(told: Told, capsys: Capture) -> None:
    found = advnets(capsys, f"{told['command']} --out played")
    assert found["round"] == told["round"]
    if draws_again(told["command"]):
        assert found["readings"].keys() >= told["readings"].keys()
        return
    readings = lasting(told["readings"], told["command"].split()[1])
    assert_agrees(found["readings"], without_infinities(readings), 1e-3)  # null since then
    nets = safetensors.torch.load_file("played/nets.safetensors")
    sums = {name: [float((w.double() ** n).sum()) for n in (1, 2)] for name, w in nets.items()}
    assert_agrees(sums, told["sums"], 1e-4)


# --- The playground's addresses -------------------------------------------------------------------


WITHOUT_FIGURES = """
import sys
from adversarial_nets.cli.main import main
from adversarial_nets.playground import session

session.figures_json = lambda *args: {}  # which take most of the time
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def playground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a playground with the latent space of the finished run."""
    pytest.importorskip("bokeh", reason="the extra [playground] is not installed")
    folder = tmp_path_factory.mktemp("playground")
    shutil.copytree(V1 / "finished", folder / "finished")
    words = ["playground", "finished", "--no-browser", "--port", "0"]
    command = [sys.executable, "-u", "-c", WITHOUT_FIGURES, *words]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield re.findall(r"http://\S+/", server.stdout.readline())[0]
        finally:
            server.terminate()


async def opened(url: str, state: Any) -> tuple[Told, list[Told]]:
    """The server's answer to a saved state after its replay: the state, and each game's frame.

    Only this function uses the messages that the page and the server exchange.
    """
    from tornado.websocket import websocket_connect

    wire = await websocket_connect(url.replace("http", "ws") + "play")
    await wire.write_message(json.dumps({"type": "open", "state": state}))
    frames: dict[int, Told] = {}
    while True:
        told = await asyncio.wait_for(wire.read_message(), 60)
        assert told is not None, "the server has closed the connection"
        for message in json.loads(told):
            assert message["type"] != "error", message
            if message["type"] == "snapshot":
                frames[message["game"]] = message
            elif message["type"] == "state" and not message["busy"]:
                wire.close()
                while await wire.read_message() is not None:  # until the socket is closed
                    pass
                return message, [frames[game] for game in sorted(frames)]
        await wire.write_message(json.dumps({"type": "rendered"}))


@pytest.mark.slow
@pytest.mark.parametrize("told", ADDRESSES, ids=lambda told: str(told["about"]))
def test_an_address_plays_the_same_game(told: Told, playground: str) -> None:
    held, shows = json.loads(unquote(told["address"][1:])), told["shows"]
    state, frames = asyncio.run(opened(playground, held["state"]))
    assert state["kind"] == shows["kind"]
    assert [frame["round"] for frame in frames] == [shows["round"]] * len(shows["readings"])
    if not draws_again(json.dumps(held["state"].get("games", []))):
        readings = [lasting(each, held["state"]["data"]) for each in shows["readings"]]
        assert_agrees([frame["metrics"] for frame in frames], readings, 1e-3)
    for now, then in zip(state["settings"], shows["settings"], strict=True):
        for option, value in then.items():
            expected = None if (option, value) == ("--players", "both") else value
            assert now[canonical_name(option)] == expected, option


def test_an_address_says_how_the_page_looks(playground: str) -> None:
    """The language, the theme, the lesson, what is hidden and the walk are read by the page."""
    pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    from adversarial_nets.playground.screenshots import CHROMIUM, open_browser

    if CHROMIUM is None:
        pytest.skip("there is no Chromium here")
    dressed = [told for told in ADDRESSES if told["shows"].keys() & {"lang", "lesson", "walk"}]
    with open_browser() as browser:
        page = browser.new_page()
        for told in dressed:
            shows = told["shows"]
            page.goto("about:blank")
            page.goto(playground + told["address"])
            page.wait_for_selector(f"body[data-round='{shows['round']}'][data-busy=no]")
            html, grid = page.locator("html"), page.locator("[data-layer=grid]").first
            assert html.get_attribute("lang") == shows.get("lang", "en")
            assert html.get_attribute("data-theme") == shows.get("theme", "light")
            assert page.locator("#lesson").input_value() == shows.get("lesson", "")
            assert (grid.get_attribute("aria-pressed") == "true") == ("hidden" not in shows)
            for name, value in shows.get("walk", {}).items():
                assert page.locator(f"#latent-{name}").input_value() == value


# --- Results, and the names of commands -----------------------------------------------------------


def test_every_result_is_read(capsys: Capture) -> None:
    files = [str(ROOT / "results" / file) for file, *_ in COMPARED["each"]]
    found = advnets(capsys, f"compare {shlex.join(files)} --out compared.png")
    says = [[e["round"], e["nats"], e["se"], len(e["curve"])] for e in found["entries"]]
    assert_agrees(says, [says for _, *says in COMPARED["each"]], 1e-9)


@pytest.mark.parametrize("told", COMPARED["together"], ids=lambda told: str(told["files"][-1]))
def test_runs_and_results_are_compared(told: Told, capsys: Capture) -> None:
    files = [str(ROOT / file if file.startswith("results/") else file) for file in told["files"]]
    # Raw scores were that version's default.
    found = advnets(capsys, f"compare {shlex.join(files)} --weights raw --out compared.png")
    differences = told["printed"]["differences"]
    assert len(found["differences"]) == len(differences)
    for name in differences.keys() & found["differences"].keys():  # an option may have a new name
        assert_agrees(found["differences"][name], differences[name], 1e-9, name)
    assert_agrees(found | {"differences": differences}, told["printed"], 1e-9)


@pytest.mark.parametrize("told", COMMANDS["printed"])
def test_a_command_goes_by_its_old_name(told: Told, capsys: Capture) -> None:
    found = advnets(capsys, f"{told['command']} --out made")
    assert_agrees(found, told["printed"], 1e-3)
    assert all(Path(file).is_file() for file in found["files"])


@pytest.mark.parametrize(("line", "says"), COMMANDS["refused"])
def test_a_long_command_goes_by_its_old_name(line: str, says: str, capsys: Capture) -> None:
    """A bad value of an option is refused immediately, which shows that the option is known."""
    assert main([*shlex.split(line), "--out", "none"]) == 2
    printed = capsys.readouterr()
    assert says in printed.out + printed.err
    assert "Unrecognized" not in printed.out + printed.err
