"""The memory of this process, and the peak memory of a program in a child process."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

from adversarial_nets.errors import UserError

__all__ = ["call_in_child", "peak_memory", "resident_memory", "run_in_child"]

# The child prints its own peak. The parent cannot measure it: until the child loads its program it
# is a copy of the parent, so the value includes the parent's memory.
_PRINT_PEAK_MEMORY = """
from adversarial_nets.bench.memory import peak_memory
print(peak_memory())
"""
_UNMEASURED = (
    "The peak memory of a process cannot be measured on this system; Linux and macOS are "
    "required. Run the benchmark there."
)


def peak_memory() -> int:
    """This process's peak resident memory in bytes.

    Raises:
        UserError: the system is not Linux or macOS.
    """
    status = Path("/proc/self/status")
    if status.exists():
        words = status.read_text(encoding="utf-8").split()
        return int(words[words.index("VmHWM:") + 1]) * 1024
    try:
        import resource
    except ModuleNotFoundError as error:  # Windows
        raise UserError(_UNMEASURED) from error
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def resident_memory() -> int:
    """This process's resident memory in bytes; on macOS its peak so far.

    Raises:
        UserError: the system is not Linux or macOS.
    """
    pages = Path("/proc/self/statm")
    if not pages.exists():
        return peak_memory()
    return int(pages.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def call_in_child(function: str, *args: object) -> tuple[float, float]:
    """Call a function of `workloads` in a child process.

    Args:
        function: the function's name.
        *args: its arguments, which must be literals.

    Returns:
        The number that the function returned, and the peak memory in MB.

    Raises:
        subprocess.CalledProcessError: the function failed.
    """
    program = (
        f"from adversarial_nets.bench import workloads\nprint(workloads.{function}(*{args!r}))"
    )
    printed, memory = run_in_child(program)
    return float(printed), memory


def run_in_child(program: str) -> tuple[str, float]:
    """The last line that a Python program printed, and its peak resident memory in MB of 10⁶ bytes.

    Raises:
        subprocess.CalledProcessError: the program failed.
    """
    if importlib.util.find_spec("resource") is None:  # Windows
        raise UserError(_UNMEASURED)
    command = [sys.executable, "-c", f"{program}\n{_PRINT_PEAK_MEMORY}"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, encoding="utf-8")
    *printed, peak = done.stdout.split()
    return printed[-1] if printed else "", round(int(peak) / 1e6, 1)
