"""Actions on runs, and the runs that allow them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from msd_engine.events import RunRow
from msd_engine.specs import ExperimentSpec
from msd_gui.pages.base.actions import ActionRow
from msd_gui.pages.runs.comparison import Comparison

RUN_ACTIONS = (
    ActionRow(
        "open",
        "",
        "Open",
        ("Return",),
        "Show the run on its page: settings, and samples from its network. A comparison opens on its own page.",
        glyph="open_run",
    ),
    ActionRow(
        "resume",
        "",
        "Resume",
        (),
        "Resume training; a spent budget doubles. A run of a comparison resumes the comparison.",
    ),
    ActionRow("compare", "", "Open comparison", (), "Show the comparison of the run.", glyph="page_compare"),
    ActionRow(
        "denoise",
        "",
        "Denoise with it",
        (),
        "Open the network of the run on the denoise page.",
        glyph="page_denoise",
    ),
    ActionRow(
        "duplicate",
        "",
        "Same settings",
        (),
        "Use the settings of the run or comparison for a new one.",
        glyph="copy",
    ),
    ActionRow("rename", "", "Rename", ("F2",), "Give the run or the comparison a name."),
    ActionRow("folder", "", "Open folder", (), "Show its files.", glyph="browse"),
    ActionRow(
        "tensorboard",
        "",
        "For TensorBoard…",
        (),
        "Write the measurements of the chosen runs as files for TensorBoard.",
        glyph="export",
    ),
    ActionRow(
        "ask_checkpoint",
        "",
        "Save there",
        (),
        "Ask the training elsewhere to save a checkpoint now.",
    ),
    ActionRow("ask_stop", "", "Stop there", (), "Ask the training elsewhere to save its work and stop."),
    ActionRow("discard", "", "Move to trash", ("Delete",), "Move the chosen runs to the trash of the system."),
)

ELSEWHERE = ActionRow(
    "elsewhere",
    "",
    "Elsewhere…",
    (),
    "List and follow the runs of another machine: in a mounted folder, or by sftp:// or s3://.",
)

COPIED = "This is a copy: resume it where it was trained, or press Same settings for a new run here."


def possible(lines: Sequence[RunRow], runs: Iterable[RunRow], in_training: Callable[[str], bool]) -> set[str]:
    """List the names of the allowed actions.

    Args:
        lines: The chosen lines.
        runs: The runs of these lines.
        in_training: Checks whether a run of a comparison, given by its folder, is in training.
    """
    runs = tuple(runs)
    live = any(run.status == "running" for run in runs)
    if any(run.status == "shipped" for run in runs):
        return {"open", "duplicate", "denoise", "folder"} if len(lines) == 1 else set()
    found = set()
    copied = any(run.elsewhere for run in runs)
    if copied and live:
        found |= {"ask_checkpoint", "ask_stop"}
    if runs and not live:
        found.add("discard")
    if runs and all(run.spec_json for run in runs):
        found.add("tensorboard")
    if len(lines) != 1:
        return found
    one = lines[0]
    found.add("folder")
    at_rest = not live and not copied and not in_training(one.sweep)
    if one.sweep:
        found.add("compare")
    found.add("rename")
    if isinstance(one, Comparison):
        return found | {"open", "duplicate"} | ({"resume"} if at_rest else set())
    if one.spec_json:
        found |= {"open", "duplicate"} | ({"resume"} if at_rest else set())
        # Only networks for images denoise pictures.
        if one.parameters and ExperimentSpec.from_json(one.spec_json).data.kind == "images":
            found.add("denoise")
    return found
