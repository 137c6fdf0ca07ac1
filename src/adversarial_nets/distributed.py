"""Data-parallel training in several processes, with `torch.distributed` and ``torchrun``.

Every process (rank) holds both networks and computes its rows of each minibatch. Gradients are
summed over the ranks (all-reduce), so all ranks make the same update. Random draws depend on the
row in the global minibatch (`adversarial_nets.random`), so the result does not depend on the number
of processes, except for rounding. A single process is rank 0 and holds all rows.
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

from adversarial_nets.errors import UserError

__all__ = [
    "all_gather",
    "all_reduce_max",
    "all_reduce_sum",
    "barrier",
    "is_main",
    "launch_id",
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

_MISTAKE = "a user's mistake"  # key of the error in the store that all ranks share


def under_torchrun() -> bool:
    """Return whether ``torchrun`` started this process."""
    return dist.is_available() and dist.is_torchelastic_launched()


def was_restarted() -> bool:
    """Return whether ``torchrun`` restarted this process after a failure (``--max-restarts``)."""
    return os.environ.get("TORCHELASTIC_RESTART_COUNT", "0") != "0"


def launch_id() -> str:
    """Return ``torchrun``'s identifier of this launch, the same for all processes and restarts."""
    return os.environ.get("TORCHELASTIC_RUN_ID", "")


@contextlib.contextmanager
def process_group() -> Iterator[None]:
    """Join the process group of ``torchrun`` inside the ``with`` block.

    Without ``torchrun``, or inside another block of this function, do nothing. The backend is gloo
    for CPU tensors and NCCL for CUDA tensors.

    Raises:
        UserError: rank 0 also raises the error of another rank, e.g. because only that rank's
            machine lacks the data. Otherwise rank 0 would only report a broken connection.
    """
    if not under_torchrun() or dist.is_initialized():
        yield
        return
    # The first optimiser imports torch._dynamo. If a process group exists then, torch._dynamo keeps
    # a reference to it, gloo's threads survive `destroy_process_group`, and the process can abort
    # when Python exits. So import it before.
    importlib.import_module("torch._dynamo")
    # After a restart the store may still hold addresses of processes that no longer exist, so each
    # attempt uses its own prefix.
    store, rank, size = next(rendezvous("env://"))
    attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
    shared = PrefixStore(f"attempt {attempt}", store)
    dist.init_process_group(
        "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo",
        store=shared,
        rank=rank,
        world_size=size,
    )
    try:
        yield
    except UserError as error:
        if rank > 0:
            # Written before the connections close, so that rank 0 finds the error when they break.
            shared.set(_MISTAKE, f"{error.exit_code} {error}")
        raise
    except RuntimeError as error:
        if rank == 0 and shared.check([_MISTAKE]):
            raise _mistake_of_another_rank(shared) from error
        raise
    finally:
        dist.destroy_process_group()


def _mistake_of_another_rank(shared: PrefixStore) -> UserError:
    """The error that another rank wrote into the store."""
    code, _, message = shared.get(_MISTAKE).decode().partition(" ")
    error = UserError(message)
    error.exit_code = int(code)
    return error


def world_size() -> int:
    """Return the number of processes."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """Return this process's rank, counted from 0."""
    return dist.get_rank() if world_size() > 1 else 0


def is_main() -> bool:
    """Return whether this is rank 0, which writes files and prints."""
    return rank() == 0


def local_rows(n: int) -> range:
    """Return this rank's contiguous share of n rows; shares differ by at most one row.

    >>> local_rows(100)
    range(0, 100)
    """
    i, k = rank(), world_size()
    return range(i * n // k, (i + 1) * n // k)


def all_reduce_sum(tensors: Iterable[Tensor]) -> None:
    """Replace each tensor by its sum over all ranks, in place, with one all-reduce."""
    if world_size() == 1:
        return
    tensors = list(tensors)
    flat = torch.cat([t.flatten() for t in tensors])
    dist.all_reduce(flat)
    for t, total in zip(tensors, flat.split([t.numel() for t in tensors]), strict=True):
        t.copy_(total.view_as(t))


def all_reduce_max(tensor: Tensor) -> None:
    """Replace each value by its maximum over all ranks, in place."""
    if world_size() > 1:
        dist.all_reduce(tensor, dist.ReduceOp.MAX)


def max_over_ranks(number: int) -> int:
    """Return the maximum of a number over all ranks; every rank must call this."""
    maximum = torch.tensor([number])
    all_reduce_max(maximum)
    return int(maximum.item())


def all_gather(local: Tensor, n: int) -> Tensor:
    """Return all n rows on every rank; each rank passes its `local_rows` of them."""
    k = world_size()
    if k == 1:
        return local
    sizes = [(i + 1) * n // k - i * n // k for i in range(k)]
    padded = local.new_zeros(max(sizes), *local.shape[1:])  # gather needs equal sizes
    padded[: len(local)] = local
    parts = [torch.empty_like(padded) for _ in sizes]
    dist.all_gather(parts, padded)
    return torch.cat([part[:size] for part, size in zip(parts, sizes, strict=True)])


def barrier() -> None:
    """Wait until every rank has reached this call."""
    if world_size() > 1:
        dist.barrier()


@contextlib.contextmanager
def main_process_first() -> Iterator[None]:
    """Run the ``with`` block on rank 0 first, then on the others, e.g. to fill a cache once."""
    if not is_main():
        barrier()
    yield
    if is_main():
        barrier()


def local_device(device: str) -> str:
    """Return the device; under ``torchrun``, ``cuda`` becomes ``cuda:LOCAL_RANK``."""
    if device == "cuda" and under_torchrun():
        return f"cuda:{os.environ['LOCAL_RANK']}"
    return device
