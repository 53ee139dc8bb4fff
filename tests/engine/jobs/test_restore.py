"""Whatever carries a spec gives it back unchanged; whatever does not is named in one sentence."""

import os
from pathlib import Path

import numpy as np
import pytest

from msd_engine.backend.errors import BadFile, UserError
from msd_engine.events import Event, Failed, Finished, Restored, Tick
from msd_engine.jobs.files.restore import restore
from msd_engine.jobs.tools.failures import reports_user_errors
from msd_engine.runs.pictures import encode_animation, save_png
from msd_engine.runs.restoring import read_spec
from msd_engine.runs.run import Run
from msd_engine.runs.samples import save_samples
from msd_engine.specs import ExperimentSpec, SpecError
from msd_engine.specs.data import MixtureSpec

CUSTOM = MixtureSpec(
    name="custom", weights=(0.25, 0.75), means=((0.0, 1.0), (2.0, -3.5)), covariances=(((1.0, 0.0), (0.0, 1.0)),) * 2
)
SPECS = [ExperimentSpec(), ExperimentSpec(title="σ₁, “x̂” and \\n", data=CUSTOM)]


def news(path: Path) -> list[Event]:
    """Return the events of a restoring, without ticks, which come while it works."""
    return [event for event in restore(path) if not isinstance(event, Tick)]


def carriers(folder: Path, spec: ExperimentSpec) -> list[Path]:
    text = spec.to_json()
    picture = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)
    names = ["a.png", "a.gif", "a.webp", "a.npz", "a.json", "run"]
    save_png(folder / "a.png", picture, text)
    for name in ("a.gif", "a.webp"):
        (folder / name).write_bytes(encode_animation(Path(name).suffix, [picture, picture[::-1]], spec_json=text))
    save_samples(folder / "a.npz", np.zeros((1, 2), np.float32), np.zeros((1, 1, 2), np.float32), 0, text)
    (folder / "a.json").write_text(spec.to_json(indent=2), "utf-8")
    Run.create(folder / "run", spec, device="cpu")
    return [folder / name for name in names]


@pytest.mark.parametrize("spec", SPECS, ids=["default", "custom"])
def test_every_carrier_gives_the_spec_back(tmp_path: Path, spec: ExperimentSpec) -> None:
    for path in carriers(tmp_path, spec):
        events = news(path)
        assert isinstance(events[0], Restored)
        assert ExperimentSpec.from_json(events[0].spec_json) == spec
        assert events[0].run == (str(path) if path.name == "run" else "")
        assert isinstance(events[-1], Finished)


def test_the_kind_follows_from_the_content_not_by_the_name(tmp_path: Path) -> None:
    for index, path in enumerate(carriers(tmp_path, SPECS[1])[:-1]):
        renamed = tmp_path / f"renamed-{index}.txt"
        path.rename(renamed)
        assert read_spec(renamed) == SPECS[1]


def test_a_manifest_restores_its_run(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "run", SPECS[1], device="cpu")
    first = news(run.folder / "manifest.json")[0]
    assert isinstance(first, Restored)
    assert first.run == str(run.folder)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is not a picture, sample file, preset or run folder"),
        (b"%PDF-1.7", "is not a picture, sample file, preset or run folder"),
        (b"\x80\x04cos\nsystem\n", "is not a picture, sample file, preset or run folder"),
        (b"{", "not valid JSON"),
        (b"{}", "it has no key “format” with the value 'msd-experiment-3' or 'msd-experiment-2' or 'msd-experiment-1'"),
        (b'{"name": "my-website", "version": 3}', "it has no key “format”"),
        (
            b'{"format": "msd-run-1", "seed": 0}',
            "format must be 'msd-experiment-3' or 'msd-experiment-2' or 'msd-experiment-1', but is 'msd-run-1'",
        ),
        (
            b'{"format": [1]}',
            "format must be 'msd-experiment-3' or 'msd-experiment-2' or 'msd-experiment-1', but is list",
        ),
        (b'{"format": "msd-experiment-1", "a": 1}', "There is no field called a"),
        (b'{"title": "a", "title": "b"}', "title is given twice"),
        (b'{"format": "msd-experiment-1", "training": {"k": 0}}', "training.k"),
        (b'{"format": "msd-experiment-1", "training": {"k": NaN}}', "training.k"),
        (b'{"a":' * 100_000, "not valid JSON"),
        (b'{"title": "\xff"}', "not valid JSON"),
        (b"{" + b" " * 2**22, "larger than"),
    ],
)
def test_what_carries_no_good_spec_is_named(tmp_path: Path, content: bytes, sentence: str) -> None:
    path = tmp_path / "dropped"
    path.write_bytes(content)
    (last,) = news(path)
    assert isinstance(last, Failed)
    assert sentence in last.text
    assert str(path) in last.text


def test_a_file_of_an_earlier_version_has_fewer_lines_and_is_read_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "old.json"
    path.write_text('{"format": "msd-experiment-1", "sampling": {"levels": 7}}', "utf-8")
    then = {"sampling.levels": 7, "sampling.conditioning": "scheduled"}
    assert read_spec(path) == ExperimentSpec().replace_all(then)


def test_a_picture_with_a_wrong_spec_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    save_png(path, np.zeros((2, 2), np.uint8), '{"format": "msd-experiment-2", "sampling": {"step_ratio": -1}}')
    with pytest.raises(BadFile, match=r"a\.png is not accepted: .*sampling\.step_ratio"):
        read_spec(path)


def test_missing_files_and_folders_without_a_run_are_named(tmp_path: Path) -> None:
    for path, sentence in ((tmp_path / "none", "is missing"), (tmp_path, "holds no run: choose a folder")):
        with pytest.raises(BadFile, match=sentence):
            read_spec(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
@pytest.mark.timeout(10)
def test_a_named_pipe_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BadFile, match="no regular file"):
        read_spec(tmp_path / "pipe")


def test_only_what_a_user_can_fix_becomes_failed() -> None:
    closed = []

    @reports_user_errors
    def job(error: Exception):  # type: ignore[no-untyped-def]
        try:
            yield Tick()
            raise error
        finally:
            closed.append(True)

    for error in (UserError("mend it"), BadFile("mend it"), SpecError("a.b", "mend it")):
        *_, last = job(error)
        assert isinstance(last, Failed)
        assert last.text == "mend it"
    with pytest.raises(ZeroDivisionError):
        list(job(ZeroDivisionError()))
    running = job(UserError("never"))
    next(running)
    running.close()  # type: ignore[attr-defined]
    assert len(closed) == 5


@pytest.mark.parametrize("kind", ["png", "npz", "json"])
def test_what_an_older_version_drew_says_that_its_seed_draws_other_chains(tmp_path, kind):
    path, spec = tmp_path / f"old.{kind}", ExperimentSpec(title="old")
    old = spec.to_json().replace('"generator":"philox4x32-10",', "")
    for text, same in ((old, False), (spec.to_json(), True)):
        if kind == "png":
            save_png(path, np.zeros((2, 2), np.uint8), text)
        elif kind == "npz":
            save_samples(path, np.zeros((1, 2), np.float32), np.zeros((1, 1, 2), np.float32), 0, text)
        else:
            path.write_text(text, "utf-8")
        *_, restored, finished = news(path)
        assert ExperimentSpec.from_json(restored.spec_json) == spec
        # With a preset nothing was drawn.
        assert ("its seed draws other chains now" in finished.text) == (not same and kind != "json")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be"])
def test_a_preset_that_an_editor_saved_with_a_byte_order_mark_is_restored(tmp_path, encoding):
    path = tmp_path / "edited.json"
    path.write_bytes(ExperimentSpec().to_json(indent=2).replace("\n", "\r\n").encode(encoding))
    assert read_spec(path) == ExperimentSpec()
    assert [type(event).__name__ for event in news(path)] == ["Restored", "Finished"]
