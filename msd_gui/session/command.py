"""The `msd` command with the same result as the window."""

from __future__ import annotations

import shlex
from pathlib import Path

from msd_engine.specs import ExperimentSpec, declarations, load_preset, preset_names

# Prefixes of the fields that each command reads.
_ALL = ("data.", "noise.", "network.", "training.", "sampling.")
_CHAINS = ("data.", "noise.", "training.k", "sampling.")
_READ = {
    "denoise": (
        "data.",
        "training.k",
        "sampling.source",
        *(f"denoise.{name}" for name in ("sigma", "seed", "index", "change", "copy_index", "other")),
    ),
    "inpaint": (*_CHAINS, "denoise.index", "denoise.painting"),
    "interpolate": (*_CHAINS, "denoise.second_seed"),
}


def differences(spec: ExperimentSpec, base: ExperimentSpec) -> dict[str, object]:
    """Return the fields of a spec that differ from another spec of the same kind, by dotted path."""
    known = {field.path: base.get(field.path) for field in declarations(base, absent=True)}
    own = {field.path: spec.get(field.path) for field in declarations(spec)}
    return {path: value for path, value in own.items() if path not in known or value != known[path]}


def nearest_preset(spec: ExperimentSpec) -> str:
    """Return the name of the preset with the fewest fields different from a spec; alphabetically first among equals."""
    kinds = (type(spec.data), type(spec.network))
    bases = {name: load_preset(name) for name in preset_names()}
    fitting = {n: base for n, base in bases.items() if (type(base.data), type(base.network)) == kinds}
    return min(fitting, key=lambda name: len(differences(spec, fitting[name])))


def command(
    spec: ExperimentSpec,
    verb: str,
    *,
    run: str = "",
    trained: ExperimentSpec | None = None,
    out: str = "samples.npz",
    file: Path | None = None,
) -> str:
    """Return the command line with the same result as the window.

    Args:
        spec: The experiment.
        verb: ``train`` or ``sample``, or ``denoise``, ``inpaint`` or ``interpolate`` for chain tasks.
        run: The run folder to write or to sample from; empty for an exact denoiser.
        trained: The training spec of that run, if known: the line then names only the differences.
        out: The sample file to write.
        file: A file that carries the spec and its job; None if the fields can be given one by one.

    Returns:
        One line for a POSIX shell.
    """
    chain_task = verb in _READ
    words = ["msd", "run"] if chain_task else ["msd", verb]
    network = ["--network", run] if run and chain_task else [run] if run else []
    if file is not None:
        return shlex.join([*words, str(file), *network, *_written(out, verb)])
    if run and verb != "train":
        words += network
        paths = [field.path for field in declarations(spec)]
        changed = {path: spec.get(path) for path in paths if path.startswith(("sampling.", "denoise."))}
        if trained is not None:
            # Samples of a run follow its network by default.
            known = {path: trained.get(path) for path in paths} | {"sampling.source": "trained"}
            changed = {path: value for path, value in changed.items() if value != known[path]}
    else:
        name = nearest_preset(spec)
        words += [name] if chain_task else ["--preset", name]
        changed = differences(spec, load_preset(name))
    words += ["--job", verb] if chain_task else []
    read = _READ.get(verb, _ALL)
    changed = {path: value for path, value in changed.items() if path.startswith(read)}
    if verb == "train":
        words += ["--out", run or "run"]
    else:
        chains = changed.pop("sampling.chains", spec.sampling.chains)
        words += ["--n", str(chains)] if verb != "denoise" else []
        words += _written(out, verb)
    for path, value in changed.items():
        words += [f"--{path}", str(value)]
    return shlex.join(words)


def _written(out: str, verb: str) -> list[str]:
    return ["--out", out] + (["--grid", f"{out.removesuffix('.npz')}.png"] if verb in _READ else [])
