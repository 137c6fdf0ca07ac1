"""Checks of a page that is in English and in Chinese."""

import re
from collections.abc import Iterable

from html_page import Page

HAN = "[\u3400-\u9fff]"
FULL_WIDTH = "[，。；：、？！（）]"

NAMES = (
    *("Parzen", "k-means", "MNIST", "FER-2013", "CIFAR-10", "ReLU", "Goodfellow", "Wasserstein"),
    *(
        "epoch",
        "arXiv:[0-9.]+",
        "log",
        "minG",
        "maxD",
        "pdata",
        "pz",
        "data",
        "Theis",
        "GSN",
        "CAE",
        "DBN",
        "GMMN",
    ),
    *(
        "VAE",
        "DAE",
        "PCA",
        "English",
        "SHA-256",
        "TFD",
        "adversarial-nets",
        "Mirza",
        "Osindero",
        "GAN",
    ),
    *("AAE", "DBM", "eVAE", "CGAN"),
    *(
        "paper",
        "fine",
        "mnist",
        "mnist.yaml",
        "--score-every",
        "lr",
        "lr_decay",
        "G.init",
        "d_lr_multiplier",
    ),
)
"""Names that Chinese texts keep."""

OF_CHARTS = (
    *("accuracy of D", "σ of the grid", "chosen", "raw G", "averaged G", "round", "loss", "nats"),
    *("samples", "training images", "held-out images", "D's loss", "G's loss"),
)
"""Words in charts, which the Chinese captions explain."""

NAMES_OF_THE_REPRODUCTION = (
    *("Helvetica", "BiGAN", "Donahue", "Salimans", "MCMC", "AIS", "RMSE", "JSD", "KL", "quick"),
    *("dimensions", "mnist-5k", "mnist-conditional", "fast-conditional", "filling-in", "fast"),
    *("quickstart-2014", "quickstart", "tfd-standin", "dx", "dz"),
)
"""Names that the page of the reproduction keeps in Chinese, in addition to `NAMES`."""


def check_languages(page: Page, names: Iterable[str] = ()) -> None:
    """Check that each text is there in both languages, and that neither has words of the other.

    Args:
        page: the page.
        names: names in the page, in addition to `NAMES`, that are the same in both languages.
    """
    every_text_has_its_translation(page)
    (body,) = page.all("body")
    pairs = [(a["data-en"], a["data-zh"]) for _, a in page.elements if "data-en" in a]
    pairs += [(body["data-title-en"], body["data-title-zh"]), (page.text, page.zh)]
    kept = sorted({*NAMES, *OF_CHARTS, *map(re.escape, names)}, key=len, reverse=True)
    for english, chinese in pairs:
        assert english
        assert chinese
        assert not re.search(f"{HAN}|{FULL_WIDTH}", english.replace("中文", "")), english
        assert re.search(HAN, chinese), chinese
        left = re.sub(
            "|".join(rf"(?<![A-Za-z])(?:{name})(?![A-Za-z])" for name in kept), "", chinese
        )
        found = re.search("[A-Za-z]{2,}.{,60}", left)
        assert found is None, found and found[0]
        typography_is_chinese(chinese)


def every_text_has_its_translation(page: Page) -> None:
    """An element of class "en" is followed by one of class "zh", also in what is read aloud."""
    for kinds in page.children:
        languages = [kind.split()[-1] for kind in kinds if kind]
        found = [language for language in languages if language in ("en", "zh")]
        assert found == ["en", "zh"] * (len(found) // 2), kinds
    assert ["en", "zh"] in page.children
    for tag, attributes in page.elements:
        spoken = attributes.keys() & {"alt", "aria-label"}
        if spoken or "data-en" in attributes:
            (name,) = spoken
            assert attributes[name] == attributes["data-en"] != attributes["data-zh"], tag


def typography_is_chinese(text: str) -> None:
    """Full-width punctuation has no spaces; Chinese and Latin words have one between them."""
    assert not re.search(f" {FULL_WIDTH}|{FULL_WIDTH} ", text), re.findall(
        f".{{,20}}(?: {FULL_WIDTH}|{FULL_WIDTH} ).{{,20}}", text
    )
    close = re.findall(f".{{,12}}(?:{HAN}[A-Za-z0-9]|[A-Za-z0-9]{HAN}).{{,12}}", text)
    assert not close, close
    assert not re.search(f"{HAN}[,;:?!]", text), text
