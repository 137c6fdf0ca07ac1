"""Runs whose files are damaged, moved or replaced: what is refused, repaired and kept."""

import dataclasses
import errno
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import adversarial_nets as an
from adversarial_nets import distributed
from adversarial_nets.errors import UserError
from adversarial_nets.evaluation import evaluate, score
from adversarial_nets.runs import checkpoints, metrics
from adversarial_nets.runs import folder as runs_folder
from adversarial_nets.runs.evaluations import read_evaluations
from adversarial_nets.training.session import TrainingSnapshot
from adversarial_nets.training.trend import trend
from small import small_data, small_settings
from test_runs import last, trained


def test_checkpoints_without_settings(tmp_path: Path) -> None:
    trained(tmp_path / "run", 20)
    (tmp_path / "run" / "settings.json").unlink()
    with pytest.raises(UserError, match=r"no settings\.json.*--restart"):
        trained(tmp_path / "run", 30, settings=small_settings(lr=0.5))
    trained(tmp_path / "run", 20, settings=small_settings(lr=0.5), restart=True)


@pytest.mark.parametrize(
    "bad",
    [
        *(b"\xff\xfe", b"5\n", b'{"a": 1}\n', b'{"round": 2', b"\0" * 9, b"[" * 100_000),
        *(b'{"round": 2, "scores": 3}', b'{"round": 2, "scores": {"raw": 3}}'),
    ],
)
def test_incomplete_lines_of_the_metrics_are_left_out(tmp_path: Path, bad: bytes) -> None:
    whole = b'{"round": 1, "loss": 0.5, "seconds": 2}\n'
    (tmp_path / "metrics.jsonl").write_bytes(whole + b"\n" + bad.strip() + b"\n" + whole)
    with pytest.warns(UserWarning, match="metrics.jsonl are left out: 3. Restore them"):
        rows = metrics.read_metrics(tmp_path)
    assert rows == [{"round": 1, "loss": 0.5, "seconds": 2}] * 2


def test_a_folder_in_place_of_the_metrics(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").mkdir()
    for read in (lambda: metrics.read_metrics(tmp_path), lambda: metrics.cut_metrics(tmp_path, 5)):
        with pytest.raises(UserError, match=r"metrics\.jsonl cannot be read.*Restore it"):
            read()


def test_an_incomplete_last_line_of_the_metrics_is_usual(tmp_path: Path) -> None:
    """A killed process leaves it. A last line that was edited is named."""
    path, whole = tmp_path / "metrics.jsonl", b'{"round": 1, "loss": 0.5, "seconds": 2}\n'
    path.write_bytes(whole + whole[:9])
    assert len(metrics.read_metrics(tmp_path)) == 1
    path.write_bytes(whole + b'{"round": 2, "seconds": 3}\n')
    with pytest.warns(UserWarning, match="are left out: 2"):
        assert len(metrics.read_metrics(tmp_path)) == 1


def test_rows_of_the_metrics_without_their_numbers(tmp_path: Path) -> None:
    """A report, and the sentence on the trend, would fail on them."""
    scores = {"raw": {"valid_nats": 3, "fine": 1.0, "coarse": 2.0}, "averaged": {"valid_nats": 4}}
    names = ("round", "d_loss", "g_loss", "D_x", "D_G_z", "spread", "epoch", "seconds")
    of_scores = {"scores": scores, "V_training": 0.5, "V_held_out": 0.5}
    row: dict[str, Any] = dict.fromkeys(names, 1) | of_scores | {"accuracy": 0.5}
    spoiled: list[dict[str, Any]] = []
    for name in row:
        without = {key: value for key, value in row.items() if key != name}
        bad: tuple[Any, ...] = (None, "x", [], True, 10**400, float("inf"))
        wrong = [row | {name: value} for value in bad]
        is_required = name not in ("accuracy", "scores")
        spoiled += [*wrong, *([without] if is_required else [])]
    parts: list[Any] = [{}, {"raw": {}}, {"averaged": {"valid_nats": 4}}]
    parts += [{"raw": {"valid_nats": 3, "fine": 1.0}}, {"raw": {"valid_nats": 3, "fine": ""}}]
    parts += [scores | {"other": other} for other in (None, 3, {}, {"valid_nats": "x"})]
    spoiled += [row | {"scores": part} for part in parts]
    text = "".join(json.dumps(x) + "\n" for x in [*spoiled, row])
    (tmp_path / "metrics.jsonl").write_text(text)
    with pytest.warns(UserWarning, match="left out: 1, 2, 3, 4, 5, …"):
        assert metrics.read_metrics(tmp_path) == [row]
    only_raw = row | {"scores": {"raw": scores["raw"]}}
    assert trend([only_raw, row], "averaged").rounds == (1,)


def test_scores_without_their_numbers(tmp_path: Path) -> None:
    reference = {"name": "k-means", "note": "", "nats": 1, "se": 1, "sigma": 0.2, "samples": 10}
    parzen: dict[str, Any] = {"nats": 1.0, "se": None, "sigma": 0.2, "grid": "paper"}
    parzen |= {"samples": 10, "at_edge": False, "curve": [[0.2, 1.0]], "folds": []}
    record = {"round": 5, "weights": "raw", "data": "mnist"}
    whole = record | {"parzen": parzen, "calibration": [reference]}
    path = tmp_path / "evaluation.json"
    path.write_text(json.dumps([whole]))
    assert read_evaluations(tmp_path) == [whole]
    spoiled = [whole | {name: ["x"]} for name in record]
    for bad in (True, ["x"], "x"):
        spoiled += [
            whole | {"parzen": parzen | {name: bad}}
            for name in parzen
            if (name, bad) not in [("at_edge", True), ("grid", "x"), ("folds", ["x"])]
        ]
    spoiled += [whole | {"calibration": [reference | {name: []}]} for name in reference]
    curves: tuple[Any, ...] = ([], [1], [[1]], [["", 1]])
    spoiled += [whole | {"parzen": parzen | {"curve": curve}} for curve in curves]
    spoiled += [whole | {"weights": ""}]
    del (lost := dict(reference))["note"]
    for damaged in [*spoiled, whole | {"calibration": [lost]}]:
        path.write_text(json.dumps([damaged]))
        with pytest.raises(UserError, match=r"evaluation\.json is damaged"):
            read_evaluations(tmp_path)
    for text in ('["step"]', '[["step"]]', '{"step": 1}', "[null]", "null"):
        path.write_text(text)
        with pytest.raises(UserError, match=r"evaluation\.json is damaged"):
            read_evaluations(tmp_path)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"image_shape": [1, -4, -4]}, "image_shape cannot be -4"),
        ({"classes": [1]}, r"classes cannot be \[1\]"),
        ({"classes": {"cat": None}}, "a class number cannot be null"),
        ({"exported": {"round": "1", "weights": "raw"}}, 'round cannot be "1"'),
        ({"changed": [1]}, r"changed cannot be \[1\]"),
    ],
)
def test_settings_edited_by_hand(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    path = trained(tmp_path / "run", 7).folder / "settings.json"
    record = json.loads(path.read_text()) | changes
    path.write_text("\ufeff" + json.dumps(record), encoding="utf-8")  # as Windows' editor does
    with pytest.raises(UserError, match=f"settings.json is damaged .{said}"):
        an.open_run(tmp_path / "run")
    path.write_text(100_000 * "[")
    with pytest.raises(UserError, match="cannot be read"):
        an.open_run(tmp_path / "run")


def test_a_folder_that_was_moved_is_not_created_again(tmp_path: Path) -> None:
    """The message says what is saved in the folder; a moved run continues in its new folder."""

    def move(snapshot: TrainingSnapshot) -> None:
        if snapshot.row["round"] == 35:
            (tmp_path / "run").rename(tmp_path / "new")

    with pytest.raises(UserError, match=r"was moved or deleted.*--run with its new place"):
        trained(tmp_path / "run", 60, callbacks=move)
    assert not (tmp_path / "run").exists()
    assert trained(tmp_path / "new", 60).newest_round == 60


def test_damaged_lines_of_the_metrics_are_left_out_and_kept_aside(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    trained(folder, 40)
    path = folder / "metrics.jsonl"
    whole = path.read_text()
    lines = whole.splitlines(keepends=True)
    path.write_text("".join([*lines[:2], "\0" * 40 + "\n", *lines[3:]]))
    before = path.read_bytes()
    with pytest.warns(UserWarning, match=r"Damaged lines of .* \(1\) are left out"):
        trained(folder, 60)
    assert (folder / "metrics.jsonl.damaged").read_bytes() == before
    rounds = [row["round"] for row in metrics.read_metrics(folder)]
    assert rounds == [7, 14, 28, 35, 40, 42, 49, 56, 60]


def test_restart_empties_a_linked_folder_of_checkpoints(tmp_path: Path) -> None:
    """The link may lead to a larger disk, so it stays."""
    folder, disk = tmp_path / "run", tmp_path / "disk"
    trained(folder, 40)
    (folder / "checkpoints").rename(disk)
    (folder / "checkpoints").symlink_to(disk)
    (disk / "mine").mkdir()
    trained(folder, 20, restart=True)
    (disk / "mine").rmdir()  # another program's folder is still there
    assert (folder / "checkpoints").is_symlink()
    assert [row["round"] for row in metrics.read_metrics(folder)] == [7, 14, 20]
    assert sorted(path.name for path in disk.iterdir()) == ["round-00000010", "round-00000020"]


def test_restart_that_cannot_delete_the_checkpoints_keeps_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run"
    trained(folder, 20)

    def refuse(path: Path) -> None:
        raise PermissionError(errno.EACCES, "no")

    monkeypatch.setattr(shutil, "rmtree", refuse)
    with pytest.raises(UserError, match="read-only"):
        runs_folder.discard(folder)
    monkeypatch.undo()
    assert trained(folder, 40).newest_round == 40


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 20 rounds with a file of scores."""
    folder = trained(tmp_path_factory.mktemp("scored") / "run", 20).folder
    (folder / "evaluation.json").write_text("[]")
    return folder


@pytest.mark.parametrize(
    "name",
    ["settings.json", "metrics.jsonl", "evaluation.json", "state.json", "nets.safetensors"],
)
def test_a_file_on_a_lost_disk_is_not_called_damaged(
    name: str, scored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Advice to delete or restore such a file would be wrong."""
    folder = shutil.copytree(scored, tmp_path / "run")
    read, number = Path.read_bytes, 0

    def refuse(path: Path) -> bytes:
        if path.name == name:
            raise OSError(number, "the system's words", str(path))
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", refuse)
    for number in (errno.EACCES, errno.EIO, errno.ESTALE):  # noqa: B007 (refuse reads it)
        with pytest.raises(UserError) as caught:
            trained(folder, 30)
        assert f"{name} cannot be read now (the system's words)" in str(caught.value)
        assert "elete" not in str(caught.value)
    monkeypatch.undo()
    assert trained(folder, 30).newest_round == 30


def test_restart_by_restarted_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes that died before they had replaced the run replace it; later ones continue it."""
    folder = tmp_path / "run"
    trained(folder, 20)
    monkeypatch.setattr(distributed, "launch_id", lambda: "this launch")
    monkeypatch.setattr(distributed, "was_restarted", lambda: True)
    trained(folder, 10, restart=True)
    assert last(folder).round == 10
    trained(folder, 30, restart=True)  # restarted again
    assert [r["round"] for r in metrics.read_metrics(folder)] == [7, 10, 14, 21, 28, 30]
    monkeypatch.setattr(distributed, "launch_id", lambda: "another launch")
    trained(folder, 10, restart=True)
    assert [r["round"] for r in metrics.read_metrics(folder)] == [7, 10]


def test_damaged_scores_are_reported_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = trained(tmp_path / "run", 10)
    (run.folder / "evaluation.json").write_text("[{")
    monkeypatch.setattr(score, "parzen_score_on", None)  # not reached
    with pytest.raises(UserError, match=r"evaluation.json is damaged.*Delete it"):
        evaluate(run, small_data(), progress=False)
    with pytest.raises(UserError, match=r"evaluation.json is damaged.*Delete it"):
        trained(run.folder, 20)
    assert last(run.folder).round == 10


def test_a_missing_checkpoint_among_many_names_the_nearest(tmp_path: Path) -> None:
    for round in range(1, 400):
        (tmp_path / "checkpoints" / f"round-{round:08d}").mkdir(parents=True)
    with pytest.raises(UserError, match=r"one of 399, e.g. 390, 391, .*, 399\.") as error:
        checkpoints.checkpoint_folder(tmp_path, "1000")
    assert len(str(error.value)) < 300


def test_restart_deletes_the_old_run(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    trained(folder, 20)
    (folder / "my notes.txt").write_text("kept")
    for name in ("tensorboard", "wandb", "mlruns", "inference"):
        (folder / name).mkdir()
    for name in ("samples.png", "walk.gif"):
        (folder / name).write_text("made of the old run")
    trained(folder, 20, settings=small_settings(k=2), restart=True)
    assert runs_folder.open_run(folder).settings.k == 2
    old = {"tensorboard", "wandb", "mlruns", "inference", "samples.png", "walk.gif"}
    assert not old & {p.name for p in folder.iterdir()}
    assert (folder / "my notes.txt").read_text() == "kept"


@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize("name", ["report.html", "figures/mine.png", "checkpoints/keep/a"])
def test_files_of_a_folder_without_a_run_are_kept(name: str, restart: bool, tmp_path: Path) -> None:
    mine = tmp_path / "folder" / name
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    with pytest.raises(UserError, match=f"is not a run's folder, but has {name.split('/')[0]}"):
        trained(tmp_path / "folder", 4, restart=restart)
    assert mine.read_text() == "mine"


def test_a_refused_game_changes_no_files(tmp_path: Path) -> None:
    impossible = dataclasses.replace(
        small_settings(), G=dataclasses.replace(small_settings().G, deconvolution=True)
    )
    for restart in (False, True):  # in a new folder
        with pytest.raises(UserError, match="deconvolution cannot make"):
            trained(tmp_path / "new", settings=impossible, restart=restart)
    trained(tmp_path / "new", 10)
    with pytest.raises(UserError, match="deconvolution cannot make"):  # and over a run
        trained(tmp_path / "new", settings=impossible, restart=True)
    with pytest.raises(UserError, match="--onto runs"):
        trained(tmp_path / "new", preset="tfd-stage2-small", restart=True)
    assert last(tmp_path / "new").round == 10


def _edit(path: Path, **changes: Any) -> None:
    record = json.loads(path.read_text()) | changes
    path.write_text(json.dumps(record))


def test_bad_checkpoints(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    trained(folder, 20)
    step = checkpoints.checkpoint_folder(folder)
    weights = (step / "nets.safetensors").read_bytes()
    for damaged in (weights[:-1], weights[:50] + b"\x00" + weights[51:], b"", b"PK\x03\x04"):
        (step / "nets.safetensors").write_bytes(damaged)
        with pytest.raises(UserError, match=r"damaged.*to continue from round 10"):
            trained(folder, 30)
    (step / "nets.safetensors").unlink()
    with pytest.raises(UserError, match="damaged"):
        trained(folder, 30)
    (step / "nets.safetensors").write_bytes(weights)
    whole = (step / "state.json").read_text()
    record = json.loads(whole)
    for lost in ("round", "sha256", "best", "tally"):
        kept = {k: record[k] for k in record if k != lost}
        if "sha256" in kept:  # as earlier versions wrote it, without its own checksum
            kept["sha256"] = {k: v for k, v in kept["sha256"].items() if k != "state.json"}
        (step / "state.json").write_text(json.dumps(kept))
        with pytest.raises(UserError, match=f"lacks {lost}.*continue from round 10"):
            trained(folder, 30)
    for changed in (whole.replace('"round": 20', '"round": 21', 1), whole[:-9], ""):
        (step / "state.json").write_text(changed)
        with pytest.raises(UserError, match=r"state.json: .*continue from round 10"):
            trained(folder, 30)
    (step / "state.json").write_text(whole)
    _edit(step / "state.json", format=99)
    with pytest.raises(UserError, match="newer version"):
        trained(folder, 30)
    _edit(step / "state.json", format="three")
    with pytest.raises(UserError, match="not written by"):
        trained(folder, 30)
    settings = (folder / "settings.json").read_text()
    _edit(folder / "settings.json", range=[0])
    with pytest.raises(UserError, match="is damaged"):
        trained(folder, 30)
    (folder / "settings.json").write_text(settings)
    (step / "state.json").write_text("<html>")
    with pytest.raises(UserError, match="it is not JSON"):
        trained(folder, 30)
    older = folder / "checkpoints" / "step-00000010"  # as earlier versions named it
    (folder / "checkpoints" / "round-00000010").rename(older)
    with pytest.raises(UserError, match="continue from round 10"):
        trained(folder, 30)
    state = (older / "state.json").read_text()
    (older / "state.json").write_text("")
    with pytest.raises(UserError, match="The run continues from round 20 without it"):
        checkpoints.read_checkpoint(older)
    (older / "state.json").write_text(state)
    shutil.rmtree(step)  # as the message advises
    trained(folder, 30)
    assert last(folder).round == 30
    for path in (folder / "checkpoints").iterdir():
        (path / "state.json").write_text("") if path.name.endswith("30") else shutil.rmtree(path)
    with pytest.raises(UserError, match=r"There is no other one.*--restart"):
        trained(folder, 40)


def test_a_lost_best_checkpoint_is_replaced_by_a_later_one(tmp_path: Path) -> None:
    trained(tmp_path, 20)
    state = checkpoints.checkpoint_folder(tmp_path) / "state.json"
    record = json.loads(state.read_text())
    record["best"] |= {"round": 5, "valid_nats": -1e9}  # its checkpoint does not exist
    del record["sha256"]["state.json"]
    state.write_text(json.dumps(record))
    with pytest.raises(UserError, match=r"no longer has its best checkpoint, that of round 5"):
        checkpoints.checkpoint_folder(tmp_path, "best")
    record["best"]["valid_nats"] = 1e9  # no later score can be better
    state.write_text(json.dumps(record))
    trained(tmp_path, 30)
    assert checkpoints.checkpoint_folder(tmp_path, "best").exists()


def test_a_state_edited_by_hand(tmp_path: Path) -> None:
    """Version 0.1.0 wrote no checksum of state.json, so its values are checked."""
    trained(tmp_path, 20)
    path = checkpoints.checkpoint_folder(tmp_path)
    record = json.loads((path / "state.json").read_text())
    del record["sha256"]["state.json"]
    values: tuple[Any, ...] = (None, "x", [1], -1, 2.5)
    bad: list[dict[str, Any]] = [{"sha256": None}, *({"round": value} for value in values)]
    values = (3, "x", [1], {}, {"round": []})
    bad += [{"best": value} for value in values]
    for changes in bad:
        (path / "state.json").write_text(json.dumps(record | changes))
        with pytest.raises(UserError, match=r"is damaged: state\.json: .*(cannot be|it has no)"):
            checkpoints.read_checkpoint(path)
