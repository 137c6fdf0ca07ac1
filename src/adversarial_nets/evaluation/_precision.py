"""Matrix products in full float32, whatever the caller trains in."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

__all__ = ["full_float32"]


@contextmanager
def full_float32(device: torch.device) -> Iterator[None]:
    """Within it, products are made neither in TF32 nor in bfloat16; afterwards all is as before.

    Both the backends' settings and autocast can lower a product's precision.
    """
    settings = [getattr(torch.backends, backend).matmul for backend in ("cuda", "mkldnn")]
    before = [setting.fp32_precision for setting in settings]
    try:
        for setting in settings:
            setting.fp32_precision = "ieee"
        with torch.autocast(device.type, enabled=False):
            yield
    finally:
        for setting, value in zip(settings, before, strict=True):
            setting.fp32_precision = value
