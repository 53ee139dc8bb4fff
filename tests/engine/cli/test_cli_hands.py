"""`msd denoise`, `msd inpaint`, `msd interpolate`: the same as in the window, files that can be read, refusals."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from msd_engine.cli.main import main
from msd_engine.data.picture import read_mask, read_picture
from msd_engine.events import Denoised, Samples
from msd_engine.jobs.pictures.denoise import denoise
from msd_engine.jobs.sampling.chain_task import chain_task
from msd_engine.jobs.sampling.sample import sample
from msd_engine.runs.restoring import read_spec
from msd_engine.runs.samples import load_samples
from msd_engine.specs import load_card, load_preset, model_folder
from msd_engine.specs.denoise import PREFIX, from_word, to_word

MODEL = "digits-k8"
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
    words = ("--sigma", "0.7", "--seed", "5", "--index", "3", "--out", "d.npz", "--grid", "d.png", "--json")
    told = done(msd("denoise", "--model", MODEL, *words))
    values = {"denoise.sigma": 0.7, "denoise.seed": 5, "denoise.index": 3}
    own = only(Denoised, denoise(spec_of_model(values), run_dir=model_folder(MODEL)))
    with np.load("d.npz") as file:
        assert np.array_equal(file["x_hat"], own.copies.x_hat)
        assert np.array_equal(file["y"], own.copies.y)
        assert np.array_equal(file["x"], own.x)
        np.testing.assert_allclose(file["y"].mean(0), file["y_mean"], atol=1e-6)
    assert told["error"] == own.error
    assert told["sigma_eff"] == pytest.approx(0.7 / math.sqrt(8))
    assert told["k"] == 8
    assert (told["out"], told["grid"]) == ("d.npz", "d.png")
    for path in ("d.npz", "d.png"):
        assert read_spec(path).denoise == own_spec(own).denoise


def own_spec(event: Denoised) -> Any:
    return load_preset("digits-30s").from_json(event.spec_json)


def test_a_picture_of_ones_own_comes_from_a_file_or_from_one_word(msd: Any) -> None:
    Image.new("L", (40, 40), 40).save("own.png")
    pixels = read_picture("own.png", (1, 8, 8))[0]
    for number, word in enumerate(("own.png", to_word(pixels.tobytes()))):
        done(msd("denoise", "--preset", "digits-exact", "--picture", word, "--out", f"{number}.npz", "--json"))
    with np.load("0.npz") as first, np.load("1.npz") as second:
        np.testing.assert_allclose(first["x"], pixels / np.float32(127.5) - 1, atol=1e-6)
        assert all(np.array_equal(first[name], second[name]) for name in first.files)


def test_copies_can_be_changed_and_the_exact_estimate_knows_no_order(msd: Any) -> None:
    words = ("--k", "4", "--change", "shuffle", "--out", "d.npz", "--json")
    told = done(msd("denoise", "--preset", "digits-exact", *words))
    assert told["exact"]
    assert told["moved"] < 1e-5
    assert told["expected_move"] == 0
    with np.load("d.npz") as file:
        assert sorted(y.tobytes() for y in file["y"]) == sorted(y.tobytes() for y in file["changed_y"])


# -- chains ------------------------------------------------------------------------------------------------------------


def test_a_masked_part_is_painted_anew_and_the_rest_is_kept(msd: Any) -> None:
    mask = np.zeros((80, 80), np.uint8)
    mask[40:] = 255
    Image.fromarray(mask).save("mask.png")
    words = ("--index", "2", "--mask", "mask.png", "--n", "3", *QUICK, "--out", "p.npz", "--grid", "p.png", "--json")
    told = done(msd("inpaint", "--model", MODEL, *words))
    half = np.repeat(np.array([0, 1], np.uint8), 32).tobytes()
    values = SHORT | {"denoise.index": 2, "denoise.mask": half, "sampling.chains": 3}
    own = only(Samples, chain_task(spec_of_model(values), "inpaint", run_dir=model_folder(MODEL)))
    found = load_samples("p.npz")
    assert np.array_equal(found.x_hat, own.x_hat)
    assert (found.x_hat[:, :, :4] == found.x_hat[:1, :, :4]).all()
    assert told["n"] == 3
    # What was written can be asked for again without picture and mask.
    done(msd("inpaint", "--preset", "p.npz", "--out", "again.npz", "--json"))
    assert np.array_equal(load_samples("again.npz").x_hat, found.x_hat)


def test_a_row_leads_from_one_seed_to_the_other(msd: Any) -> None:
    words = ("--seed", "3", "--second_seed", "8", "--n", "4", *QUICK, "--out", "i.npz", "--grid", "i.png", "--json")
    told = done(msd("interpolate", "--model", MODEL, *words))
    assert (told["seed"], told["second_seed"], told["n"]) == (3, 8, 4)
    row = load_samples("i.npz").x_hat
    for place, seed in ((0, 3), (-1, 8)):
        wanted = spec_of_model(SHORT | {"sampling.chains": 1, "sampling.seed": seed})
        assert np.array_equal(row[place], only(Samples, sample(wanted, run_dir=model_folder(MODEL))).x_hat[0])
    with Image.open("i.png") as picture:
        assert picture.width > 3 * picture.height


# -- refusals ----------------------------------------------------------------------------------------------------------

REFUSALS = [
    ("denoise", "--preset"),
    (f"denoise --model {MODEL}", "--out"),
    (f"denoise --model {MODEL} --out d.txt", ".npz"),
    (f"denoise --model {MODEL} --out d.npz --grid d.gif", ".png"),
    (f"denoise --model {MODEL} --out d.npz --k 3", "training.k"),
    (f"denoise --model {MODEL} --out d.npz --sigma 0", "denoise.sigma"),
    (f"denoise --model {MODEL} --out d.npz --index 9999", "9999", "numbered from 0"),
    (f"denoise --model {MODEL} --out d.npz --picture none.png", "none.png"),
    (f"denoise --model {MODEL} --out d.npz --picture zlib:AAAA", "--picture", "damaged"),
    (f"denoise --model {MODEL} --out d.npz --picture {to_word(bytes(9))}", "--picture", "9", "64"),
    (f"denoise --model {MODEL} --out d.npz --mask m.png", "--mask"),
    (f"denoise --model {MODEL} --out d.npz --grod d.png", "--grid"),
    ("denoise --model none --out d.npz", "none"),
    ("denoise --preset digits-30s --out d.npz --k 3", "k = 3"),
    ("denoise --preset digits-exact --out d.npz --k 1 --change drop", "two or more"),
    ("denoise --preset ncsn-toy --out d.npz", "points"),
    ("denoise missing --out d.npz", "missing"),
    (f"inpaint --model {MODEL} --out d.npz", "--mask"),
    (f"inpaint --model {MODEL} --out d.npz --mask {to_word(bytes(64))}", "marked"),
    (f"inpaint --model {MODEL} --out d.npz --mask {to_word(bytes([1]) * 64)}", "kept"),
    (f"inpaint --model {MODEL} --out d.npz --mask none.png", "none.png"),
    (f"interpolate --model {MODEL} --out d.npz --n 1", "two"),
    (f"interpolate --model {MODEL} --out d.npz --picture p.png", "--picture"),
    (f"interpolate --model {MODEL} --out d.npz --second_seed x", "denoise.second_seed"),
    (f"sample --model {MODEL} --out d.npz --index 3", "--index"),
]


@pytest.mark.parametrize("case", REFUSALS, ids=[case[0] for case in REFUSALS])
def test_bad_input_is_refused_in_one_sentence(msd: Any, case: tuple[str, ...]) -> None:
    line, *words = case
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


# -- pictures as words and masks ---------------------------------------------------------------------------------------


@given(data=st.binary(min_size=1, max_size=4096))
def test_bytes_pass_through_a_word(data: bytes) -> None:
    word = to_word(data)
    assert from_word(word, len(data)) == data
    assert word.removeprefix(PREFIX).replace("-", "").replace("_", "").replace("=", "").isalnum()
    for size in (len(data) - 1, len(data) + 1):
        with pytest.raises(ValueError, match=str(size)):
            from_word(word, size)


@given(data=st.binary(min_size=1, max_size=300), place=st.integers(0, 10_000), letter=st.sampled_from("!é/+ a9"))
def test_a_damaged_word_is_never_taken_for_other_bytes(data: bytes, place: int, letter: str) -> None:
    word = to_word(data)
    place = len(PREFIX) + place % (len(word) - len(PREFIX))
    hurt = word[:place] + letter + word[place + 1 :]
    try:
        found = from_word(hurt, len(data))
    except ValueError:
        return
    # Base64's last letter has bits that mean nothing.
    assert found == data


def test_a_huge_word_is_not_unpacked() -> None:
    with pytest.raises(ValueError, match="more than 64"):
        from_word(to_word(bytes(50_000_000)), 64)


def test_a_mask_fits_to_the_picture_it_was_painted_over(tmp_path: Path) -> None:
    """Painted white on a wide picture, it marks the pixels that the picture's white ones become."""
    wide = np.zeros((40, 100), np.uint8)
    wide[10:30, 50:70] = 255
    Image.fromarray(wide).save(tmp_path / "both.png")
    picture, inverted = read_picture(tmp_path / "both.png", (1, 8, 8))
    assert not inverted
    assert np.array_equal(read_mask(tmp_path / "both.png", (1, 8, 8)), picture[0] >= 128)
    layer = np.zeros((40, 100, 4), np.uint8)
    layer[10:30, 50:70] = 255
    Image.fromarray(layer).save(tmp_path / "layer.png")
    assert np.array_equal(read_mask(tmp_path / "layer.png", (3, 8, 8)), picture[0] >= 128)
