"""Make the example comparison that ships with the program, from the built-in digits and with the ordinary jobs.

    python packaging/example.py        about ten minutes on two cores ('make example')

It is the comparison of `msd sweep --preset digits-30s --ks 1,2,4,8 --seeds 0,1,2 --steps 300` without what only
training needs. The plan stays, and of each run its settings, held-out errors and result: `open_sweep` reads them.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

from msd_engine.backend.files import write_atomically
from msd_engine.events import ChildStarted, Failed, Finished
from msd_engine.jobs.sweep.story import table_event
from msd_engine.jobs.sweep.sweep import sweep
from msd_engine.runs.layout import MANIFEST, METRICS, RESULT, SWEEP
from msd_engine.runs.sweeps import SweepFolder
from msd_engine.specs import SweepSpec, load_preset
from msd_engine.specs.models import EXAMPLE

EXAMPLES = Path(__file__).parents[1] / "resources" / "examples"
STEPS, POINTS = 300, 15


def comparison() -> SweepSpec:
    """Return the plan: all of the preset but its budget, which is in steps and so repeats."""
    fields = {"training.steps": STEPS, "training.seconds": 0.0, "training.evaluate_every": STEPS // POINTS}
    base = load_preset("digits-30s").replace_all(fields)
    return SweepSpec(title=f"Example: digits 8×8, {STEPS} steps", base=base, ks=(1, 2, 4, 8), seeds=(0, 1, 2))


def run(folder: Path) -> None:
    """Train and measure every run of the comparison in a folder."""
    for event in sweep(comparison(), folder):
        match event:
            case ChildStarted():
                print(f"{event.number} of {event.total}: {event.name}", flush=True)
            case Failed():
                raise SystemExit(event.text)
            case Finished():
                print(event.text)


def pack(made: Path, out: Path) -> int:
    """Copy what readers need to another folder.

    Args:
        made: The finished comparison.
        out: The new folder; an older one is replaced.

    Returns:
        Size of the copy in bytes.
    """
    plan = SweepFolder.open(made)
    if out.exists():
        shutil.rmtree(out)
    out.mkdir(parents=True)
    shutil.copyfile(made / SWEEP, out / SWEEP)
    for child in plan.spec.children():
        (out / child.name).mkdir()
        for file in (MANIFEST, RESULT):
            shutil.copyfile(plan.run_folder(child.name) / file, out / child.name / file)
    for child, rows in plan.measured():
        lines = [json.dumps(row, separators=(",", ":")) for row in rows if "held_out" in row]
        write_atomically(out / child.name / METRICS, ("\n".join(lines) + "\n").encode())
    return sum(path.stat().st_size for path in out.rglob("*") if path.is_file())


def main() -> None:
    """Make the example and print its conclusions."""
    with tempfile.TemporaryDirectory() as folder:
        run(Path(folder, "made"))
        out = EXAMPLES / EXAMPLE
        print(f"{pack(Path(folder, 'made'), out):,} bytes in {out}")
    for sentence in table_event(SweepFolder.open(out)).findings:
        print(sentence)


if __name__ == "__main__":
    main()
