"""Every command line in the documents works as printed; cheap ones and trainings really run."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from torch.distributed.run import parse_args

from adversarial_nets import report
from adversarial_nets.cli.main import main
from adversarial_nets.cli.parsing import current_options, parse
from adversarial_nets.cli.registry import find_command
from adversarial_nets.errors import UserError
from documented import ROOT, commands, documented, torchrun_commands
from shortened import photographs, shorten

RUNS = (
    *("RUN", "runs/mnist-mnist-0", "runs/mnist-mnist-1", "runs/mnist-mnist-2"),
    *("runs/mnist-fast-1", "runs/tfd-tfd-0", "runs/mnist-5k-quickstart-0"),
)
QUICK = (
    *("train", "datasets", "evaluate", "measure", "calibrate", "sample", "interpolate", "report"),
    *("compare", "play", "walk"),
)
# Long; prints only; tested below; compares two runs of other commands; diverges with few units.
NOT_RUN = (
    *("--samples 1000000", "play moons --k 3", "--help", "--nproc", "compare runs/paper"),
    "--lr .2 --G.init .3",
)


def distinct(found: list[tuple[str, list[str]]]) -> list[list[str]]:
    """Each command once, without mere names of commands such as `advnets train`."""
    unique = {" ".join(words): words for _, words in found}
    return [words for text, words in unique.items() if len(words) > 1 and "COMMAND" not in text]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the runs and photographs that the documents name."""
    folder = tmp_path_factory.mktemp("workplace")
    photographs(folder / "PHOTOS")
    shutil.copytree(ROOT / "results", folder / "results")
    with pytest.MonkeyPatch.context() as patch:
        shorten(patch)
        patch.chdir(folder)
        patch.setattr(report, "write_report", lambda run, data: run.folder / "report.html")
        for words, name in (
            ("mnist", "RUN"),
            ("tfd", "runs/tfd-tfd-0"),
            ("mnist --preset fast-conditional", "runs/mnist-fast-conditional-0"),
        ):
            assert main(["train", *words.split(), "--run", name]) == 0
    for name in RUNS:
        if not (folder / name).exists():
            shutil.copytree(folder / "RUN", folder / name)
    return folder


@pytest.fixture
def inside(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The work place as the working folder, with short trainings."""
    shorten(monkeypatch)
    monkeypatch.chdir(workplace)
    return workplace


def check_options(words: list[str]) -> None:
    """Parse a command's options as the command line does; an unknown one raises an error."""
    command, rest = find_command(current_options(words))
    if "--help" in words:
        with pytest.raises(SystemExit, match=r"^0$"):
            parse(command, rest)
    else:
        parse(command, rest)


def test_commands_are_found_in_every_kind_of_page() -> None:
    pages = {where.partition(":")[0] for where, _ in commands()}
    assert pages > {"command-line.md", "command-line.zh-CN.md", "other-data.md", "optimum.md"}
    assert len(distinct(commands())) > 60


@pytest.mark.usefixtures("inside")
def test_options_exist() -> None:
    wrong = []
    for words in distinct(commands()):
        try:
            if words not in (["paper"], ["命令", "--help"]):
                check_options(words)
        except UserError as error:
            wrong.append(f"advnets {' '.join(words)}: {error}")
    assert not wrong


@pytest.mark.parametrize(
    "words",
    [
        words
        for words in distinct(commands())
        if words[0] in QUICK and not any(text in " ".join(words) for text in NOT_RUN)
    ],
    ids=" ".join,
)
def test_commands_run_as_printed(
    words: list[str], inside: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if words[0] == "train":
        # Only the runs that the command names are there. A page for each takes too long.
        shutil.copytree(inside / "PHOTOS", tmp_path / "PHOTOS")
        for name in set(RUNS) & set(words):
            shutil.copytree(inside / name, tmp_path / name)
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(report, "write_report", lambda run, data: run.folder / "report.html")
    if words[0] == "play":  # a tenth of the rounds
        words = [re.sub(r"^(\d+)0(?=:|$)", r"\1", word) for word in words]
        words += [] if "--rounds" in words else ["--rounds", "100"]  # not the default of 1,000
    if words[0] == "measure":
        pytest.importorskip("torchmetrics")
    assert main([word.replace("DATA", "mnist") for word in words]) == 0


@pytest.mark.parametrize("words", distinct(torchrun_commands()), ids=" ".join)
def test_torchrun_takes_its_options_and_leaves_ours(words: list[str], inside: Path) -> None:
    line = " ".join(words).replace("$SLURM_NNODES", "2").replace('"', "")
    found = parse_args(line.split())
    assert found.module
    assert found.training_script == "adversarial_nets"
    check_options(found.training_script_args)


def subprocess_lines() -> list[str]:
    """The documented lines that start several processes on this machine."""
    started = [line for _, line in documented("advnets") if "--max-restarts" in line]
    started += [line for _, line in documented("torchrun") if "--nnodes" not in line]
    return sorted(set(started))


@pytest.mark.slow
@pytest.mark.parametrize("line", subprocess_lines())
def test_several_processes_run_as_printed(line: str, tmp_path: Path) -> None:
    """Real processes, whose trainings are shortened as those above."""
    (tmp_path / "sitecustomize.py").write_text(
        "import os\nif 'RANK' in os.environ:\n    import pytest, shortened\n"
        "    shortened.shorten(pytest.MonkeyPatch())\n",
        encoding="utf-8",
    )
    path = [str(tmp_path), str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")]
    programs = {"advnets": "adversarial_nets", "torchrun": "torch.distributed.run"}
    program, *words = line.split()
    done = subprocess.run(
        [sys.executable, "-m", programs[program], *words],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(path), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Report:" in done.stdout


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
@pytest.mark.parametrize("line", sorted({line for _, line in documented("make")}))
def test_make_has_the_targets(line: str) -> None:
    done = subprocess.run(
        ["make", "-n", *line.split()[1:]], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def made(*words: str) -> "subprocess.CompletedProcess[str]":
    """The commands of a new make, without the options of the make that runs these tests."""
    of_outer_make = ("MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES", "MAKELEVEL", "TORCH", "TORCH_INDEX")
    return subprocess.run(
        ["make", "-n", "-B", *words],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name not in of_outer_make},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_torch_without_cuda_comes_from_its_own_index() -> None:
    """Only torch: the index does not have the other packages in the pinned versions."""
    assert "download.pytorch.org" not in made("setup").stdout
    lines = [line for line in made("setup", "TORCH=cpu").stdout.splitlines() if "pip" in line]
    torch, package = lines
    assert torch.endswith("--no-deps --index-url https://download.pytorch.org/whl/cpu torch")
    assert package.endswith("--editable .")
    assert "index-url" not in package
    mirrored = made("run", "TORCH=cpu", "TORCH_INDEX=https://mirror.example/cpu").stdout
    assert "--index-url https://mirror.example/cpu torch" in mirrored
    wrong = made("setup", "TORCH=gpu")
    assert wrong.returncode == 2
    assert 'TORCH is "gpu"; it must be cpu' in wrong.stderr


@pytest.mark.parametrize("name", ["installation.md", "installation.zh-CN.md"])
def test_installation_names_only_extras_and_files_that_exist(name: str) -> None:
    page = (ROOT / "docs" / name).read_text(encoding="utf-8")
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
        "optional-dependencies"
    ]
    named = set(re.findall(r'`(?:--editable "\.)?\[([a-z]+)\]"?`', page))
    assert named
    assert named <= extras.keys()
    assert (ROOT / "constraints.txt").exists()
    assert "make setup TORCH=cpu" in page
