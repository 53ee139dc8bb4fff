"""`msd run`: files say what is done, the same as in the window; refusals."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file

from msd_engine.cli.main import main
from msd_engine.data.picture import read_mask, read_picture
from msd_engine.events import Denoised, Samples
from msd_engine.jobs.pictures.denoise import denoise
from msd_engine.jobs.sampling.chain_task import chain_task
from msd_engine.jobs.sampling.sample import sample
from msd_engine.runs.pictures import save_png
from msd_engine.runs.restoring import read_job, read_spec
from msd_engine.runs.samples import load_samples
from msd_engine.runs.sweeps import SweepFolder
from msd_engine.specs import SweepSpec, for_job, load_card, load_preset, model_folder

MODEL = "digits"
QUICK = ["--levels", "5", "--steps_per_level", "2"]
SHORT = {"sampling.levels": 5, "sampling.steps_per_level": 2}


@pytest.fixture
def msd(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Call the command in this process, in an empty folder; returns code, output and errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MSD_DEVICE", raising=False)

    def call(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(words)
        return (code, *capsys.readouterr())

    return call


def done(outcome: tuple[int, str, str]) -> dict[str, Any]:
    code, out, err = outcome
    assert code == 0, err
    (line,) = out.splitlines()
    found: dict[str, Any] = json.loads(line)
    return found


def only(kind: type, events: Any) -> Any:
    (found,) = [event for event in events if isinstance(event, kind)]
    return found


def spec_of_model(values: dict[str, Any]) -> Any:
    return load_card(MODEL).spec.replace_all({"sampling.source": "trained"} | values)


# -- denoise -----------------------------------------------------------------------------------------------------------


def test_a_held_out_picture_is_denoised_as_the_job_does_it(msd: Any) -> None:
    words = ("--sigma", "0.7", "--denoise.seed", "5", "--index", "3", "--out", "d.npz", "--grid", "d.png", "--json")
    received = done(msd("run", "--job", "denoise", "--model", MODEL, *words))
    values = {"denoise.sigma": 0.7, "denoise.seed": 5, "denoise.index": 3}
    own = only(Denoised, denoise(spec_of_model(values), run_dir=model_folder(MODEL)))
    with np.load("d.npz") as file:
        assert np.array_equal(file["x_hat"], own.copies.x_hat)
        assert np.array_equal(file["y"], own.copies.y)
        assert np.array_equal(file["x"], own.x)
        np.testing.assert_allclose(file["y"].mean(0), file["y_mean"], atol=1e-6)
    assert received["error"] == own.error
    assert received["sigma_eff"] == pytest.approx(0.7 / math.sqrt(8))
    assert received["k"] == 8
    assert (received["out"], received["grid"]) == ("d.npz", "d.png")
    for path in ("d.npz", "d.png"):
        assert read_spec(path).denoise == own_spec(own).denoise


def own_spec(event: Denoised) -> Any:
    return load_preset("digits-30s").from_json(event.spec_json)


def test_a_picture_of_ones_own_travels_in_the_files(msd: Any) -> None:
    Image.new("L", (40, 40), 40).save("own.png")
    pixels = read_picture("own.png", (1, 8, 8))[0]
    done(msd("run", "digits-exact", "--job", "denoise", "--picture", "own.png", *written("0"), "--json"))
    for number, file in enumerate(("0.png", "0.npz"), 1):
        done(msd("run", file, *written(str(number)), "--json"))
        with np.load("0.npz") as first, np.load(f"{number}.npz") as second:
            np.testing.assert_allclose(first["x"], pixels / np.float32(127.5) - 1, atol=1e-6)
            assert all(np.array_equal(first[name], second[name]) for name in first.files)


def written(name: str) -> tuple[str, ...]:
    return "--out", f"{name}.npz", "--grid", f"{name}.png"


def test_copies_can_be_changed_and_the_exact_estimate_knows_no_order(msd: Any) -> None:
    words = ("--k", "4", "--change", "shuffle", "--out", "d.npz", "--json")
    received = done(msd("run", "--job", "denoise", "digits-exact", *words))
    assert received["exact"]
    assert received["moved"] < 1e-5
    assert received["expected_move"] == 0
    with np.load("d.npz") as file:
        assert sorted(y.tobytes() for y in file["y"]) == sorted(y.tobytes() for y in file["changed_y"])


# -- chains ------------------------------------------------------------------------------------------------------------


def test_a_masked_part_is_painted_again_and_the_rest_is_kept(msd: Any) -> None:
    mask = np.zeros((80, 80), np.uint8)
    mask[40:] = 255
    Image.fromarray(mask).save("mask.png")
    words = ("--index", "2", "--mask", "mask.png", "--n", "3", *QUICK, "--out", "p.npz", "--grid", "p.png", "--json")
    received = done(msd("run", "--job", "inpaint", "--model", MODEL, *words))
    half = np.repeat(np.array([0, 1], np.uint8), 32).tobytes()
    values = SHORT | {"denoise.index": 2, "denoise.mask": half, "sampling.chains": 3}
    own = only(Samples, chain_task(spec_of_model(values), "inpaint", run_dir=model_folder(MODEL)))
    found = load_samples("p.npz")
    assert np.array_equal(found.x_hat, own.x_hat)
    assert (found.x_hat[:, :, :4] == found.x_hat[:1, :, :4]).all()
    assert received["n"] == 3
    for file in ("p.npz", "p.png"):
        done(msd("run", file, "--out", "again.npz", "--json"))
        assert np.array_equal(load_samples("again.npz").x_hat, found.x_hat)


def test_a_row_leads_from_one_seed_to_the_other(msd: Any) -> None:
    words = ("--seed", "3", "--second_seed", "8", "--n", "4", *QUICK, "--out", "i.npz", "--grid", "i.png", "--json")
    received = done(msd("run", "--job", "interpolate", "--model", MODEL, *words))
    assert (received["seed"], received["second_seed"], received["n"]) == (3, 8, 4)
    row = load_samples("i.npz").x_hat
    for place, seed in ((0, 3), (-1, 8)):
        wanted = spec_of_model(SHORT | {"sampling.chains": 1, "sampling.seed": seed})
        assert np.array_equal(row[place], only(Samples, sample(wanted, run_dir=model_folder(MODEL))).x_hat[0])
    with Image.open("i.png") as picture:
        assert picture.width > 3 * picture.height

    done(msd("run", "i.png", "--out", "again.npz", "--json"))
    assert np.array_equal(load_samples("again.npz").x_hat, row)


# -- what a file says --------------------------------------------------------------------------------------------------


def test_samples_and_trainings_are_done_once_more_by_their_files(msd: Any) -> None:
    done(msd("sample", "--model", MODEL, "--n", "3", *QUICK, *written("s"), "--json"))
    for file in ("s.npz", "s.png"):
        done(msd("run", file, "--out", "again.npz", "--json"))
        assert np.array_equal(load_samples("again.npz").x_hat, load_samples("s.npz").x_hat)
    words = ("--steps", "2", "--training.precision", "float32", "--out", "first", "--json")
    done(msd("train", "--preset", "digits-30s", *words))
    done(msd("run", "first", "--out", "second", "--json"))
    first, second = (load_file(Path(folder, "weights.safetensors")) for folder in ("first", "second"))
    assert first
    assert all(np.array_equal(first[name], second[name]) for name in first.keys() | second.keys())
    done(msd("run", "first", "--job", "sample", "--n", "2", *QUICK, "--out", "of-run.npz", "--json"))
    done(msd("sample", "first", "--n", "2", *QUICK, "--out", "by-sample.npz", "--json"))
    assert np.array_equal(load_samples("of-run.npz").x_hat, load_samples("by-sample.npz").x_hat)


def test_a_file_that_names_no_job_is_taken_for_what_makes_such_files(tmp_path: Path) -> None:
    exact, trained = load_preset("ncsn-toy"), load_preset("digits-30s")
    masked = trained.replace("denoise.mask", bytes([1] * 32 + [0] * 32))
    for spec, suffix, job in (
        *((exact, ".json", "sample"), (trained, ".json", "train"), (trained, ".png", "sample")),
        *((masked, ".json", "inpaint"), (masked, ".png", "inpaint")),
    ):
        path = tmp_path / f"spec{suffix}"
        if suffix == ".png":
            save_png(path, np.zeros((2, 2, 3), np.uint8), spec.to_json())
        else:
            path.write_text(spec.to_json(), encoding="utf-8")
        assert read_job(path) == (spec, job)
    path.write_text(for_job(exact.to_json(), "denoise"), encoding="utf-8")
    assert read_job(path) == (exact, "denoise")


def test_a_comparison_is_begun_anew_by_its_file(msd: Any) -> None:
    small = SweepSpec(base=load_preset("digits-30s").replace("training.steps", 2), ks=(1,), seeds=(0,))
    Path("plan.json").write_text(small.to_json(), encoding="utf-8")
    done(msd("run", "plan.json", "--out", "sweep", "--json"))
    begun = SweepFolder.open(Path("sweep")).spec
    assert (begun.ks, begun.seeds, begun.modes) == (small.ks, small.seeds, small.modes)
    assert begun.base.training.steps == 2


# -- refusals ----------------------------------------------------------------------------------------------------------

REFUSALS = [
    ("denoise --picture my.png", "msd run --job denoise"),
    ("run", "file", "--job"),
    ("run --job denoise", "--network"),
    ("run none.png --out d.npz", "none.png", "missing"),
    (f"run --job denoise --model {MODEL}", "--out"),
    (f"run --job denoise --model {MODEL} --out d.txt", ".npz"),
    (f"run --job denoise --model {MODEL} --out d.npz --grid d.gif", ".png"),
    (f"run --job denoise --model {MODEL} --out d.npz --k 0", "training.k"),
    (f"run --job denoise --model {MODEL} --out d.npz --sigma 0", "denoise.sigma"),
    (f"run --job denoise --model {MODEL} --out d.npz --index 9999", "9999", "numbered from 0"),
    (f"run --job denoise --model {MODEL} --out d.npz --picture none.png", "none.png"),
    (f"run --job denoise --model {MODEL} --out d.npz --mask m.png", "--mask", "denoise"),
    (f"run --job denoise --model {MODEL} --out d.npz --grod d.png", "--grid"),
    (f"run --job denoise --model {MODEL} --network run --out d.npz", "either"),
    ("run --job denoise --model none --out d.npz", "none"),
    ("run --job denoise --network missing --out d.npz", "missing"),
    ("run --job paint --model none --out d.npz", "inpaint"),
    ("run digits-30s --job denoise --data.name shapes --out d.npz", "no pretrained model"),
    ("run digits-exact --job denoise --out d.npz --k 1 --change drop", "two or more"),
    ("run ncsn-toy --job denoise --out d.npz", "points"),
    ("run ncsn-toy --out d.npz --grid d.png", "points"),
    (f"run digits-30s --model {MODEL} --out run", "--model", "train"),
    (f"run --job inpaint --model {MODEL} --out d.npz", "--mask"),
    (f"run --job inpaint --model {MODEL} --out d.npz --mask none.png", "none.png"),
    (f"run --job inpaint --model {MODEL} --out d.npz --mask dark.png", "marked"),
    (f"run --job inpaint --model {MODEL} --out d.npz --mask light.png", "keep some"),
    (f"run --job interpolate --model {MODEL} --out d.npz --n 1", "two"),
    (f"run --job interpolate --model {MODEL} --out d.npz --picture p.png", "--picture"),
    (f"run --job interpolate --model {MODEL} --out d.npz --second_seed x", "denoise.second_seed"),
    (f"sample --model {MODEL} --out d.npz --index 3", "--index"),
]


@pytest.mark.parametrize("case", REFUSALS, ids=[case[0] for case in REFUSALS])
def test_bad_input_is_refused_in_one_sentence(msd: Any, case: tuple[str, ...]) -> None:
    line, *words = case
    for name, grey in (("dark.png", 0), ("light.png", 255)):
        Image.new("L", (8, 8), grey).save(name)
    code, out, err = msd(*line.split())
    (sentence,) = err.splitlines()
    assert code == 2
    assert sentence.startswith("msd: ")
    assert sentence[-1] in ".?"
    assert all(word in sentence for word in words), sentence
    assert not out
    assert not list(Path.cwd().glob("*.npz"))
    code, out, _ = msd(*line.split(), "--json")
    assert code == 2
    assert json.loads(out)["status"] == "refused"


# -- masks -------------------------------------------------------------------------------------------------------------


def test_a_mask_fits_to_the_picture_it_was_painted_over(tmp_path: Path) -> None:
    """Painted white on a wide picture, it marks the pixels that the picture's white ones become."""
    wide = np.zeros((40, 100), np.uint8)
    wide[10:30, 50:70] = 255
    Image.fromarray(wide).save(tmp_path / "both.png")
    picture, done = read_picture(tmp_path / "both.png", (1, 8, 8))
    assert not done
    assert np.array_equal(read_mask(tmp_path / "both.png", (1, 8, 8))[0], picture[0] >= 128)
    layer = np.zeros((40, 100, 4), np.uint8)
    layer[10:30, 50:70] = 255
    Image.fromarray(layer).save(tmp_path / "layer.png")
    assert np.array_equal(read_mask(tmp_path / "layer.png", (3, 8, 8))[0], picture[0] >= 128)


def test_it_is_said_what_was_done_to_the_colours_of_a_picture(msd: Any) -> None:
    ink = np.zeros((40, 40, 4), np.uint8)
    ink[10:30, 15:25, 3] = 255
    Image.fromarray(ink).save("ink.png")
    words = ("digits-exact", "--job", "denoise", "--picture", "ink.png", "--out", "d.npz", "--json")
    code, _, err = msd("run", *words)
    assert code == 0
    assert "Opened ink.png, its transparent background made white and its colours inverted." in err
    with np.load("d.npz") as file:
        assert file["x"].max() > 0.9
