"""Help, hints, defaults and start-up of the command line."""

import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from adversarial_nets.baselines import BASELINES
from adversarial_nets.baselines.names import TITLES
from adversarial_nets.cli import parsing, unknown_commands, unknown_options
from adversarial_nets.cli.main import main
from adversarial_nets.cli.paper_experiments import CLAIM_NAMES
from adversarial_nets.cli.registry import COMMANDS
from adversarial_nets.evaluation.feature_kinds import FEATURES
from adversarial_nets.paper.reproduce import PARTS
from adversarial_nets.paper.training_claims import CLAIMS
from commands import result


@pytest.fixture(scope="module")
def run(digits_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short run of narrow networks on the included digits."""
    return shutil.copytree(digits_run, tmp_path_factory.mktemp("runs") / "digits")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("train mnist-5k --learning-rate 1", "no option --learning-rate. Did you mean --lr?"),
        ("train mnist-5k --batch-size=1", "Did you mean --batch?"),
        ("train mnist-5k --epoch 1", "Did you mean --epochs or --rounds?"),
        ("train mnist-5k --n_epochs=1", "Did you mean --epochs or --rounds?"),
        ("train mnist-5k --unit 3", "Did you mean --D.units?"),
        ("train mnist-5k -o here", "no option -o. Did you mean --run?"),
        ("train mnist-5k --run-dir here", "Did you mean --run?"),
        ("train --data mnist-5k", "typed without an option: advnets train DATA."),
        ("train mnist-5k --dataset x", "typed without an option: advnets train DATA."),
        ("sample --run digits", "typed without an option: advnets sample RUN."),
        ("evaluate RUN --out here", "advnets evaluate has no option --out. All options"),
        ("train mnist-5k --dropout 0.5", "Did you mean --D.keep-prob-hidden or"),
        ("train mnist-5k --optimizer adam", "Did you mean --optimiser?"),
        ("train mnist-5k --keep-prob 0.5", "keep-prob"),
        ("train mnist-5k --seeed 1", "Did you mean --seed?"),
        ("train mnist-5k --resume", "A run resumes automatically"),
        ("train mnist-5k --eval-every 9", "Did you mean --score-every?"),
        ("train mnist-5k --snap 9", "Did you mean --save-every?"),
        ("train mnist-5k --mirror", "Did you mean --flip?"),
        ("train mnist-5k --gamma 1", "Did you mean --r1?"),
        ("train mnist-5k --checkpoint x", "Did you mean --from?"),
        ("train mnist-5k --model x", "Did you mean --preset?"),
        ("train --image-dir x", "typed without an option: advnets train DATA."),
        ("sample --model digits", "typed without an option: advnets sample RUN."),
        ("train mnist-5k --weight-decay 1", "--weight-decay. There is no weight decay; --max-norm"),
        ("sample RUN --weight-decay 1", "no option --weight-decay. All options"),
        ("sample RUN -n 5", "no option -n. Did you mean --n?"),
        ("evaluate RUN -n 5", "no option -n. Did you mean --samples?"),
        ("report RUN --out page.html", "--out. The report is written to RUN/report.html. All"),
        ("report RUN -o page.html", "-o. The report is written to RUN/report.html. All"),
        ("train mnist-5k more", "argument 'more' here. Put quotes around a name with spaces. All"),
        ("sample RUN --num-samples 3", "Did you mean --n?"),
        ("evaluate RUN --num-samples 3", "Did you mean --samples?"),
        ("train mnist-5k --k x", "advnets: --k: 'x' is not a whole number. All options"),
        ("train mnist-5k --rounds 1e3", "'1e3' is not a whole number; write 1000."),
        ("train mnist-5k --rounds 1,000", "'1,000' is not a whole number; write 1000."),
        ("train mnist-5k --rounds 1’000", "is not a whole number; write 1000."),
        ("train mnist-5k --rounds 1'000'000", "is not a whole number; write 1000000."),
        ("train mnist-5k --rounds 1.000", "'1.000' is not a whole number. All options"),
        ("train mnist-5k --rounds 2,5", "'2,5' is not a whole number. All options"),
        ("train mnist-5k --lr 1,000", "'1,000' is not a number. All options"),
        ("train mnist-5k --lr x", "'x' is not a number."),
        ("train mnist-5k --lr 0,1", "'0,1' is not a number; write 0.1."),
        ("train mnist-5k --train-only X", "'X' is not one of D, G"),
        ("train mnist-5k --precision X", "--precision is 'X'; it must be one of 'float32'"),
        ("train mnist-5k --device", "--device has no value; give one after it"),
        ("sample digits --out -x.png", "one that begins with a hyphen as --out=VALUE"),
        ("sample digits --first 99999999999999999999", "it must be from 0 to 2147483647"),
        ("evaluate", "advnets: RUN is missing: Folder of a run"),
        (f"sample {'x' * 300}", "advnets: A name is too long"),
        (f"train folder:{'x' * 300}", "Give the path of one."),
        ("sample digits --out=", "The value of --out is empty, perhaps because a variable"),
        ("paper tabel1", "of advnets paper. Did you mean advnets paper table1? All commands"),
        ("figur1", "Did you mean advnets paper figure1?"),
        ("generate RUN", "no command 'generate'. Did you mean advnets sample?"),
        ("resume RUN", "give the same advnets train command again. All commands"),
        ("version", "Did you mean advnets --version?"),
        ("xylophone", "no command 'xylophone'. All commands: advnets --help"),
    ],
)
def test_hints(line: str, words: str, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An unknown option or command names the one that was probably meant."""
    capsys.readouterr()
    assert main(line.replace("RUN", str(run)).split()) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("args", "what"),
    [
        (["sample", "digits", "--out", ""], "The value of --out"),
        (["train", "mnist-5k", "--run", "", "--rounds", "1"], "The value of --run"),
        (["report", ""], "An argument"),
        (["train", ""], "An argument"),
    ],
)
def test_an_empty_value_does_not_mean_the_current_folder(
    args: list[str],
    what: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(args) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"advnets: {what} is empty")
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_every_hint_leads_to_an_option() -> None:
    options = set().union(*(parsing._option_names(c.options) for c in COMMANDS.values()))
    arguments = {name for c in COMMANDS.values() for name in parsing._argument_names(c.options)}
    for names in unknown_options._HINTS.values():
        assert set(names) <= options | arguments
    assert set(unknown_options._ARGUMENTS.values()) <= arguments
    assert unknown_commands._COMMANDS.keys() <= COMMANDS.keys() | {"--version"}
    assert not unknown_commands._SYNONYMS.keys() & {name.split()[-1] for name in COMMANDS}


# --- Help and start-up ----------------------------------------------------------------------------

HELP = [["--help"], ["--version"], ["paper"], ["paper", "--help"]]
HELP += [[*name.split(), "--help"] for name in COMMANDS]


def run_without_torch(lines: Sequence[Sequence[str]], folder: Path) -> list[str]:
    """Run commands in one new process; fails if one imports torch. Returns what each prints."""
    program = (
        "import io, json, sys; from contextlib import redirect_stdout\n"
        "from adversarial_nets.cli.main import main\n"
        "for line in json.loads(sys.argv[1]):\n"
        "    with redirect_stdout(io.StringIO()) as out: code = main(line)\n"
        "    assert code == 0, line\n"
        "    assert 'torch' not in sys.modules, f'{line} imports torch'\n"
        "    print(json.dumps(out.getvalue()))"
    )
    command = [sys.executable, "-c", program, json.dumps(lines)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_help_imports_no_torch(tmp_path: Path) -> None:
    texts = run_without_torch(HELP, tmp_path)
    assert len(texts) == len(HELP) > 20
    assert all("advnets" in text for text in texts)


def test_help_names_every_row_claim_part_and_kind_of_features(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """From the same names as the tables of what is computed, which import torch."""
    assert list(BASELINES) == list(TITLES)
    assert [baseline.title for baseline in BASELINES.values()] == list(TITLES.values())
    assert list(CLAIMS) == list(CLAIM_NAMES)
    for command, names in (
        ("paper table1", BASELINES),
        ("paper claim", CLAIMS),
        ("paper reproduce", PARTS),
        ("measure", FEATURES),
    ):
        assert main([*command.split(), "--help"]) == 0
        text = "".join(capsys.readouterr().out.replace("│", " ").split())  # a name may be broken
        for name in names:
            assert name in text, f"advnets {command} --help lacks {name}"


def test_reading_records_imports_no_torch(run: Path, tmp_path: Path) -> None:
    """Commands that only read what is recorded start quickly."""
    results = Path(__file__).parent.parent / "results"
    (tmp_path / "results").mkdir()
    shutil.copy(results / "table1.json", tmp_path / "results")
    assert main(["report", str(run), "--json"]) == 0
    lines = [
        ["datasets"],
        ["compare", *(str(results / f"mnist-seed{seed}-raw-paper.json") for seed in (1, 2))],
        ["paper", "table1", "--json"],
        ["report", str(run)],
    ]
    assert all(run_without_torch(lines, tmp_path))


def test_a_report_that_is_up_to_date_is_kept(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = run / "report.html"  # written by the training
    written = page.stat().st_mtime_ns
    result(capsys, "report", str(run))
    assert page.stat().st_mtime_ns == written
    result(capsys, "report", str(run), "--again")
    assert page.stat().st_mtime_ns > written


def test_the_overview_fits_a_screen(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    overview = capsys.readouterr().out.splitlines()
    assert 24 <= len(overview) <= 40
    assert max(map(len, overview)) <= 80
    listed = [line.split()[0] for line in overview if re.match(r"  [a-z]\S* .* {2,}\S", line)]
    listed.remove("advnets") if "advnets" in listed else None
    top = [name for name in COMMANDS if not name.startswith("paper ")]
    assert len(top) + 1 <= 17
    assert set(top) <= set(listed)


def test_every_command_explains_itself(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    main(["--help"])
    overview = capsys.readouterr().out
    main(["paper"])
    of_the_paper = capsys.readouterr().out
    for name, command in COMMANDS.items():
        assert name.removeprefix("paper ") in overview
        listed = of_the_paper if name.startswith("paper ") else overview
        assert command.summary in listed
        assert main([*name.split(), "--help"]) == 0
        help_text = capsys.readouterr().out
        assert f"usage: advnets {name}" in help_text
        for example in command.examples:
            assert f"advnets {example}" in help_text
            assert example.startswith(name)
        for line in help_text.splitlines():
            assert len(line) <= 80 or line.startswith("usage:"), line
        assert "{None}" not in help_text


def test_every_option_has_a_help_text() -> None:
    for command in COMMANDS.values():
        for f in parsing._fields(command.options, None):
            documented = callable(f.helptext) and f.helptext()
            annotated = [getattr(m, "help", None) for m in getattr(f.type, "__metadata__", ())]
            nested = dataclasses.is_dataclass(parsing._unwrap(f.type)[0])
            assert documented or any(annotated) or nested, f"{command.name}: {f.name}"


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["mnist-5k"], ["preset quickstart", "7,400 rounds", "(default: 500 500)"]),
        (["mnist"], ["preset mnist", "(default: 1200 1200)"]),
        (["--preset", "fast", "mnist"], ["preset fast"]),
        (["--seed", "1", "mnist-5k"], ["preset quickstart", "(default: 500 500)"]),
        (["mnist-5k", "--preset=tfd"], ["preset tfd", "(default: 8000 8000)"]),
    ],
)
def test_help_prints_the_defaults_of_the_data(
    args: list[str], words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    for line in (["train", *args, "--help"], ["train", "--help", *args]):
        assert main(line) == 0
        text = " ".join(capsys.readouterr().out.replace("│", " ").split())
        for word in words:
            assert word in text


def test_flags_with_a_no_form(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A switch of the settings can be given either way, whatever the preset's default is."""
    for flag, value in (("--G.batch-norm", True), ("--G.no-batch-norm", False)):
        for preset in ("cifar10-convolutional-small", "quickstart"):
            found = result(capsys, "train", "mnist-5k", "--preset", preset, flag, "--dry-run")
            assert found["settings"]["G"]["batch_norm"] is value  # type: ignore[index]
    assert main(["evaluate", "--help"]) == 0
    text = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert "--no-calibration leaves them out" in text
    assert result(capsys, "evaluate", str(run), "--no-calibration")["calibration"] == []


def test_names_of_earlier_versions_work(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in COMMANDS:
        assert main([*name.removeprefix("paper ").split(), "--help"]) == 0
        assert f"usage: advnets {name}" in capsys.readouterr().out
    old = ("train", "mnist-5k", "--dry-run", "--average", ".5", "--players", "both")
    settings = result(capsys, *old)["settings"]
    assert isinstance(settings, dict)
    assert (settings["ema_decay"], settings["train_only"]) == (0.5, None)


def test_a_terminal_without_unicode_loses_no_result(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "adversarial_nets", "paper"],
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert "?4.2: updates of p_g" in done.stdout


def test_options_may_come_before_the_data(capsys: pytest.CaptureFixture[str]) -> None:
    """DATA decides the defaults, also if it does not come first."""
    for args in (["train", "mnist-5k", "--dry-run"], ["train", "tfd", "--dry-run"]):
        name, data, dry = args
        first = result(capsys, name, data, dry, "--seed", "1")
        assert result(capsys, name, "--seed", "1", data, dry) == first


def test_a_toys_defaults_are_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rest = ["--rounds", "1", "--out", str(tmp_path)]
    after = result(capsys, "play", "moons", "--k", "2", *rest)
    assert result(capsys, "play", "--k", "2", *rest, "moons") == after
