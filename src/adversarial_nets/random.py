"""Randomness that is addressed, not carried.

Every draw is a function of (seed, purpose, step, row): a counter-based generator (Philox) whose
key comes from the seed and the purpose and whose counter comes from the step and the row. So a
resumed run needs no generator state, and a batch shared among processes is the same batch: each
process draws its own rows of it.

>>> whole = Address(seed=1, step=5, rows=range(0, 4)).uniform("z", 3)
>>> part = Address(seed=1, step=5, rows=range(2, 4)).uniform("z", 3)
>>> bool((whole[2:] == part).all())
True
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from numpy.typing import NDArray
from torch import Tensor

from adversarial_nets.errors import UserError

__all__ = ["Address", "permutation"]

_BYTES_A_COUNT = 32  # each value of Philox's counter yields four 64-bit words


@lru_cache(maxsize=256)
def _key(seed: int, purpose: str) -> tuple[int, int]:
    """A 128-bit key: SeedSequence's hash is stable across versions, unlike ``hash()``."""
    if seed < 0:
        raise UserError(f"--seed is {seed}; it must be a whole number, 0 or more.")
    low, high = np.random.SeedSequence((seed, *purpose.encode())).generate_state(2, np.uint64)
    return int(low), int(high)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a batch's randomness lives.

    Attributes:
        seed: the run's seed, ≥ 0.
        step: which update the draws belong to, ≥ 0.
        rows: which rows of the *global* batch are wanted.
    """

    seed: int
    step: int
    rows: range

    def words(self, purpose: str, width: int, dtype: type[np.unsignedinteger[Any]]) -> NDArray[Any]:
        """Raw random words of the given unsigned type, one line per row: (rows, width)."""
        per_count = _BYTES_A_COUNT // np.dtype(dtype).itemsize
        counts = -(-width // per_count)
        generator = np.random.Philox(
            counter=[self.rows.start * counts, 0, self.step, 0],
            key=_key(self.seed, purpose),
        )
        raw = generator.random_raw(len(self.rows) * counts * 4)
        return raw.view(dtype).reshape(len(self.rows), -1)[:, :width]

    def uniform(self, purpose: str, width: int) -> Float[Tensor, "rows width"]:
        """U[0, 1) on the grid of multiples of 2⁻²⁴, which float32 holds exactly."""
        words = self.words(purpose, width, np.uint32)
        return torch.from_numpy((words >> 8).astype(np.float32)) * 2.0**-24

    def normal(self, purpose: str, width: int) -> Float[Tensor, "rows width"]:
        """N(0, 1) by the Box-Muller transform of two 32-bit uniforms, in float32."""
        words = self.words(purpose, 2 * width, np.uint32).astype(np.float64)
        radius = np.sqrt(-2 * np.log((words[:, 0::2] + 1) * 2.0**-32))
        angle = 2 * np.pi * words[:, 1::2] * 2.0**-32
        return torch.from_numpy((radius * np.cos(angle)).astype(np.float32))

    def bernoulli_mask(self, purpose: str, width: int, p: float) -> Bool[Tensor, "rows width"]:
        """True with probability p, which 16-bit words give to within 2⁻¹⁷."""
        return torch.from_numpy(self.words(purpose, width, np.uint16) < round(p * 2**16))

    def generator(self, purpose: str) -> torch.Generator:
        """A PyTorch generator that starts from this address: PyTorch's speed for many draws.

        What it draws depends on the seed, the purpose, the step and the first row, and on the
        order of the draws made from it; it is for work whose rows are never shared out.
        """
        word = self.words(purpose, 1, np.uint64)[0, 0]
        return torch.Generator().manual_seed(int(word >> 1))


@lru_cache(maxsize=4)
def permutation(seed: int, purpose: str, step: int, n: int) -> Int64[Tensor, " n"]:
    """A random order of range(n): the sorting order of n random 64-bit words."""
    words = Address(seed, step, range(1)).words(purpose, n, np.uint64)[0]
    return torch.from_numpy(np.argsort(words, kind="stable"))
