"""Any one operation of any save may fail: one sentence comes up, what was there is kept, and all goes on from it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
import torch
from faulty import Fault, refusing
from saves import KINDS, points

from msd_engine.backend.errors import UserError
from msd_engine.events import Failed, Finished, Tick
from msd_engine.jobs.training.train import train
from msd_engine.runs.layout import MANIFEST
from msd_engine.runs.run import Run
from msd_engine.specs import Live

if not Path("/proc/self/fd").exists():
    pytest.skip("descriptors have no names here", allow_module_level=True)

FOREVER = float("inf")
FAULTS = {
    "an error once": {"number": errno.EIO},
    "a full disk for a moment": {"number": errno.ENOSPC, "torn": True},
    "a full disk for good": {"number": errno.ENOSPC, "torn": True, "lasts": FOREVER},
    "a broken disk": {"number": errno.EIO, "lasts": FOREVER, "spares_unlink": False},
}


def leftovers(root: Path) -> list[str]:
    return [path.name for path in root.rglob(".*.tmp")]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", KINDS)
def test_each_operation_of_a_save_may_fail(name: str, fault: str, tmp_path: Path) -> None:
    kind = KINDS[name]
    (tmp_path / "whole").mkdir()
    kind.begin(tmp_path / "whole")
    with refusing(tmp_path / "whole", Fault(-1, lasts=0)) as count:
        kind.work(tmp_path / "whole")
    total = len(count.asked)
    assert total > 3
    for at in range(total):
        root = tmp_path / str(at)
        root.mkdir()
        kind.begin(root)
        raised: UserError | None = None
        with refusing(root, Fault(at, **FAULTS[fault])) as count:
            try:
                kind.work(root)
            except UserError as error:
                raised = error
        assert count.failed or raised is None
        if raised is not None:
            assert str(raised).startswith(("Cannot write", str(root)))
            assert "\n" not in str(raised)
        # Where it says nothing it is done; where it says that it failed, it may still be done.
        kind.check(root, raised is None)
        assert not leftovers(root) or fault == "a broken disk"


def trained(root: Path, fault: Fault) -> int:
    """Train with a checkpoint at each step, and return how many operations that took."""
    live = Live()
    with refusing(root, fault) as count:
        try:
            for event in train(points(3), root / "run", device="cpu", live=live):
                if isinstance(event, Tick):
                    live.request_checkpoint()
        except UserError:
            # While the job was closed: then it tells nothing any more.
            pass
    if not count.failed:
        assert isinstance(event, Finished)
    else:
        assert isinstance(event, Failed | Finished)
    return len(count.asked)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("every", [6, pytest.param(1, marks=pytest.mark.long)])
def test_each_operation_of_a_training_may_fail(fault: str, every: int, tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    total = trained(tmp_path / "whole", Fault(-1, lasts=0))
    assert total > 30
    expected = Run.open(tmp_path / "whole" / "run").load_weights().tensors
    # The kinds of fault share the operations among them.
    for at in range(list(FAULTS).index(fault) % every, total, every):
        root = tmp_path / str(at)
        root.mkdir()
        trained(root, Fault(at, **FAULTS[fault]))
        begun = (root / "run" / MANIFEST).exists()
        if begun and Run.open(root / "run").has_weights:
            run = Run.open(root / "run")
            assert run.load_weights().step == run.load_state().step
        for name in root.rglob(".*.tmp"):
            # The next start comes later: a file that other programs may be writing is removed once it is old.
            os.utime(name, (0, 0))
        *_, last = train(None if begun else points(3), root / "run", resume=begun, device="cpu")
        assert isinstance(last, Finished)
        run = Run.open(root / "run")
        assert (run.manifest.step, run.manifest.status) == (3, "finished")
        weights = run.load_weights().tensors
        assert all(torch.equal(weights[name], value) for name, value in expected.items())
        assert [row["step"] for row in run.read_metrics().rows if "loss" in row] == [1, 2, 3]
        assert not leftovers(root)
