"""Denoising by hand: copies that stay in place, changes of the copies against theory, pictures from files."""

import math

import numpy as np
import pytest
import torch
from image_files import write_idx_set
from PIL import Image

from msd_engine.data.picture import read_picture
from msd_engine.events import Denoised, Failed, Finished, NoisyPicture, PictureRead, Started, Tick
from msd_engine.jobs.pictures.denoise import change_copies, denoise, rms
from msd_engine.jobs.pictures.pictures import draw_copies, open_picture, show_copies
from msd_engine.jobs.training.train import train
from msd_engine.specs import DenoiseSpec, ExperimentSpec, SpecError, load_preset

SHAPE = (1, 8, 8)


K = 4


def chain_task(**values):
    spec = load_preset("digits-30s").replace("training.k", K)
    return spec.replace_all({f"denoise.{name}": value for name, value in values.items()})


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "run"
    small = {"network.width": 8, "training.k": K, "training.steps": 3, "training.precision": "float32"}
    small |= {"training.batch": 16, "training.seconds": 0.0}
    assert isinstance(list(train(load_preset("digits-30s").replace_all(small), folder))[-1], Finished)
    return folder


def only(events):
    (event,) = [event for event in events if isinstance(event, Denoised)]
    return event


def noise(k, sigma=1.0, seed=0):
    return draw_copies(torch.zeros(SHAPE), sigma, k, seed)


def test_a_copy_keeps_its_noise_when_sigma_and_k_change():
    assert torch.equal(noise(16)[:3], noise(3))
    torch.testing.assert_close(noise(3, sigma=7.0), 7 * noise(3))
    assert not torch.equal(noise(3), noise(3, seed=1))


def test_shuffled_copies_are_the_same_ones_and_their_mean_stays():
    y = noise(6)
    changed, order, expected = change_copies(y, DenoiseSpec(change="shuffle"), torch.zeros(SHAPE), any_k=True)
    assert sorted(order) == list(range(6))
    assert order != tuple(range(6))
    assert all(torch.equal(changed[place], y[number]) for place, number in enumerate(order))
    assert expected == 0
    torch.testing.assert_close(changed.mean(0), y.mean(0), atol=1e-6, rtol=0)


@pytest.mark.parametrize("any_k", [True, False])
def test_a_dropped_copy_moves_the_mean_by_what_is_left_of_it(any_k):
    y, index = noise(5, sigma=2.0), 2
    spec = DenoiseSpec(change="drop", copy_index=index + 1, sigma=2.0)
    changed, order, expected = change_copies(y, spec, torch.zeros(SHAPE), any_k=any_k)
    assert len(changed) == (4 if any_k else 5)
    assert (index in order) is False
    torch.testing.assert_close(changed.mean(0), y.mean(0) + (y.mean(0) - y[index]) / 4)
    assert expected == pytest.approx(2.0 / math.sqrt(5 * 4))


def test_the_expected_move_of_a_dropped_copy_is_the_mean_over_many():
    spec = DenoiseSpec(change="drop", sigma=1.5)
    moves = []
    for seed in range(200):
        y = noise(3, sigma=1.5, seed=seed)
        changed, _, expected = change_copies(y, spec, torch.zeros(SHAPE), any_k=True)
        moves.append(rms(changed.mean(0) - y.mean(0)) ** 2)
    # 200 pictures of 64 values: a relative standard error of √(2/12 800) = 1.3 % of the square.
    assert np.mean(moves) == pytest.approx(expected**2, rel=0.05)


def test_a_replaced_copy_moves_the_mean_by_one_kth_of_the_way():
    y, shift = noise(4), torch.full(SHAPE, 0.5)
    changed, order, expected = change_copies(y, DenoiseSpec(change="replace", copy_index=64), shift, any_k=True)
    assert order == (0, 1, 2, -1)
    torch.testing.assert_close(changed.mean(0) - y.mean(0), shift / 4, atol=1e-6, rtol=0)
    assert expected == pytest.approx(0.125)


def test_the_only_copy_cannot_be_dropped(run):
    spec = chain_task(change="drop").replace("training.k", 1)
    with pytest.raises(Exception, match="k = 1"):
        change_copies(noise(1), spec.denoise, torch.zeros(SHAPE), any_k=True)


def test_a_network_denoises_a_drawn_picture_from_the_copies_that_it_was_made_for(run):
    pixels = np.arange(64, dtype=np.uint8) * 4
    spec = chain_task(picture=pixels.tobytes(), sigma=0.5)
    events = [event for event in denoise(spec, run_dir=run) if not isinstance(event, Tick)]
    assert [type(event) for event in events] == [Started, Denoised, Finished]
    reported = only(events)
    assert reported.fixed_k == 4
    assert not reported.exact
    assert reported.copies.y.shape == (4, *SHAPE)
    np.testing.assert_allclose(reported.x.ravel(), pixels / 127.5 - 1, atol=1e-6)
    np.testing.assert_allclose(reported.copies.y_mean, reported.copies.y.mean(0), atol=1e-6)
    assert reported.error == pytest.approx(np.sqrt(np.mean((reported.copies.x_hat - reported.x) ** 2)))
    assert reported.changed is None
    assert math.isnan(reported.moved)
    assert only(denoise(spec, run_dir=run)).copies.x_hat.tobytes() == reported.copies.x_hat.tobytes()


def test_a_change_is_reported_beside_the_copies_as_they_were(run):
    plain = only(denoise(chain_task(sigma=2.0, index=3), run_dir=run))
    reported = only(denoise(chain_task(sigma=2.0, index=3, change="replace", other=7), run_dir=run))
    assert reported.copies.x_hat.tobytes() == plain.copies.x_hat.tobytes()
    assert reported.moved_mean == pytest.approx(reported.expected_mean, rel=1e-4)
    assert reported.moved > 0


def test_what_cannot_be_done_is_one_sentence(run):
    def sentence(spec, **options):
        (*_, last) = denoise(spec, **options)
        assert isinstance(last, Failed)
        return last.text

    assert "train one first" in sentence(chain_task())
    assert "numbered from 0" in sentence(chain_task(index=297), run_dir=run)
    assert "64" in sentence(chain_task(picture=bytes(9)), run_dir=run)
    assert "images" in sentence(load_preset("ncsn-toy"), run_dir=run)
    assert "k = 4 copies and takes no other number" in sentence(chain_task().replace("training.k", 16), run_dir=run)


def test_a_spec_with_a_picture_comes_back_from_json_and_bad_text_is_refused():
    spec = chain_task(picture=bytes(range(64)), mask=b"\1" * 64)
    assert ExperimentSpec.from_json(spec.to_json()) == spec
    assert spec.denoise.picture == bytes(range(64))
    broken = spec.to_json().replace('"mask":"', '"mask":"!')
    with pytest.raises(SpecError, match=r"denoise\.mask"):
        ExperimentSpec.from_json(broken)


@pytest.mark.parametrize("mode", ["L", "RGB", "P", "1", "I;16"])
def test_a_picture_of_any_kind_becomes_the_size_of_the_data(tmp_path, mode):
    path = tmp_path / "picture.png"
    Image.new(mode, (40, 20)).save(path)
    for shape in ((1, 8, 8), (3, 32, 32)):
        pixels, done = read_picture(path, shape)
        assert pixels.shape == shape
        assert pixels.dtype == np.uint8
        assert "exchanged" not in done


def test_dark_strokes_on_paper_become_light_strokes_as_in_the_data(tmp_path):
    paper = np.full((56, 56), 250, np.uint8)
    paper[20:36, 24:32] = 5
    Image.fromarray(paper).save(tmp_path / "one.png")
    (reported, end) = open_picture(tmp_path / "one.png", (1, 28, 28))
    assert isinstance(reported, PictureRead)
    assert isinstance(end, Finished)
    assert reported.done == "its colours inverted"
    assert reported.pixels[0, 13, 13] > 200
    assert reported.pixels[0, 0, 0] < 20
    colours, done = read_picture(tmp_path / "one.png", (3, 32, 32))
    assert not done
    assert colours[0, 0, 0] > 200


def test_a_held_out_image_is_reported_without_any_denoiser():
    spec = chain_task(index=7, picture=b"").replace("sampling.source", "trained")
    # Where the images are not in memory yet, ticks come first.
    reported, end = [event for event in show_copies(spec) if not isinstance(event, Tick)]
    assert isinstance(reported, NoisyPicture)
    assert isinstance(end, Finished)
    denoised = only(denoise(spec.replace("sampling.source", "exact")))
    assert np.array_equal(reported.x, denoised.x)
    assert reported.available == denoised.available
    for wrong in (spec.replace("denoise.index", reported.available), load_preset("ring-8")):
        *_, last = show_copies(wrong)
        assert isinstance(last, Failed)


@pytest.mark.parametrize("content", [b"", b"hello", b"\x89PNG\r\n\x1a\n" + bytes(20), None])
def test_a_bad_picture_is_one_sentence_that_names_it(tmp_path, content):
    path = tmp_path / "bad.png"
    if content is not None:
        path.write_bytes(content)
    (only_event,) = open_picture(path, SHAPE)
    assert isinstance(only_event, Failed)
    assert "bad.png" in only_event.text
    assert "\n" not in only_event.text


def test_pictures_of_a_set_from_the_data_folder(tmp_path, run):
    write_idx_set(tmp_path / "mnist")
    spec = chain_task().replace("data.name", "mnist")
    (*_, last) = denoise(spec, run_dir=run, data_dir=tmp_path)
    assert isinstance(last, Failed)
    assert "another shape" in last.text


def exact(**values):
    return chain_task(**values).replace("sampling.source", "exact")


@pytest.mark.parametrize("k", [2, 5, 16])
@pytest.mark.parametrize("sigma", [0.3, 1.0, 10.0])
def test_shuffled_copies_leave_an_exact_estimate_where_it_is(k, sigma):
    reported = only(denoise(exact(change="shuffle", sigma=sigma).replace("training.k", k)))
    assert reported.exact
    assert reported.expected_move == reported.expected_mean == 0
    assert sorted(reported.changed.origin) == list(range(k)) != list(reported.changed.origin)
    assert reported.moved < 1e-6


def test_an_exact_estimate_takes_any_number_of_copies_and_ignores_a_dropped_one():
    reported = only(denoise(exact(change="drop", copy_index=3, sigma=2.0).replace("training.k", 7)))
    assert reported.fixed_k == 0
    assert len(reported.copies.y) == 7
    assert reported.changed.origin == (0, 1, 3, 4, 5, 6)
    fewer = only(denoise(exact(change="drop", copy_index=7, sigma=2.0).replace("training.k", 7)))
    alone = only(denoise(exact(sigma=2.0).replace("training.k", 6)))
    np.testing.assert_allclose(fewer.changed.x_hat, alone.copies.x_hat, atol=1e-6)


def test_more_copies_or_less_noise_bring_the_estimate_nearer():
    errors = [
        np.mean([only(denoise(exact(index=index, sigma=sigma).replace("training.k", k))).error for index in range(20)])
        for sigma, k in ((4.0, 1), (4.0, 16), (0.5, 16))
    ]
    assert errors == sorted(errors, reverse=True)
