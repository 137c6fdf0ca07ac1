"""Plots and image grids show the right values and images, unblurred, complete and legible."""

import io
import math
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from typing import Any

import matplotlib
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from matplotlib.text import Text
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from adversarial_nets import objectives
from adversarial_nets.datasets import Dataset, to_pixels
from adversarial_nets.evaluation import PublishedScore
from adversarial_nets.plots import curves, fonts, interpolation, sheets, style
from adversarial_nets.settings import Settings

pytestmark = pytest.mark.draws

GAP = 2
SHAPES = [(1, 7, 5), (3, 6, 6)]


def data_of(shape: tuple[int, int, int], n: int = 60) -> Dataset:
    generator = torch.Generator().manual_seed(1)
    images = torch.randint(0, 256, (n, math.prod(shape)), generator=generator).to(torch.uint8)
    return Dataset("noise", images, images[:9], images[:9], shape, "made of noise")


def samples_of(data: Dataset, n: int) -> Tensor:
    return torch.rand(n, data.pixels, generator=torch.Generator().manual_seed(2))


def rows_of(n: int, scored: bool = True) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [
        {
            "round": 50 * (i + 1),
            "d_loss": 1 + math.sin(i),
            "g_loss": 2 + math.cos(i),
            "D_x": 0.8,
            "D_G_z": 0.2 + 0.1 * math.sin(i),
        }
        for i in range(n)
    ]
    if scored:
        rows[-1]["scores"] = {
            "raw": {"valid_nats": -80.0, "sigma": 0.2},
            "averaged": {"valid_nats": 211.0, "sigma": 0.2},
        }
    return rows


CURVE = [(0.1, -500.0), (0.2, 90.0), (0.4, 20.0), (1.0, -700.0)]
PUBLISHED = PublishedScore("Adversarial nets", 225.0, 2.0, "GAN paper")


def rgb(shape: tuple[int, int, int], x: Tensor) -> NDArray[np.uint8]:
    """Values in [0, 1] as RGB bytes: what a cell of an image grid must show."""
    channels, h, w = shape
    picture = (x.reshape(-1, channels, h, w) * 255).round().permute(0, 2, 3, 1).byte().numpy()
    return np.asarray(picture.repeat(3, axis=3) if channels == 1 else picture)


def tile(sheet: NDArray[np.uint8], row: int, column: int, h: int, w: int) -> NDArray[np.uint8]:
    y, x = row * (h + GAP) + GAP, column * (w + GAP) + GAP
    return sheet[y : y + h, x : x + w]


# --- Figure 2 -------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
def test_the_sixth_column_shows_the_nearest_training_images_of_the_fifth(
    shape: tuple[int, int, int],
) -> None:
    data = data_of(shape)
    x = samples_of(data, 20)
    sheet = sheets.figure2_sheet(x, data)
    _, h, w = shape
    assert sheet.shape == (4 * (h + GAP) + GAP, 6 * (w + GAP) + GAP, 4)
    train = data.train.numpy().astype(np.float64) / 255
    for row in range(4):
        for column in range(5):
            i = row * 5 + column
            shown = tile(sheet, row, column, h, w)
            assert (shown[..., :3] == rgb(shape, x[i : i + 1])[0]).all()
            assert (shown[..., 3] == 255).all()
        distances = ((train - x[row * 5 + 4].double().numpy()) ** 2).sum(1)
        nearest = data.train[int(distances.argmin())][None] / 255
        assert (tile(sheet, row, 5, h, w)[..., :3] == rgb(shape, nearest)[0]).all()


def test_a_memorised_image_is_its_own_nearest_training_image() -> None:
    data = data_of((1, 7, 5))
    x = data.floats(data.train[20:40])
    sheet = sheets.figure2_sheet(x, data)
    for row in range(4):
        assert (tile(sheet, row, 4, 7, 5) == tile(sheet, row, 5, 7, 5)).all()


def test_the_outline_is_yellow_around_the_sixth_column_and_nowhere_else() -> None:
    data = data_of((1, 7, 5))
    sheet = sheets.figure2_sheet(torch.zeros(20, 35), data)
    yellow = (sheet == (*style.YELLOW, 255)).all(2)
    expected = np.zeros_like(yellow)
    expected[:, 5 * (5 + GAP) :] = True
    for row in range(4):
        tile(expected[..., None], row, 5, 7, 5)[...] = False
    assert (yellow == expected).all()
    gaps = sheet[..., 3] == 0
    assert gaps.any()
    assert not (gaps & yellow).any()


# --- Files and sheets -----------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("scale", [1, 2, 3])
def test_read_grid_inverts_grid_png(shape: tuple[int, int, int], scale: int) -> None:
    x = samples_of(data_of(shape), 23)
    png = sheets.grid_png(x, shape, columns=10, scale=scale)
    assert (sheets.read_grid(png, shape, 23, columns=10) == rgb(shape, x)).all()


def test_the_range_of_the_data_maps_to_black_and_white() -> None:
    x = torch.tensor([[-1.0, 1.0, 3.0, 7.0]])  # values outside the range are clipped
    pixels = to_pixels(x, (1, 2, 2), (-1.0, 3.0))
    assert pixels[0, :, :, 0].tolist() == [[0, 128], [255, 255]]


def test_nan_is_black() -> None:
    """A game that diverges draws its last samples without a warning of NumPy."""
    x = torch.full((1, 4), torch.nan)
    assert (to_pixels(x, (1, 2, 2), (0.0, 1.0)) == 0).all()


def on_white(sheet: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.where(sheet[..., 3:] == 255, sheet[..., :3], 255).astype(np.uint8)


@pytest.mark.parametrize("shape", SHAPES)
def test_every_pixel_of_figure_2_is_a_crisp_square(shape: tuple[int, int, int]) -> None:
    data = data_of(shape)
    x = samples_of(data, 20)
    sheet = on_white(sheets.figure2_sheet(x, data))
    figure = sheets.plot_figure2(x, data)
    image = np.asarray(Image.open(io.BytesIO(style.to_png(figure))).convert("RGB"))
    box = figure.axes[0].get_window_extent()
    scale = round(box.width / sheet.shape[1])
    assert scale > 1
    top, left = round(image.shape[0] - box.y1), round(box.x0)
    enlarged = sheet.repeat(scale, 0).repeat(scale, 1)
    drawn = image[top : top + enlarged.shape[0], left : left + enlarged.shape[1]]
    assert (drawn == enlarged).all()


# --- Figure 3 -------------------------------------------------------------------------------------


def small_G(z_size: int = 4, pixels: int = 35) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(z_size, pixels), nn.Dropout(0.5), nn.Sigmoid())


def test_lines_are_straight_evenly_spaced_and_include_both_ends() -> None:
    z_0, z_1 = torch.randn(3, 4), torch.randn(3, 4)
    lines = interpolation.straight_lines(z_0, z_1, points=7)
    assert lines.shape == (3, 7, 4)
    assert (lines[:, 0] == z_0).all()
    assert (lines[:, -1] == z_1).all()
    steps = lines.diff(dim=1)
    torch.testing.assert_close(steps, ((z_1 - z_0) / 6)[:, None].expand_as(steps))


def test_interpolate_applies_G_in_evaluation_mode_along_each_line() -> None:
    G, settings = small_G(), Settings(z_size=4)
    z_0, z_1 = torch.randn(2, 4), torch.randn(2, 4)
    images = interpolation.interpolate(G, settings, points=5, ends=(z_0, z_1))
    assert G.training  # restored; the images themselves are generated without dropout
    G.eval()
    assert images.shape == (2, 5, 35)
    torch.testing.assert_close(images[:, 0], G(z_0).detach())
    torch.testing.assert_close(images[:, -1], G(z_1).detach())
    torch.testing.assert_close(images[:, 2], G((z_0 + z_1) / 2).detach())


def test_random_pairs_follow_the_prior_and_do_not_depend_on_their_number() -> None:
    settings = Settings(z_size=4, seed=3)
    few, many = interpolation.random_pairs(settings, 2), interpolation.random_pairs(settings, 200)
    assert all((a == b[:2]).all() for a, b in zip(few, many, strict=True))
    both = torch.cat(many)
    assert both.unique(dim=0).shape == (400, 4)
    assert both.abs().max() <= 3**0.5
    assert both.std().item() == pytest.approx(1, abs=0.1)
    default = interpolation.interpolate(small_G(), settings, rows=2, points=3)
    given = interpolation.interpolate(small_G(), settings, points=3, ends=few)
    assert (default == given).all()


def test_figure_3_has_a_row_for_each_line() -> None:
    data = data_of((1, 7, 5))
    images = torch.rand(2, 4, 35)
    sheet = sheets.figure3_sheet(images, data)
    for row in range(2):
        for column in range(4):
            shown = tile(sheet, row, column, 7, 5)[..., :3]
            assert (shown == rgb((1, 7, 5), images[row, column][None])[0]).all()


# --- Curves ---------------------------------------------------------------------------------------


def line(figure: Figure, label: str) -> tuple[NDArray[Any], NDArray[Any]]:
    (found,) = [ln for ln in figure.axes[0].get_lines() if str(ln.get_label()).startswith(label)]
    return np.asarray(found.get_xdata()), np.asarray(found.get_ydata())


def reference_lines(figure: Figure) -> list[float]:
    lines = [np.asarray(found.get_data()) for found in figure.axes[0].get_lines()]
    return [float(y[0]) for x, y in lines if x.tolist() == [0, 1]]


def test_few_rows_are_plotted_without_averaging() -> None:
    rows = rows_of(30)
    x, y = line(curves.plot_losses(rows), "D's loss")
    assert x.tolist() == [row["round"] for row in rows]
    assert y.tolist() == [row["d_loss"] for row in rows]


def test_many_rows_are_plotted_as_means_within_a_band_of_extremes() -> None:
    rows = rows_of(20_000, scored=False)
    rows[7777]["g_loss"] = 50.0
    figure = curves.plot_losses(rows)
    x, y = line(figure, "G's loss")
    assert len(x) <= 400
    assert np.mean(y) == pytest.approx(np.mean([row["g_loss"] for row in rows]))
    bands = [c.get_paths()[0].vertices for c in figure.axes[0].collections]
    assert max(np.asarray(b)[:, 1].max() for b in bands) == 50.0


def test_reference_lines_mark_the_losses_at_D_one_half() -> None:
    rows = rows_of(3)
    assert reference_lines(curves.plot_losses(rows)) == pytest.approx([math.log(4), math.log(2)])
    minimax = curves.plot_losses(rows, "minimax")
    assert reference_lines(minimax) == pytest.approx([math.log(4), -math.log(2)])
    assert reference_lines(curves.plot_discriminator_outputs(rows)) == [0.5]


def test_an_objective_of_a_programs_own_has_its_reference_lines(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """D ascends V; G's loss is (a − 1)²/2, ½ at D = ½, without a unit."""
    own = objectives.Objective(
        d_loss=objectives.minus_value,
        g_loss=lambda a: (a - 1).square().mean() / 2,
        d_ascends_V=True,
    )
    monkeypatch.setitem(objectives.OBJECTIVES, "own", own)
    figure = curves.plot_losses(rows_of(3), "own")
    assert reference_lines(figure) == pytest.approx([math.log(4), 0.5])
    assert figure.axes[0].get_ylabel() == "loss"
    copy = objectives.OBJECTIVES["minimax"]
    monkeypatch.setitem(objectives.OBJECTIVES, "own", copy)
    figure = curves.plot_losses(rows_of(3), "own")
    assert reference_lines(figure) == pytest.approx([math.log(4), -math.log(2)])
    assert figure.axes[0].get_ylabel() == "loss (nats)"


@pytest.mark.parametrize("name", ["least-squares", "relativistic", "of another program"])
def test_losses_that_are_not_minus_V_have_no_reference_lines(name: str) -> None:
    figure = curves.plot_losses(rows_of(3), name)
    assert reference_lines(figure) == []
    assert figure.axes[0].get_ylabel() == f"loss ({name})"


def test_the_published_score_is_drawn_only_when_given() -> None:
    rows = rows_of(3)
    marked = curves.plot_validation_scores(rows, PUBLISHED)
    assert reference_lines(marked) == [225]
    assert marked.axes[0].get_ylim()[1] > 226  # within the chart, not on its edge
    plain = curves.plot_validation_scores(rows)
    assert reference_lines(plain) == []
    assert line(plain, "raw")[1].tolist() == [-80.0]
    assert line(plain, "averaged")[1].tolist() == [211.0]


def test_nearly_equal_scores_have_no_offset_that_would_cover_the_legend() -> None:
    rows = rows_of(2)
    for i, row in enumerate(rows):
        row["scores"] = {"raw": {"valid_nats": -25513.0 + 1e-4 * i, "sigma": 0.2}}
    figure = curves.plot_validation_scores(rows)
    style.to_png(figure)
    assert figure.axes[0].yaxis.get_offset_text().get_text() == ""


def test_the_chosen_sigma_is_marked_on_its_curve() -> None:
    figure = curves.plot_sigma_selection(CURVE, 0.2)
    x, y = line(figure, "chosen")
    assert (x.tolist(), y.tolist()) == ([0.2], [90.0])
    assert line(figure, "σ")[0].tolist() == [s for s, _ in CURVE]


def test_training_curves_omit_the_scores_panel_without_scores() -> None:
    assert len(curves.plot_training_curves(rows_of(4)).axes) == 3
    assert len(curves.plot_training_curves(rows_of(4, scored=False)).axes) == 2


@pytest.mark.parametrize(
    "plot",
    [
        lambda palette: curves.plot_losses(rows_of(4), palette=palette),
        lambda palette: curves.plot_validation_scores(rows_of(4), PUBLISHED, palette),
        lambda palette: curves.plot_sigma_selection(CURVE, 0.2, palette),
    ],
)
def test_a_recoloured_chart_is_the_chart_drawn_in_these_colours(
    plot: Callable[[style.Palette], Figure],
) -> None:
    """But for the names of markers, which Matplotlib derives from their colours."""
    light, dark = (style.to_svg(plot(palette)) for palette in (style.LIGHT, style.DARK))
    recoloured = style.recoloured(light, style.LIGHT, style.DARK)
    marker = rb"m[0-9a-f]{10}"
    assert re.sub(marker, b"m", recoloured) == re.sub(marker, b"m", dark)
    assert re.sub(marker, b"m", light) != re.sub(marker, b"m", dark)


def figures() -> dict[str, Callable[[], Figure]]:
    data = data_of((1, 7, 5))
    pictures = {r: to_pixels(samples_of(data, 10), (1, 7, 5), (0.0, 1.0)) for r in (0, 500)}
    return {
        "figure 2": lambda: sheets.plot_figure2(samples_of(data, 20), data),
        "figure 3": lambda: sheets.plot_figure3(torch.linspace(0, 1, 280).view(2, 4, 35), data),
        "over time": lambda: sheets.plot_samples_over_time(pictures),
        "curves": lambda: curves.plot_training_curves(rows_of(500), published=PUBLISHED),
        "sigma": lambda: curves.plot_sigma_selection(CURVE, 0.2, style.DARK),
        "one row": lambda: curves.plot_training_curves(rows_of(1)),
    }


@pytest.mark.parametrize("name", figures())
def test_every_figure_is_legible_complete_and_saves_as_png_and_svg(name: str) -> None:
    before = dict(matplotlib.rcParams)
    figure = figures()[name]()
    png = Image.open(io.BytesIO(style.to_png(figure)))
    assert png.format == "PNG"
    svg = style.to_svg(figures()[name]())
    assert svg == style.to_svg(figures()[name]())  # the same bytes in every call
    assert dict(matplotlib.rcParams) == before
    for element in ElementTree.fromstring(svg).iter():
        for attribute, value in element.attrib.items():
            assert not (attribute.endswith("href") and value.startswith(("http", "//")))

    canvas = figure.bbox
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        if text.get_text() and text.get_visible():
            assert float(text.get_fontsize()) >= 9
    for axes in figure.axes:  # no text is cut off at the edge
        box = axes.get_tightbbox()
        assert box is not None
        assert box.x0 >= -1
        assert box.y0 >= -1
        assert box.x1 <= canvas.width + 1
        assert box.y1 <= canvas.height + 1


def labels_of(names: list[str]) -> list[str]:
    """The labels of rows of images with these names, drawn without a warning."""
    figure = sheets.plot_image_rows({name: np.zeros((2, 6, 6, 3), np.uint8) for name in names})
    style.to_png(figure)
    return [text.get_text() for text in figure.axes[0].texts]


@pytest.mark.filterwarnings("error")
def test_letters_that_the_usual_font_lacks_come_from_another_font() -> None:
    with matplotlib.rc_context({"font.family": ["cmss10"]}):  # Latin letters only
        text, families = fonts.text_and_fonts("Жук", "1")
        assert (text, families[0], len(families)) == ("Жук", "cmss10", 2)
        assert labels_of(["cat", "Жук"]) == ["cat", "Жук"]


@pytest.mark.filterwarnings("error")
def test_a_name_that_no_font_can_write_becomes_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    assert labels_of(["cat", "\U000f1234", "a$b$"]) == ["cat", "1", "a$b$"]  # a private letter
    monkeypatch.setattr(fonts, "_fonts", tuple)
    assert labels_of(["猫", "dog", "狗"]) == ["0", "dog", "2"]
