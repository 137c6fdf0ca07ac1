"""A generator exported to ONNX gives the same images in onnxruntime."""

import logging
import types
from pathlib import Path

import numpy as np
import pytest
import torch

import adversarial_nets as an
from adversarial_nets.cli.main import main
from adversarial_nets.datasets import Dataset
from adversarial_nets.errors import UserError
from adversarial_nets.runs.onnx_file import METADATA, read_record
from adversarial_nets.settings import DiscriminatorSettings, GeneratorSettings
from small import generator, small_settings


def test_onnxruntime_draws_the_same_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A convolutional G with batch normalisation and cropping, for another number of images."""
    onnxruntime = pytest.importorskip("onnxruntime")
    x = torch.randint(0, 256, (40, 3 * 9 * 12), generator=generator()).to(torch.uint8)
    data = Dataset("pictures", x[:30], x[30:35], x[35:], (3, 9, 12), "made for tests")
    s = small_settings(
        G=GeneratorSettings(hidden=(), maps=4, batch_norm=True, bias_from_marginals=False),
        D=DiscriminatorSettings(units=(), maps=4, init=(0.1,)),
        optimiser="adam",
        lr=1e-3,
        batch=8,
    )
    run = an.train(data, settings=s, run=tmp_path / "run", rounds=3, progress=False)
    out = tmp_path / "G.onnx"
    logger = logging.getLogger("torch.onnx")
    monkeypatch.setattr(logger, "handlers", [caplog.handler])
    assert main(["export", str(run.folder), "--onnx", str(out)]) == 0
    assert [record.getMessage() for record in caplog.records if "onnx" in record.name] == []
    G, _ = an.load_generator(run)
    session = onnxruntime.InferenceSession(out)
    from_file, round = an.load_generator(out)
    assert (round, an.open_run(out).settings) == (3, run.settings)
    for m in (1, 7):
        z = torch.randn(m, 5, generator=generator(m))
        (images,) = session.run(["images"], {"z": z.numpy()})
        assert images.shape == (m, 3, 9, 12)
        np.testing.assert_allclose(images.reshape(m, -1), G(z).detach(), rtol=1e-4, atol=1e-5)
        np.testing.assert_array_equal(images.reshape(m, -1), from_file(z))
    assert main(["export", str(run.folder), "--onnx", "G.pt"]) == 2
    assert main(["sample", str(out), "--n", "2"]) == 0
    assert (tmp_path / "samples.png").exists()
    assert main(["report", str(out)]) == 2
    out.write_bytes(b"no model")
    assert main(["sample", str(out)]) == 2


@pytest.mark.parametrize("metadata", [{}, {METADATA: "{"}, {METADATA: "[]"}])
def test_a_file_without_readable_metadata_gets_a_sentence(
    metadata: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = types.SimpleNamespace(custom_metadata_map=metadata)
    session = types.SimpleNamespace(get_modelmeta=lambda: model)
    monkeypatch.setattr("adversarial_nets.runs.onnx_file._session", lambda path: session)
    with pytest.raises(
        UserError, match=r"G\.onnx does not contain the settings.*Export the run again"
    ):
        read_record(Path("G.onnx"))
