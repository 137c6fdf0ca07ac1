"""The Jinja templates of all pages."""

from functools import cache

import jinja2

from adversarial_nets import __version__
from adversarial_nets.evaluation.published import error_in_words
from adversarial_nets.languages import Text, same, text

__all__ = ["error", "nats", "template", "text_template"]

_NO_UNIT = same("")


def template(name: str) -> jinja2.Template:
    """A page's template. It escapes every value, and an undefined name is an error."""
    return _environment(autoescape=True).get_template(name)


@cache  # one environment, which caches the compiled templates
def _environment(autoescape: bool) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("adversarial_nets", "report"),
        autoescape=autoescape,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["version"] = __version__
    environment.filters |= {"nats": nats, "count": lambda n: f"{n:,}", "error": error}
    return environment


def text_template(name: str) -> jinja2.Template:
    """The template of a page of plain text, without escaping."""
    return _environment(autoescape=False).get_template(name)


def nats(value: float) -> str:
    """A log-likelihood with one decimal and a true minus sign.

    >>> nats(-1234.56)
    '−1,234.6'
    """
    return f"{value:,.1f}".replace("-", "−")


def error(se: float | None, unit: Text = _NO_UNIT) -> Text:
    """The standard error of a score as text, to print after the score, with the score's unit.

    >>> error(2.0)["en"], error(None, text(" nats", " 奈特"))["zh"]
    (' ± 2.0', ' 奈特（单张图像没有标准误）')
    """
    if se is None:
        return text(error_in_words(None, unit["en"]), f"{unit['zh']}（单张图像没有标准误）")
    return text(error_in_words(se, unit["en"]), error_in_words(se, unit["zh"]))
