"""Differences between systems: folders that cannot be flushed, signals, encodings of files."""

import ast
import errno
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

import adversarial_nets.__main__
from adversarial_nets.bench import memory
from adversarial_nets.cli.main import main
from adversarial_nets.cli.shared import needs_playground
from adversarial_nets.errors import UserError
from adversarial_nets.runs import files
from adversarial_nets.runs.signals import signals

SOURCES = sorted((Path(__file__).parent.parent / "src").rglob("*.py"))


def text_access_without_encoding(source: Path) -> list[int]:
    """Lines that read or write text in the encoding of the locale."""
    lines = []
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", None))
        given = {keyword.arg: keyword.value for keyword in node.keywords}
        owner = ast.unparse(node.func).rpartition(".")[0]
        if (
            name in ("read_text", "write_text")
            and "encoding" not in given
            and "resources" not in owner
        ):
            lines.append(node.lineno)
        if name == "open" and owner not in ("os", "Image", "tarfile", "gzip", "webbrowser"):
            mode = ast.unparse(given.get("mode", node.args[0] if node.args else ast.Constant("r")))
            if "b" not in mode and "encoding" not in given:
                lines.append(node.lineno)
        if name in ("run", "Popen") and "text" in given:
            lines.append(node.lineno)
    return lines


def test_no_text_depends_on_the_locale() -> None:
    found = {str(source): text_access_without_encoding(source) for source in SOURCES}
    assert {name: lines for name, lines in found.items() if lines} == {}


def test_a_text_has_its_own_line_ends(tmp_path: Path) -> None:
    files.write_atomically(tmp_path / "text", "a\nσ\r\n")
    assert (tmp_path / "text").read_bytes() == b"a\n\xcf\x83\r\n"


@pytest.mark.skipif(sys.platform != "linux", reason="file names are bytes on Linux")
def test_a_folder_whose_name_is_not_utf8(
    digits_run: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Such names come from old archives; a run can be kept, started from and compared there."""
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    run = shutil.copytree(digits_run, folder / "run")
    monkeypatch.chdir(tmp_path)
    assert main(["report", str(run), "--again"]) == 0
    args = ["--from", str(run), "--run", str(folder / "second"), "--rounds", "5", "--threads", "1"]
    for _ in range(2):  # train, and read what was written
        assert main(["train", "mnist-5k", *args]) == 0
    assert main(["compare", str(run), str(folder / "second")]) == 0
    assert "Traceback" not in capsys.readouterr().err


def test_folders_are_not_flushed_on_windows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows cannot open a folder, and flushes only files that are open for writing."""
    opened: list[tuple[Path, int]] = []
    real_open = os.open

    def windows_open(path: Path, flags: int, *args: Any) -> int:
        if Path(path).is_dir():
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        opened.append((path, flags))
        return real_open(path, flags, *args)

    monkeypatch.setattr(files, "_WINDOWS", True)
    monkeypatch.setattr(os, "open", windows_open)
    files.write_atomically(tmp_path / "file", "text")
    assert (tmp_path / "file").read_text(encoding="utf-8") == "text"
    assert [flags for _, flags in opened] == [os.O_RDWR]


def test_file_systems_that_cannot_flush_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fsync(descriptor: int) -> None:
        code = errno.EINVAL if os.path.isdir(f"/proc/self/fd/{descriptor}") else errno.EIO  # noqa: PTH112
        raise OSError(code, os.strerror(code))

    (tmp_path / "file").write_text("text", encoding="utf-8")
    monkeypatch.setattr(os, "fsync", fsync)
    files.flush(tmp_path)
    with pytest.raises(OSError, match="Input/output"):  # a file must be on the disk
        files.flush(tmp_path / "file")


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="needs a signal to try")
def test_ctrl_break_stops_on_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signal, "SIGBREAK", signal.SIGUSR1, raising=False)
    signal.signal(signal.SIGUSR1, lambda number, frame: None)  # by default it ends this process
    before = signal.getsignal(signal.SIGUSR1)
    with signals() as received:
        os.kill(os.getpid(), signal.SIGUSR1)
    assert received == [signal.SIGUSR1]
    assert signal.getsignal(signal.SIGUSR1) == before
    signal.signal(signal.SIGUSR1, signal.SIG_DFL)


def test_a_handler_from_outside_python_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """`signal.getsignal` gives None for a handler that C code has installed."""
    monkeypatch.setattr(signal, "getsignal", lambda number: None)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with signals() as received:
            assert received == []
    finally:
        signal.signal(signal.SIGINT, before)


def test_ctrl_c_during_the_imports_ends_quietly(monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupted:
        def find_spec(self, name: str, *more: object) -> None:
            if name == "adversarial_nets.cli.main":
                raise KeyboardInterrupt

    monkeypatch.delitem(sys.modules, "adversarial_nets.cli.main")
    monkeypatch.delattr("adversarial_nets.cli.main")
    monkeypatch.setattr(sys, "meta_path", [Interrupted(), *sys.meta_path])
    assert adversarial_nets.__main__.main(["--version"]) == 130


def test_no_module_needs_unix_to_be_imported() -> None:
    """`fcntl`, `resource` and the like do not exist on Windows."""
    program = (
        "import sys, pkgutil, importlib\n"
        "for name in ('fcntl', 'resource', 'pwd', 'grp', 'termios'): sys.modules[name] = None\n"
        "import adversarial_nets.cli.registry, adversarial_nets.runs.files\n"
        "import adversarial_nets.bench, adversarial_nets.bench.memory\n"
        "import adversarial_nets.bench.playground\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr


def test_memory_is_measured_only_where_it_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match="cannot be measured on this system"):
        memory.run_in_child("pass")


@pytest.mark.parametrize(("system", "unit"), [("darwin", 1), ("freebsd14", 1024)])
def test_peak_memory_without_proc_has_the_unit_of_the_system(
    monkeypatch: pytest.MonkeyPatch, system: str, unit: int
) -> None:
    import resource

    usage = resource.getrusage(resource.RUSAGE_SELF)
    monkeypatch.setattr("pathlib.Path.exists", lambda path: False)
    monkeypatch.setattr("sys.platform", system)
    monkeypatch.setattr("resource.getrusage", lambda who: usage)
    assert memory.peak_memory() == usage.ru_maxrss * unit
    assert memory.resident_memory() == usage.ru_maxrss * unit


def test_only_a_missing_package_of_the_extra_asks_for_it() -> None:
    with pytest.raises(UserError, match="needs bokeh, which is not installed"), needs_playground():
        raise ModuleNotFoundError(name="bokeh.models")
    with pytest.raises(ModuleNotFoundError), needs_playground():
        raise ModuleNotFoundError(name="resource")


@pytest.mark.parametrize(
    "words",
    ["can't allocate memory: you tried to", "not enough memory: you tried to", "out of memory"],
)
def test_pytorch_without_memory_gets_a_sentence(
    words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The texts of Linux, Windows and CUDA."""

    def fails(command: object, options: object) -> int:
        raise RuntimeError(f"DefaultCPUAllocator: {words}")

    monkeypatch.setattr("adversarial_nets.cli.main._run", fails)
    assert main(["datasets"]) == 2
    assert "There is not enough memory" in capsys.readouterr().err


def test_pytorchs_own_error_about_memory_gets_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(command: object, options: object) -> int:
        raise torch.OutOfMemoryError("another text")

    monkeypatch.setattr("adversarial_nets.cli.main._run", fails)
    assert main(["datasets"]) == 2
    assert "There is not enough memory" in capsys.readouterr().err
