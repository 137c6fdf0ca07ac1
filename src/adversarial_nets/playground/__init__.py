"""The playground: Algorithm 1 live in a browser page (``advnets playground``)."""

from adversarial_nets.playground.server import serve

__all__ = ["serve"]
