"""Use the installed package as a new user would, in an empty folder.

    python try_wheel.py          # without any extra
    python try_wheel.py EXTRA    # use what the extra is for

`.ci/versions` runs it in a new environment. It needs nothing of the repository.
"""

import contextlib
import importlib.metadata
import json
import math
import subprocess
import sys
import sysconfig
import tempfile
import urllib.request
from pathlib import Path

import adversarial_nets as an

ADVNETS = Path(sysconfig.get_path("scripts"), "advnets")
DIGITS = ("train", "mnist-5k", "--run", "runs/first", "--rounds", "30")
EXTRAS_AND_COMMANDS = {
    "playground": ("playground",),
    "measures": ("measure", "runs/first"),
    "tensorboard": ("train", "mnist-5k", "--run", "runs/tb", "--rounds", "5", "--tensorboard"),
    "film": ("walk", "runs/first", "--frames", "2", "--out", "walk.mp4"),
    "export": ("export", "runs/first", "--onnx", "G.onnx"),
    "photographs": ("measure", "runs/first", "--features", "inception"),
}


def advnets(*args: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Run the installed program; it must end with that exit code, and without a traceback."""
    done = subprocess.run([ADVNETS, *args], capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == code, f"advnets {' '.join(args)}: {done.stdout}{done.stderr}"
    assert "Traceback" not in done.stderr, done.stderr
    return done


def without_extras() -> None:
    """Train, score, and write every kind of file; extras that are missing are named."""
    assert Path(an.__file__).is_relative_to(sys.prefix), f"{an.__file__} is not the wheel"
    assert importlib.metadata.version("adversarial-nets") == an.__version__
    assert an.__version__ in advnets("--version").stdout
    doctor = json.loads(advnets("doctor", "--json").stdout)
    assert doctor["problems"] == [], doctor["problems"]
    advnets("sample", "digits", "--n", "10")  # the generator that comes with the package
    assert Path("runs/digits/samples.png").stat().st_size
    advnets(*DIGITS)
    advnets("export", "runs/first", "--safetensors", "G", "--half")
    advnets("sample", "G", "--n", "10")
    advnets("evaluate", "runs/first", "--samples", "200", "--no-calibration")
    advnets("sample", "runs/first", "--n", "10", "--out", "samples.png")
    advnets("interpolate", "runs/first", "--out", "lines.png")
    advnets("report", "runs/first", "--again")
    advnets("paper", "figure1", "--rounds", "5", "--no-movie", "--out", "figure1")
    run = an.open_run("runs/first")
    G, _ = an.load_generator(run)
    assert an.sample(G, run.settings, n=4).shape == (4, 784)
    for extra, args in EXTRAS_AND_COMMANDS.items():
        if None in doctor["extras"][extra].values():
            lines = advnets(*args, code=2).stderr.splitlines()
            assert len(lines) == 1, lines
            assert f"pip install 'adversarial-nets[{extra}]'" in lines[0], lines


def with_playground() -> None:
    """The page and its scripts are served."""
    server = subprocess.Popen(
        [ADVNETS, "playground", "--no-browser", "--port", "0"],
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )
    try:
        assert server.stdout is not None
        url = next(word for word in server.stdout.readline().split() if word.startswith("http"))
        with urllib.request.urlopen(url) as page:
            text = page.read().decode()
        assert "<script" in text
    finally:
        server.terminate()
        server.wait()


def with_measures() -> None:
    """The Fréchet distance of two draws from one normal distribution is near 0."""
    import torch

    from adversarial_nets.evaluation.measures import frechet_distance

    x, y = torch.randn(2, 2000, 4, generator=torch.Generator().manual_seed(0))
    assert 0 <= frechet_distance(x, y) < 0.1


def with_tensorboard() -> None:
    """Training writes TensorBoard's file."""
    advnets(*EXTRAS_AND_COMMANDS["tensorboard"])
    assert list(Path("runs/tb/tensorboard").glob("events*"))


def with_film() -> None:
    """A film is written."""
    advnets(*DIGITS)
    advnets(*EXTRAS_AND_COMMANDS["film"])
    assert Path("walk.mp4").stat().st_size


def with_export() -> None:
    """The generator is written as an ONNX model, and read from it."""
    advnets(*DIGITS)
    advnets(*EXTRAS_AND_COMMANDS["export"])
    advnets("sample", "G.onnx", "--n", "4")
    assert Path("samples.png").stat().st_size


def with_bench() -> None:
    """A round in JAX gives a finite loss."""
    from adversarial_nets.bench.with_jax import jax_round

    play = jax_round(an.PRESETS["mnist"].settings, an.load("mnist-5k"))
    assert play is not None
    assert math.isfinite(play())


def with_photographs() -> None:
    """The network can be imported; its weights are a download."""
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    assert FeatureExtractorInceptionV3


def main() -> None:
    """Do what the first argument names, in an empty folder."""
    extra = sys.argv[1] if len(sys.argv) > 1 else None
    with tempfile.TemporaryDirectory(dir=".") as folder, contextlib.chdir(folder):
        globals()[f"with_{extra}" if extra else "without_extras"]()
    print(f"{'The wheel' if extra is None else f'The extra {extra}'} works")


if __name__ == "__main__":
    main()
