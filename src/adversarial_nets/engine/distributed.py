"""Several processes playing one game, on PyTorch's own engine (`torch.distributed`, ``torchrun``).

Every worker holds both nets and plays its rows of each minibatch; gradients are summed over the
workers, so all of them take the same step. Since each draw is addressed by its row in the whole
minibatch (`randomness`), the game is the same however many share it. Alone, which is how most games
are played, every function here does nothing.
"""

import contextlib
import importlib
import os
from collections.abc import Iterable, Iterator

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.distributed_c10d import PrefixStore
from torch.distributed.rendezvous import rendezvous

__all__ = [
    "all_gather",
    "all_reduce_max",
    "all_reduce_sum",
    "barrier",
    "is_main",
    "local_device",
    "local_rows",
    "main_process_first",
    "max_over_ranks",
    "process_group",
    "rank",
    "under_torchrun",
    "was_restarted",
    "world_size",
]


def under_torchrun() -> bool:
    """Whether ``torchrun`` started this process."""
    return dist.is_available() and dist.is_torchelastic_launched()


def was_restarted() -> bool:
    """Whether ``torchrun`` started this process anew after one had died (``--max-restarts``)."""
    return os.environ.get("TORCHELASTIC_RESTART_COUNT", "0") != "0"


@contextlib.contextmanager
def process_group() -> Iterator[None]:
    """Work with the other processes that ``torchrun`` started; alone, do nothing.

    Messages travel by gloo on the CPU, by NCCL on CUDA.
    """
    if not under_torchrun() or dist.is_initialized():
        yield
        return
    # The first optimiser imports this. Imported beside a process group it would hold on to it for
    # ever: gloo's threads would outlive `destroy_process_group`, and one that lets go of a tensor
    # while Python ends would abort the process.
    importlib.import_module("torch._dynamo")
    # After a restart the launcher's store may still hold the addresses of the dead; under a name of
    # its own, each attempt finds only the living.
    store, rank, size = next(rendezvous("env://"))
    attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
    dist.init_process_group(
        "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo",
        store=PrefixStore(f"attempt {attempt}", store),
        rank=rank,
        world_size=size,
    )
    try:
        yield
    finally:
        dist.destroy_process_group()


def world_size() -> int:
    """How many workers play."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """This worker's number, from 0."""
    return dist.get_rank() if world_size() > 1 else 0


def is_main() -> bool:
    """Whether this is the worker that writes files and prints."""
    return rank() == 0


def local_rows(n: int) -> range:
    """This worker's rows of n: as equal parts as there are workers, in their order.

    >>> local_rows(100)
    range(0, 100)
    """
    i, k = rank(), world_size()
    return range(i * n // k, (i + 1) * n // k)


def all_reduce_sum(tensors: Iterable[Tensor]) -> None:
    """Put the sum over all workers in the place of each tensor, in one message."""
    if world_size() == 1:
        return
    tensors = list(tensors)
    flat = torch.cat([t.flatten() for t in tensors])
    dist.all_reduce(flat)
    for t, total in zip(tensors, flat.split([t.numel() for t in tensors]), strict=True):
        t.copy_(total.view_as(t))


def all_reduce_max(tensor: Tensor) -> None:
    """Put the greatest value over all workers in the place of each."""
    if world_size() > 1:
        dist.all_reduce(tensor, dist.ReduceOp.MAX)


def max_over_ranks(number: int) -> int:
    """The greatest number that any worker gives; all must ask at the same moment."""
    greatest = torch.tensor([number])
    all_reduce_max(greatest)
    return int(greatest.item())


def all_gather(mine: Tensor, n: int) -> Tensor:
    """All n rows, of which each worker brings its `local_rows`."""
    k = world_size()
    if k == 1:
        return mine
    sizes = [(i + 1) * n // k - i * n // k for i in range(k)]
    padded = mine.new_zeros(max(sizes), *mine.shape[1:])  # all messages are of one size
    padded[: len(mine)] = mine
    parts = [torch.empty_like(padded) for _ in sizes]
    dist.all_gather(parts, padded)
    return torch.cat([part[:size] for part, size in zip(parts, sizes, strict=True)])


def barrier() -> None:
    """Wait for the others."""
    if world_size() > 1:
        dist.barrier()


@contextlib.contextmanager
def main_process_first() -> Iterator[None]:
    """Let the first worker do something before the others do it, e.g. fill a cache."""
    if not is_main():
        barrier()
    yield
    if is_main():
        barrier()


def local_device(device: str) -> str:
    """The device, with this worker's number on its machine where several have one each."""
    if device == "cuda" and under_torchrun():
        return f"cuda:{os.environ['LOCAL_RANK']}"
    return device
