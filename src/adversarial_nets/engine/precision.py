"""Precision of float32 matrix products and convolutions: full float32, or bfloat16 inputs.

PyTorch stores this in global settings. The context managers here change them and restore them.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch

__all__ = ["bfloat16_products", "full_float32"]


@contextmanager
def full_float32(device: torch.device) -> Iterator[None]:
    """Compute matrix products in full float32, not in TF32 or bfloat16.

    This overrides both the backends' settings and autocast of the surrounding code.
    """
    backends = vars(torch.backends)
    settings = [backends[name].matmul for name in ("cuda", "mkldnn")]
    with _set(settings, "ieee"), torch.autocast(device.type, enabled=False):
        yield


@contextmanager
def bfloat16_products(device: torch.device) -> Iterator[None]:
    """Allow matrix products and convolutions to round their inputs to bfloat16.

    On a CPU this sets oneDNN's fp32_precision to ``bf16``: inputs are rounded to bfloat16, sums and
    all tensors stay float32. The setting is only a permission. oneDNN uses it if it has a kernel
    for this on the CPU, and otherwise computes in float32. With PyTorch 2.13, an Intel CPU with AMX
    rounded; an Intel and an AMD CPU that have AVX512-BF16 without AMX did not, but may add in
    another order. Check one product to find out: ``torch.cpu`` reports only what the CPU supports.
    On other devices this is autocast to bfloat16.
    """
    if device.type == "cpu":
        oneDNN = vars(torch.backends)["mkldnn"]
        with _set([oneDNN.matmul, oneDNN.conv], "bf16"):
            yield
    else:
        with torch.autocast(device.type, torch.bfloat16):
            yield


@contextmanager
def _set(settings: Sequence[Any], precision: str) -> Iterator[None]:
    """Set the precision of several backends, and restore it afterwards."""
    before = [setting.fp32_precision for setting in settings]
    try:
        for setting in settings:
            setting.fp32_precision = precision
        yield
    finally:
        for setting, value in zip(settings, before, strict=True):
            setting.fp32_precision = value
