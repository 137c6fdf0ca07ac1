"""The package's public names, and what the READMEs and documents say about code and commands."""

import re
import subprocess
import sys
from pathlib import Path

import adversarial_nets as an
from adversarial_nets.cli.registry import COMMANDS
from adversarial_nets.runs.metrics import read_metrics

ROOT = Path(__file__).parent.parent


def test_public_names_are_lazy_and_all_there() -> None:
    program = "import sys, adversarial_nets; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)
    assert sorted(set(an.__all__)) == sorted(an.__all__)
    for name in an.__all__:
        assert getattr(an, name).__doc__
        assert name in dir(an)


def programs(page: str) -> list[str]:
    """The Python programs of a page."""
    return re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)


def test_documented_python_runs(tmp_path: Path) -> None:
    """The programs run as printed, with shorter trainings, without the tests' checks of types.

    The page's networks and optimiser give diverse samples within 400 rounds.
    """
    without_comments = [
        [re.sub("  # .*", "", program) for program in programs(page)]
        for page in ("README.md", "README.zh-CN.md", "docs/python.md", "docs/python.zh-CN.md")
    ]
    assert without_comments[0] == without_comments[1] != []
    assert without_comments[2] == without_comments[3] != []
    (of_readme,), (training, seeds, own, toys, of_digits) = without_comments[0], without_comments[2]
    program = training.replace('run="runs/first")', 'run="runs/first", rounds=20)')
    assert program != training
    program += seeds.replace("seed=seed,", "seed=seed, rounds=20,")
    program += f"{of_readme}assert images.shape == (100, 784)\n"
    program += toys.replace("[0, 200, 400]", "[0, 4]")
    program += f"{of_digits}assert sevens.shape == (20, 784)\n"
    shorter = own.replace("rounds=3000", "rounds=400")
    shorter = shorter.replace("an.evaluate(run, G=G)", "an.evaluate(run, G=G, calibration=False)")
    assert shorter != own
    program = program.replace("an.evaluate(run", "an.evaluate(run, samples=500")
    shorter = shorter.replace("an.evaluate(run", "an.evaluate(run, samples=500")
    program += f"print('---')\nimport torch; torch.manual_seed(0)\n{shorter}"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "runs" / "first" / "report.html").exists()
    assert "averaged G" in done.stdout.partition("---")[2]
    assert "mean of 2 seeds" in done.stdout
    assert re.search(r"^4 \d\.\d+ perfect G: 0\.01", done.stdout, re.M)
    assert "Bounded(value=0.111" in done.stdout
    assert (tmp_path / "three.png").stat().st_size > 10_000
    rows = read_metrics(tmp_path / "runs" / "own")
    assert {row["lr"] for row in rows} == {1e-3}
    assert rows[0]["spread"] < 0.05
    assert rows[-1]["spread"] > 0.1


def test_links_in_the_docs_lead_somewhere() -> None:
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]:
        for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_commands_in_the_docs_exist() -> None:
    names = {*COMMANDS, *(name.removeprefix("paper ") for name in COMMANDS), "COMMAND"}
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]:
        for indented, quoted in re.findall(
            r"^ {4}advnets ([a-zA-Z0-9].*)|`advnets ([a-zA-Z0-9][^`]*)", page.read_text(), re.M
        ):
            first, *rest = (indented or quoted).split()
            if first == "paper" and rest:
                first = f"paper {rest[0]}"
            assert first in names | {"paper", "paper COMMAND"}, f"{page.name}: {indented or quoted}"
