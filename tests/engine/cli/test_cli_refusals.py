"""Bad input to the `msd` command: exit code 2, one sentence, nothing written."""

from pathlib import Path
from typing import Any

import pytest
from called import QUICK

REFUSALS = [
    ("", "train, sample"),
    ("nothing", "train, sample"),
    ("train", "--preset", "--resume"),
    ("train --preset ncsn-toy", "--out"),
    ("train --preset nothing --out run", "nothing", "ncsn-toy"),
    ("train --preset missing.json --out run", "missing.json"),
    ("train --preset ncsn-toy --out run --resume run", "--preset"),
    ("train --preset ncsn-toy --out run --bogus 3", "--bogus"),
    ("train --preset ncsn-toy --out run --epsilom 3", "--epsilom", "--epsilon"),
    ("train --preset ncsn-toy --out run --r 0.1 --epsilon 0.1", "sampling.epsilon", "sampling.step_ratio"),
    ("train --preset ncsn-toy --out run --epsilon 0", "sampling.epsilon", "above 0"),
    ("train --preset ncsn-toy --out run --epsilon small", "sampling.epsilon", "a number"),
    ("train --preset ncsn-toy --out run stray", "stray"),
    ("train --preset ncsn-toy --out run --k", "--training.k"),
    ("train --preset ncsn-toy --out run --k 0", "training.k"),
    ("train --preset ncsn-toy --out run --k 65", "training.k", "64"),
    ("train --preset ncsn-toy --out run --k 2.5", "training.k", "whole number"),
    ("train --preset ncsn-toy --out run --steps 20.000", "training.steps", "whole number"),
    ("train --preset ncsn-toy --out run --steps 10,000", "training.steps", "without commas"),
    ("train --preset ncsn-toy --out run --steps 1.5e0", "training.steps", "whole number"),
    ("train --preset ncsn-toy --out run --seconds 1,5", "training.seconds", "without commas"),
    ("train --preset ncsn-toy --out run --seed 4294967296", "training.seed"),
    ("sample --preset ncsn-toy --out s.npz --n 10,000", "--n", "without commas"),
    ("train --preset ncsn-toy --out run --learning_rate nan", "training.learning_rate", "finite"),
    ("train --preset ncsn-toy --out run --learning_rate fast", "training.learning_rate", "number"),
    ("train --preset ncsn-toy --out run --jump perhaps", "sampling.jump", "true or false"),
    ("train --preset ncsn-toy --out run --form strange", "training.form", "plain"),
    ("train --preset ncsn-toy --out run --sigma_L 300", "sampling.sigma_L", "sampling.sigma_1"),
    ("train --preset ncsn-toy --out run --limit 5", "data.limit", "images"),
    ("train --preset digits-30s --out run --depth 5", "network.depth", "mixtures"),
    ("train --preset ncsn-toy --out run --steps 0", "training.steps"),
    ("train --preset ncsn-toy --out run --seconds -1", "training.seconds"),
    ("train --preset ncsn-toy --out run --device abacus", "abacus"),
    ("train --preset mnist-2min --out run --data-dir nowhere", "nowhere"),
    ("train --resume run", "run"),
    ("sample", "--preset"),
    ("sample run --preset ncsn-toy --out a.npz", "--preset"),
    ("sample --preset ncsn-toy", "--out"),
    ("sample --preset ncsn-toy --out a.txt", ".npz"),
    ("sample --preset ncsn-toy --out missing/a.npz", "missing"),
    ("sample --preset ncsn-toy --out a.npz --n 0", "--n", "'0'"),
    ("sample --preset ncsn-toy --out a.npz --grid a.png", "--grid"),
    ("sample --preset cifar10-20min --data.name shapes --out a.npz", "train"),
    ("sample run --out a.npz", "run"),
    ("download nothing", "There is no 'nothing' here", "choose mnist, fashion-mnist or cifar-10"),
    ("train --preset ncsn-toy --out run --steps", "--steps needs a value"),
]


@pytest.mark.parametrize("case", REFUSALS, ids=[case[0] or "(empty)" for case in REFUSALS])
def test_bad_input_is_refused_in_one_sentence(msd: Any, case: tuple[str, ...]) -> None:
    line, *words = case
    done = msd(*line.split())
    assert done.refuses(*words), done.err
    assert not done.out
    assert not list(Path.cwd().glob("*.npz"))


def test_a_refusal_is_also_told_as_json(msd: Any) -> None:
    done = msd("train", "--preset", "ncsn-toy", "--out", "run", "--k", "0", "--json")
    assert done.code == 2
    assert done.json["status"] == "refused"
    assert f"msd: {done.json['error']}\n" == done.err


def test_damaged_runs_and_specs_are_refused(msd: Any, tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text('{"format": "msd-experiment-1", "sampling": {"epsilon": NaN}}')
    assert msd("train", "--preset", "bad.json", "--out", "run").refuses("bad.json", "epsilon")
    (tmp_path / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    assert msd("train", "--preset", "bad.png", "--out", "run").refuses("bad.png")
    assert msd("train", "--preset", "ncsn-toy", "--out", "run", "--steps", "2", *QUICK).code == 0
    assert msd("train", "--preset", "ncsn-toy", "--out", "run").refuses("run", "already")
    assert msd("train", "--resume", "run", "--k", "3").refuses("--resume")
    for name in ("weights.safetensors", "state.safetensors", "manifest.json"):
        path = tmp_path / "run" / name
        path.write_bytes(path.read_bytes()[:-20])
        command = "train --resume run --steps 4" if name == "state.safetensors" else "sample run --out a.npz"
        assert msd(*command.split()).refuses(name)
