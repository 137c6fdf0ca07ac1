"""How exactly products and convolutions of float32 numbers are made.

PyTorch keeps this in global settings, so it is changed around a piece of work and put back.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch

__all__ = ["bfloat16_products", "full_float32"]


@contextmanager
def full_float32(device: torch.device) -> Iterator[None]:
    """Within it, products are made neither in TF32 nor in bfloat16, whatever the caller trains in.

    Both the backends' settings and autocast can lower a product's precision.
    """
    backends = vars(torch.backends)
    settings = [backends[name].matmul for name in ("cuda", "mkldnn")]
    with _set(settings, "ieee"), torch.autocast(device.type, enabled=False):
        yield


@contextmanager
def bfloat16_products(device: torch.device) -> Iterator[None]:
    """Within it, or in the function it decorates, products round their factors to bfloat16.

    On a processor the sums and all tensors stay float32, and where it cannot multiply bfloat16 (AMD
    can since Zen 4, Intel with AVX512-BF16 or AMX) nothing changes. Elsewhere it is autocast.
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
    before = [setting.fp32_precision for setting in settings]
    try:
        for setting in settings:
            setting.fp32_precision = precision
        yield
    finally:
        for setting, value in zip(settings, before, strict=True):
            setting.fp32_precision = value
