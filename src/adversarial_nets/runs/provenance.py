"""Software versions, machine and data source of a result."""

import os
import platform
from typing import Any

import numpy as np
import torch

from adversarial_nets import __version__, distributed
from adversarial_nets.datasets import Dataset
from adversarial_nets.datasets.registry import absolute_path

__all__ = ["made_with"]


def made_with(data: Dataset) -> dict[str, Any]:
    """Return the versions, machine, threads, processes and data source, for a run's record.

    For images in a folder, ``data_path`` is the absolute path, because a later command may run in
    another working folder.
    """
    path = absolute_path(data.name)
    return ({} if path is None else {"data_path": path}) | {
        "adversarial_nets": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "threads": torch.get_num_threads(),
        "processes": distributed.world_size(),
        "provenance": data.provenance,
    }
