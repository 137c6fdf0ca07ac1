"""The Jinja templates of all pages, and data URIs for the images inside them."""

import base64
from functools import cache

import jinja2

from adversarial_nets import __version__
from adversarial_nets.evaluation.published import error_in_words

__all__ = ["data_uri", "template", "text_template"]


def template(name: str = "run.html") -> jinja2.Template:
    """A page's template. It escapes every value, and an undefined name is an error."""
    return _environment(autoescape=True).get_template(name)


@cache  # it keeps the compiled templates
def _environment(autoescape: bool) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("adversarial_nets", "report"),
        autoescape=autoescape,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["version"] = __version__
    environment.filters |= {
        "nats": nats,
        "count": lambda n: f"{n:,}",
        "error_in_words": error_in_words,
    }
    return environment


def text_template(name: str) -> jinja2.Template:
    """The template of a page of plain text, which escapes nothing."""
    return _environment(autoescape=False).get_template(name)


def nats(value: float) -> str:
    """A log-likelihood with one decimal and a true minus sign.

    >>> nats(-1234.56)
    '−1,234.6'
    """
    return f"{value:,.1f}".replace("-", "−")


def data_uri(content: bytes, kind: str) -> str:
    """An image as a data URI, so that a page needs no other file.

    >>> data_uri(b"GIF", "gif")
    'data:image/gif;base64,R0lG'
    """
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
