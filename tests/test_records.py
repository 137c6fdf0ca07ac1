"""The record of a run: the origin of its settings, weights and updates."""

import dataclasses
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from adversarial_nets import presets
from adversarial_nets.baselines.run_folder import fit_session
from adversarial_nets.build import new_game
from adversarial_nets.errors import UserError
from adversarial_nets.evaluation import score
from adversarial_nets.evaluation.parzen import ParzenScore
from adversarial_nets.evaluation.score import Evaluation
from adversarial_nets.paper import objective_study
from adversarial_nets.paper.objective_study import Result
from adversarial_nets.paper.section7 import rows
from adversarial_nets.paper.section7.rows import Row
from adversarial_nets.runs import checkpoints, files, folder, game_state
from adversarial_nets.runs.folder import Run, open_run
from adversarial_nets.settings import Cadence, Settings
from adversarial_nets.training.session import train
from small import small_data, small_settings

CADENCE = Cadence(5, 10, 10, 10)


@pytest.fixture(autouse=True)
def _small_preset(monkeypatch: pytest.MonkeyPatch) -> None:
    """A preset of a few units under the published preset's name."""
    small = dataclasses.replace(presets.PRESETS["mnist"], settings=small_settings(), rounds=10)
    monkeypatch.setitem(presets.PRESETS, "mnist", small)


def trained(run: Path, settings: Settings | None = None, rounds: int = 10) -> Run:
    """A short run, with the default settings of the small preset."""
    return train(
        small_data(),
        preset="mnist",
        settings=settings,
        run=run,
        rounds=rounds,
        cadence=CADENCE,
    )


def test_only_the_presets_own_settings_carry_its_name(tmp_path: Path) -> None:
    plain = trained(tmp_path / "plain")
    seeded = trained(tmp_path / "seed", small_settings(seed=3))
    longer = trained(tmp_path / "longer", rounds=20)
    assert {r.preset_label for r in (plain, seeded, longer)} == {"mnist"}
    other = trained(tmp_path / "k", small_settings(k=5, lr=0.2))
    assert other.preset_label == "custom, from mnist"
    assert other.changed == {"k": (1, 5), "lr": (0.1, 0.2)}
    assert folder.open_run(tmp_path / "k").changed == other.changed
    assert folder.history(other)["changed"] == other.changed


def test_a_seed_is_all_that_another_seed_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    how = {"preset": "mnist", "rounds": 10, "cadence": CADENCE, "progress": False}
    run = train(small_data(), seed=3, **how)  # type: ignore[arg-type]
    assert (run.settings.seed, run.preset_label) == (3, "mnist")
    assert run.folder == Path("runs/small-mnist-3")
    same = train(small_data(), settings=small_settings(seed=3), run="same", **how)  # type: ignore[arg-type]
    first, second = (
        checkpoints.read_checkpoint(checkpoints.checkpoint_folder(r.folder)) for r in (run, same)
    )
    assert all(torch.equal(first.nets[name], x) for name, x in second.nets.items())
    assert train(small_data(), seed=3, **how).folder == run.folder  # type: ignore[arg-type]
    with pytest.raises(UserError, match="seed 3 → 4"):
        train(small_data(), seed=4, run=run, **how)  # type: ignore[arg-type]


def test_own_networks_and_optimisers_are_not_the_preset(tmp_path: Path) -> None:
    G = nn.Sequential(nn.Linear(5, 36), nn.Sigmoid())
    for name, own in (("G", {"G": G}), ("rule", {"optimiser": torch.optim.RMSprop})):
        run = train(
            small_data(), preset="mnist", run=tmp_path / name, rounds=2, cadence=CADENCE, **own
        )
        assert run.preset_label == "custom, from mnist"


def test_a_run_keeps_its_label_if_the_preset_changes_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained(tmp_path / "run")
    newer = dataclasses.replace(presets.PRESETS["mnist"], settings=small_settings(lr=0.01))
    monkeypatch.setitem(presets.PRESETS, "mnist", newer)
    assert folder.open_run(tmp_path / "run").preset_label == "mnist"
    continued = train(small_data(), run=tmp_path / "run", rounds=20, cadence=CADENCE)
    assert continued.settings.lr == 0.1  # without settings, a run continues with its own


def test_a_record_without_changes_is_compared_with_its_preset(tmp_path: Path) -> None:
    """Folders of earlier versions do not state them."""
    trained(tmp_path / "run", small_settings(k=2))
    path = tmp_path / "run" / "settings.json"
    record = json.loads(path.read_text())
    del record["changed"]
    path.write_text(json.dumps(record))
    assert folder.open_run(tmp_path / "run").changed == {"k": (1, 2)}


def test_init_from_starts_at_another_runs_weights(tmp_path: Path) -> None:
    source = trained(tmp_path / "source")
    settings = small_settings(lr=1e-30, lr_floor=0.0, d_lr_multiplier=0.0, momentum=0.0)
    new = train(
        small_data(),
        settings=dataclasses.replace(settings, momentum_end=0.0),
        run=tmp_path / "new",
        init_from=source.folder,
        rounds=2,
        cadence=CADENCE,
    )
    before, after = (
        checkpoints.read_checkpoint(checkpoints.checkpoint_folder(r.folder)).nets
        for r in (source, new)
    )
    weights = [name for name in before if not name.startswith("averaged")]
    assert all(torch.equal(before[name], after[name]) for name in weights)
    assert new.info["init_from"] == {"run": str(source.folder), "round": 10, "preset": "mnist"}
    assert new.preset_label == "custom, from mnist"
    assert new.changed["lr"] == (0.1, 1e-30)


@pytest.mark.parametrize(("ema_decay", "taken"), [(0.9, "averaged"), (0.0, "G")])
def test_init_from_begins_the_average_at_the_sources_average_if_it_has_one(
    tmp_path: Path, ema_decay: float, taken: str
) -> None:
    source = trained(tmp_path, small_settings(ema_decay=ema_decay))
    saved = checkpoints.read_checkpoint(checkpoints.checkpoint_folder(tmp_path)).nets
    game = new_game(small_settings(), small_data())
    game_state.load_networks(game, source)
    assert game.averaged is not None
    for name, x in game.averaged.state_dict().items():
        assert torch.equal(x, saved[f"{taken}.{name}"])
        assert torch.equal(x, game.G.state_dict()[name]) == (taken == "G")


def test_init_from_takes_the_sources_settings_and_other_images(tmp_path: Path) -> None:
    source = trained(tmp_path / "source", small_settings(k=2))
    new = train(
        small_data(300),
        run=tmp_path / "new",
        init_from=source.folder,
        rounds=12,
        cadence=CADENCE,
    )
    assert new.settings == source.settings
    assert new.fingerprint != source.fingerprint
    # The same command continues the new run: the source's weights are not loaded again.
    longer = train(
        small_data(300), run=tmp_path / "new", init_from=source.folder, rounds=24, cadence=CADENCE
    )
    whole = train(
        small_data(300), run=tmp_path / "one", init_from=source.folder, rounds=24, cadence=CADENCE
    )
    a, b = (
        checkpoints.read_checkpoint(checkpoints.checkpoint_folder(r.folder)).nets
        for r in (longer, whole)
    )
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_init_from_never_trains_in_the_folder_of_its_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By default its folder is named after the source; with restart=True it deleted the source."""
    monkeypatch.chdir(tmp_path)
    how: dict[str, Any] = {"cadence": CADENCE, "progress": False}
    source = train(small_data(), settings=small_settings(), rounds=10, **how)
    before = {path: path.read_bytes() for path in source.folder.rglob("*") if path.is_file()}
    for rounds, restart in ((10, False), (20, False), (10, True)):
        new = train(small_data(), init_from=source, rounds=rounds, restart=restart, **how)
        assert new.folder.name == f"{source.folder.name}-from-{source.folder.name}"
        assert new.newest_round == rounds
    for restart in (True, False):
        with pytest.raises(UserError, match=r"is the run to start from; .* \(in Python, run=\)"):
            train(
                small_data(), init_from=source, run=source.folder, rounds=10, restart=restart, **how
            )
    after = {path: path.read_bytes() for path in source.folder.rglob("*") if path.is_file()}
    assert after == before


def test_init_from_refuses_other_networks(tmp_path: Path) -> None:
    source = trained(tmp_path / "source")
    wider = dataclasses.replace(
        small_settings(), G=dataclasses.replace(small_settings().G, hidden=(13, 10))
    )
    with pytest.raises(UserError, match="differ from those of the new run's settings"):
        train(small_data(), settings=wider, run=tmp_path / "new", init_from=source.folder, rounds=2)
    assert not (tmp_path / "new" / "settings.json").exists()
    with pytest.raises(
        UserError, match=r"on images of 6×6 .*give --size 6 --width 6 --channels 1\.$"
    ):
        train(small_data(side=7), run=tmp_path / "7", init_from=source.folder, rounds=2)
    assert not (tmp_path / "7").exists()


def test_the_record_says_which_update_code_was_used(tmp_path: Path) -> None:
    """A hook leaves manual backpropagation to autograd, which rounds differently."""
    run = trained(tmp_path / "run")
    assert run.info["updates"] == "manual"

    def continued(hooked: bool, rounds: int) -> object:
        s = small_settings()
        from adversarial_nets import nets

        D = nets.discriminator(s.D, 36, s.seed)
        if hooked:
            D.register_forward_hook(lambda *_: None)
        train(small_data(), settings=s, run=tmp_path / "own", D=D, rounds=rounds, cadence=CADENCE)
        return folder.open_run(tmp_path / "own").info["updates"]

    assert continued(hooked=False, rounds=10) == "manual"
    assert continued(hooked=True, rounds=20) == ["manual", "autograd"]
    assert continued(hooked=True, rounds=30) == ["manual", "autograd"]


def _add_section7(folder: Path, i: int) -> None:
    rows.record_rows(folder / "rows.json", [Row("few-labels", f"model {i}", "error", "mnist", 1.0)])


def _add_objective(folder: Path, i: int) -> None:
    played = Result("25-gaussians", "minimax", "none", i, 10, 25, 1.0, 0.0, 1.0)
    objective_study.record(folder / "results.json", [played])


def _add_score(folder: Path, i: int) -> None:
    run = dataclasses.replace(open_run("digits"), folder=folder)
    parzen = ParzenScore(1.0, None, 0.2, "paper", i + 1, False, ((0.2, 1.0),))
    score._record(run, Evaluation(5, "raw", "mnist", parzen, ()))


@pytest.mark.parametrize(
    ("add", "file"),
    [
        (_add_section7, "rows.json"),
        (_add_objective, "results.json"),
        (_add_score, "evaluation.json"),
    ],
)
def test_records_that_are_added_at_the_same_time_are_all_kept(
    add: Callable[[Path, int], None], file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slowly(path: Path, content: str | bytes) -> None:
        time.sleep(0.01)  # others read during this time, if they may
        write(path, content)

    write = files.write_atomically
    monkeypatch.setattr(files, "write_atomically", slowly)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda i: add(tmp_path, i), range(16)))
    content = json.loads((tmp_path / file).read_text())
    (records,) = content.values() if isinstance(content, dict) else [content]
    assert len(records) == 16


def test_threads_may_write_the_same_file_at_the_same_time(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda i: files.write_atomically(path, str(i) * 50), range(100)))
    assert len(set(path.read_text())) <= 2
    assert list(tmp_path.iterdir()) == [path]


def test_a_fit_writes_nothing_into_a_folder_that_another_one_uses(tmp_path: Path) -> None:
    fit = tmp_path / "fit"
    with files.lock(fit):
        with (
            pytest.raises(UserError, match="in use"),
            fit_session(fit, "E", small_data(), {}, "E", None),
        ):
            pass
        assert [path.name for path in fit.iterdir()] == [".lock"]


def test_samples_in_blocks_are_those_of_one_block(monkeypatch: pytest.MonkeyPatch) -> None:
    run = open_run("digits")
    G, _ = game_state.load_generator(run)
    whole: Any = score._samples(G, run, 20)
    monkeypatch.setattr(score, "_BLOCK", 7)
    blocks: Any = score._samples(G, run, 20)
    torch.testing.assert_close(torch.cat(list(blocks())), whole)
