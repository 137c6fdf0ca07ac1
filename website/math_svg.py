"""A Sphinx extension: formulas as SVG inside the page, so that no script and no font is needed."""

import html
import re
from functools import cache
from typing import TYPE_CHECKING, Any

from docutils import nodes
from latex2mathml.converter import convert
from ziamath.zmath import Latex

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.writers.html5 import HTML5Translator

__all__ = ["render", "setup"]

SIZE = 18
"""Height of the letters, in pixels at the page's default size of 16 pixels."""
LONG = 240
"""Width in pixels from which a formula gets a separate line on a narrow screen."""


@cache
def render(latex: str, inline: bool) -> str:
    """A formula as SVG in the colour of the text, with its MathML for screen readers.

    Args:
        latex: the formula.
        inline: whether it stands in a line of text.

    >>> render("D^*(x)", inline=True).startswith('<span class="math"><svg aria-hidden="true"')
    True
    """
    # ziamath sets no space after log, and a space after a minus sign at the beginning.
    spaced = re.sub(r"\\log (?=[\w\\])", r"\\log\\, ", latex)
    spaced = re.sub(r"(^|[(=\[&]\s*|\\(?:le|approx) )-", r"\1{-}", spaced)
    formula = Latex(spaced, size=SIZE, inline=inline, color="currentColor")
    svg = formula.svg()
    width, height = (float(v) for v in re.findall(r' (?:width|height)="([\d.]+)"', svg)[:2])
    top = float(re.findall(r'viewBox="\S+ (\S+)', svg)[0])
    below = height + top  # the part of the picture below the line of text
    em = f"width:{width / 16:.3f}em;height:{height / 16:.3f}em;vertical-align:{-below / 16:.3f}em"
    svg = re.sub(r' width="[\d.]+" height="[\d.]+"', f' style="{em}"', svg, count=1)
    svg = svg.replace("<svg ", '<svg aria-hidden="true" focusable="false" ', 1)
    mathml = convert(latex, display="inline" if inline else "block")
    spoken = f'<span class="math-spoken">{mathml}</span>'
    long = " long" if inline and width > LONG else ""
    return f'<span class="math{long}">{svg}{spoken}</span>'


def _visit_inline(self: "HTML5Translator", node: nodes.math) -> None:
    formula, after = render(node.astext(), inline=True), node.get("after", "")
    if after and not formula.startswith('<span class="math long"'):
        self.body.append(f'<span class="math-whole">{formula}{after}</span>')
    else:
        self.body.append(formula + after)
    raise nodes.SkipNode


def _visit_block(self: "HTML5Translator", node: nodes.math_block) -> None:
    formula = render(node.astext().strip(), inline=False)
    title = html.escape(node.astext().strip(), quote=True)
    self.body.append(f'<div class="math-block" tabindex="0" data-latex="{title}">{formula}</div>')
    raise nodes.SkipNode


_SIGNS = re.compile(r"[，。；：、）？！”.,;:)]+")


def _attach_signs(app: "Sphinx", doctree: nodes.document, name: str) -> None:
    """Join each formula and the signs after it, so that no line of the page begins with a sign."""
    for formula in list(doctree.findall(nodes.math)):
        after = formula.next_node(descend=False, siblings=True)
        found = _SIGNS.match(after) if isinstance(after, nodes.Text) else None
        if found:
            formula["after"] = html.escape(found[0])
            after.parent.replace(after, nodes.Text(after[found.end() :]))


def setup(app: "Sphinx") -> dict[str, Any]:
    """Register the extension."""
    app.add_html_math_renderer("svg", (_visit_inline, None), (_visit_block, None))
    app.connect("doctree-resolved", _attach_signs)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
