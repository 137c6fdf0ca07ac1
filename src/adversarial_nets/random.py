"""Counter-based random numbers: every draw is a function of (seed, purpose, step, row).

The generator is Philox (Salmon et al. 2011, https://doi.org/10.1145/2063384.2063405). Its key comes
from the seed and the purpose, its counter from the step and the row. No generator state has to be
saved to resume a run. Several processes can share a minibatch: each draws its own rows, and
together these are the minibatch of a single process.

>>> whole = Address(seed=1, step=5, rows=range(0, 4)).uniform("z", 3)
>>> part = Address(seed=1, step=5, rows=range(2, 4)).uniform("z", 3)
>>> bool((whole[2:] == part).all())
True
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from numpy.typing import NDArray
from torch import Tensor

from adversarial_nets.errors import SettingError

__all__ = ["Address", "permutation", "preserved_generators", "seeded_torch"]

_BYTES_PER_COUNT = 32  # each value of Philox's counter gives four 64-bit words


@lru_cache(maxsize=256)
def _key(seed: int, purpose: str) -> tuple[int, int]:
    """A 128-bit key by SeedSequence, whose results are the same in every NumPy version."""
    if seed < 0:
        raise SettingError("seed", f"is {seed}; it must be a whole number, 0 or more.")
    low, high = np.random.SeedSequence((seed, *purpose.encode())).generate_state(2, np.uint64)
    return int(low), int(high)


@dataclass(frozen=True, slots=True)
class Address:
    """The key of random draws: seed, step and rows. With a purpose, it determines every value.

    Attributes:
        seed: the run's seed, ≥ 0.
        step: number of the step that uses the draws, ≥ 0. Initial weights use the layer's number.
        rows: the rows to draw, counted in the *global* minibatch of all processes.
    """

    seed: int
    step: int
    rows: range

    def __post_init__(self) -> None:
        """Check that the rows are consecutive, because only their start and number are used."""
        if not isinstance(self.rows, range) or self.rows.step != 1:
            raise SettingError("rows", f"is {self.rows!r}; it must be a range with step 1.")

    def words(self, purpose: str, width: int, dtype: type[np.unsignedinteger[Any]]) -> NDArray[Any]:
        """Return random unsigned integers of the given type, shape (rows, width)."""
        per_count = _BYTES_PER_COUNT // np.dtype(dtype).itemsize
        counts = -(-width // per_count)
        generator = np.random.Philox(
            counter=[self.rows.start * counts, 0, self.step, 0],
            key=_key(self.seed, purpose),
        )
        raw = generator.random_raw(len(self.rows) * counts * 4)
        return raw.view(dtype).reshape(len(self.rows), counts * per_count)[:, :width]

    def uniform(self, purpose: str, width: int) -> Float[Tensor, "rows width"]:
        """Return draws from U[0, 1), multiples of 2⁻²⁴, which float32 represents exactly."""
        words = self.words(purpose, width, np.uint32)
        return torch.from_numpy((words >> 8).astype(np.float32)) * 2.0**-24

    def normal(self, purpose: str, width: int) -> Float[Tensor, "rows width"]:
        """Return draws from N(0, 1) as float32, by the Box-Muller transform of 32-bit uniforms."""
        words = self.words(purpose, 2 * width, np.uint32).astype(np.float64)
        radius = np.sqrt(-2 * np.log((words[:, 0::2] + 1) * 2.0**-32))
        angle = 2 * np.pi * words[:, 1::2] * 2.0**-32
        return torch.from_numpy((radius * np.cos(angle)).astype(np.float32))

    def bernoulli_mask(self, purpose: str, width: int, p: float) -> Bool[Tensor, "rows width"]:
        """Return a mask that is True with probability p (to within 2⁻¹⁷, by 16-bit words)."""
        return torch.from_numpy(self.words(purpose, width, np.uint16) < round(p * 2**16))

    def generator(self, purpose: str) -> torch.Generator:
        """Return a PyTorch generator seeded by this address; it is faster for many draws.

        The generator's draws depend on the seed, the purpose, the step, the first row and the order
        of the draws. Use it only for work that is not split among processes.
        """
        word = self.words(purpose, 1, np.uint64)[0, 0]
        return torch.Generator().manual_seed(int(word >> 1))


@lru_cache(maxsize=4)
def permutation(seed: int, purpose: str, step: int, n: int) -> Int64[Tensor, " n"]:
    """Return a random permutation of range(n): the argsort of n random 64-bit words."""
    words = Address(seed, step, range(1)).words(purpose, n, np.uint64)[0]
    return torch.from_numpy(np.argsort(words, kind="stable"))


@contextmanager
def seeded_torch(address: Address, purpose: str, device: torch.device) -> Iterator[None]:
    """Seed torch's generators from an address, to make random layers of user modules reproducible.

    The caller's generators are restored afterwards; those of other devices are not changed.
    """
    first = Address(address.seed, address.step, address.rows[:1])
    seed = int(first.words(purpose, 1, np.uint64)[0, 0])
    with preserved_generators(device):
        torch.default_generator.manual_seed(seed)
        if device.type == "cuda":
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        elif device.type != "cpu":
            torch.get_device_module(device).manual_seed(seed)
        yield


@contextmanager
def preserved_generators(device: torch.device) -> Iterator[None]:
    """A context that restores torch's random generators of the CPU and of one device at its end."""
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        if device.type in ("cpu", "cuda"):
            yield
            return
        of_device = torch.get_device_module(device)  # fork_rng supports only CUDA's devices
        state = of_device.get_rng_state()
        try:
            yield
        finally:
            of_device.set_rng_state(state)
