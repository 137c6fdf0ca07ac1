"""Settings as command-line options, for the commands that reports and the playground print."""

from collections.abc import Mapping
from typing import Any

__all__ = ["option", "option_words"]


def option(name: str) -> str:
    """The command-line option of a setting.

    >>> option("D.keep_prob_hidden")
    '--D.keep-prob-hidden'
    """
    return f"--{name.replace('_', '-')}"


def option_words(values: Mapping[str, Any]) -> list[str]:
    """The command-line words that set these settings.

    Args:
        values: the values by dotted name.

    >>> option_words({"lr": 0.1, "G.hidden": (8, 8), "G.batch_norm": False})
    ['--lr', '0.1', '--G.hidden', '8', '8', '--G.no-batch-norm']
    """
    words: list[str] = []
    for name, value in values.items():
        if isinstance(value, bool):
            network, _, switch = name.rpartition(".")
            words.append(option(name if value else f"{network}.no_{switch}"))
        else:
            items = value if isinstance(value, list | tuple) else [value]
            words += [option(name), *map(str, items)]
    return words
