"""`msd noise` draws noise, writes it with a picture, and refuses what has no meaning."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from msd_engine.cli.main import main
from msd_engine.cli.outcome import DONE, REFUSED


def drawn(capsys, path, *words):
    assert main(["noise", *words, "--out", str(path), "--json"]) == DONE
    figures = json.loads(capsys.readouterr().out)
    with np.load(path) as file:
        return figures, file["noise"], str(file["spec"])


def test_draws_of_a_power_law_and_their_picture(capsys, tmp_path):
    words = ("--covariance", "power-law", "--gamma", "1", "--size", "16", "--seed", "3")
    figures, noise, settings = drawn(capsys, tmp_path / "n.npz", *words, "--n", "500")
    assert noise.shape == (500, 16, 16)
    assert noise.dtype == np.float32
    assert json.loads(settings)["covariance"] == "power-law"
    seen = np.abs(np.fft.fft2(noise, norm="ortho") ** 2).mean(0)
    # |κ| = 2/16 and 4/16: a quarter of the power.
    assert seen[0, 2] / seen[0, 4] == pytest.approx(4.0, rel=0.3)
    assert figures["variance"] == pytest.approx(1.0, abs=0.1)
    assert figures["log_det_per_number"] < 0
    assert Image.open(tmp_path / "n.png").size[0] > 16 * 10
    _, few, _ = drawn(capsys, tmp_path / "few.npz", *words, "--n", "2")
    np.testing.assert_array_equal(few, noise[:2])


def test_other_sizes_channels_and_sets(capsys, tmp_path):
    _, noise, _ = drawn(
        capsys, tmp_path / "a.npz", "--covariance", "blur", "--size", "8x12", "--channels", "3", "--n", "4"
    )
    assert noise.shape == (4, 3, 8, 12)
    figures, noise, _ = drawn(capsys, tmp_path / "b.npz", "--covariance", "data", "--data", "digits", "--n", "5")
    assert noise.shape == (5, 8, 8)
    assert figures["shape"] == [5, 8, 8]
    figures, noise, _ = drawn(capsys, tmp_path / "c.npz", "--covariance", "ellipse", "--elongation", "4", "--n", "400")
    assert noise.shape == (400, 2)
    ratio = np.sqrt(np.divide(*np.linalg.eigvalsh(np.cov(noise.T))[::-1]))
    assert ratio == pytest.approx(4.0, rel=0.15)
    assert (tmp_path / "c.png").is_file()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--gamma", "1"), "There is no field noise.gamma here: it belongs to noise.covariance 'power-law'."),
        (("--covariance", "power-law", "--gamma", "7"), "noise.gamma must be less than or equal to 3"),
        (("--covariance", "power-law", "--gamma", "x"), "noise.gamma must be a number"),
        (("--covariance", "data"), "with --data NAME"),
        (("--covariance", "ellipse", "--size", "3"), "leave out --size"),
        (("--data", "digits", "--size", "3"), "--data says size and channels"),
        (("--size", "ten"), "--size must be a number of pixels"),
        (("--seed", "-1"), "--seed must be a whole number, at least 0"),
        (("--n", "1e9"), "do not fit into memory"),
        (("--n", "0"), "--n must be a positive whole number"),
    ],
)
def test_what_has_no_meaning_is_refused_in_one_sentence(capsys, tmp_path, words, sentence):
    assert main(["noise", *words, "--out", str(tmp_path / "n.npz")]) == REFUSED
    assert sentence in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
