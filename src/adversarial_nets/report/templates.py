"""The Jinja templates of all pages."""

from functools import cache

import jinja2

from adversarial_nets import __version__
from adversarial_nets.evaluation.published import error_in_words

__all__ = ["template", "text_template"]


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
