"""The devices that PyTorch can compute on: the CPU, and GPUs if there are any."""

from collections.abc import Iterator

import torch

from adversarial_nets.errors import SettingError, UserError

__all__ = ["check_device", "devices"]


def devices() -> Iterator[tuple[str, str]]:
    """The names that ``--device`` takes, e.g. cpu and cuda:0, with the hardware's names."""
    yield "cpu", str(torch.backends.cpu.get_cpu_capability())
    accelerator = torch.accelerator.current_accelerator(check_available=True)
    if accelerator is None:
        return
    kind = accelerator.type
    name_of = getattr(getattr(torch, kind, None), "get_device_name", lambda i: "")  # mps lacks it
    for i in range(torch.accelerator.device_count()):
        yield f"{kind}:{i}", str(name_of(i))


def check_device(device: str) -> None:
    """Raise a UserError if this machine's PyTorch cannot compute on the device.

    Also if the program has made another device than the CPU the default of new tensors.
    """
    default = str(torch.get_default_device())
    if default != "cpu":
        raise UserError(
            f"torch.set_default_device({default!r}) puts new tensors there, but data sets stay in "
            f"main memory. Call torch.set_default_device('cpu'), and pass device={default!r}."
        )
    try:
        torch.ones(1, device=device).sum().item()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise SettingError(
            "device",
            f"is {device!r}, which PyTorch does not offer here. Devices of this machine: "
            f"{', '.join(name for name, _ in devices())}.",
        ) from error
