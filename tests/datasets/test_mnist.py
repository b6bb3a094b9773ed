"""MNIST: the part in the package is the original's, and the full set is found under all its names."""

import gzip
import hashlib
import struct
from pathlib import Path

import numpy as np
import pytest

import jtf.datasets
from jtf.datasets import mnist
from jtf.datasets.idx import read_idx
from tests.datasets.make_subset import PARTS, cut

FOLDER = Path(jtf.datasets.__file__).parent / "mnist"
#: SHA-256 of the gunzipped files: the headers with their counts, and the chosen bytes of the full files.
DIGESTS = {
    "train-images-idx3-ubyte.gz": "54578ba567b9f317d91026f1822eb012bf648754749516e4d4feded6c7213767",
    "train-labels-idx1-ubyte.gz": "fac1b969f7791a9f9f21432b9a2785c9d0367dae2913132b4b65dac8a84b61a2",
    "t10k-images-idx3-ubyte.gz": "a51e2d3dd51e45c9b4d3696ea77423669135a941d6f9dd0601b1f25118d2faeb",
    "t10k-labels-idx1-ubyte.gz": "c8d9c1279793466699980474ba7404217cd19185782723424d76af81c28b86c4",
}
FULL_COUNTS = {"train": 60_000, "t10k": 10_000}
COUNTS = {name: len(range(*PARTS[name].indices(count))) for name, count in FULL_COUNTS.items()}


@pytest.fixture(scope="module")
def digits():
    return mnist()


class TestPackagedPart:
    @pytest.mark.parametrize("name", DIGESTS)
    def test_the_bytes_are_the_originals(self, name):
        packed = (FOLDER / name).read_bytes()
        assert packed[:10] == b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03"  # no time stamp, no file name
        assert hashlib.sha256(gzip.decompress(packed)).hexdigest() == DIGESTS[name]

    def test_it_is_small_enough_for_the_wheel(self):
        assert sum(file.stat().st_size for file in FOLDER.iterdir()) < 5_400_000

    def test_terms_and_origin_come_along(self):
        assert "Creative Commons Attribution-ShareAlike 3.0" in (FOLDER / "LICENSE").read_text()
        readme = (FOLDER / "README.md").read_text()
        assert f"the first {COUNTS['train']:,}" in readme
        assert f"every second, {COUNTS['t10k']:,} in all" in readme
        assert "every second" in (FOLDER / "LICENSE").read_text()

    def test_shapes_types_and_ranges(self, digits):
        for part, count in ((digits.train, COUNTS["train"]), (digits.test, COUNTS["t10k"])):
            assert part.images.shape == (count, 28, 28, 1)
            assert part.images.dtype == np.float32
            assert part.images.min() == 0
            assert part.images.max() == 1
            assert part.labels.shape == (count,)
            assert part.labels.dtype == np.int32
            assert np.bincount(part.labels).shape == (10,)
            assert np.bincount(part.labels).min() > 0.07 * count

    def test_well_known_first_labels(self, digits):
        # The full test part begins 7 2 1 0 4 1 4 9 5 9 0 6 9 0 1 5 9 7 3 4; every second of these is here.
        assert digits.train.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
        assert digits.test.labels[:10].tolist() == [7, 1, 4, 4, 5, 0, 9, 1, 9, 3]

    def test_pixels_are_the_bytes_over_255(self, digits):
        raw = read_idx(FOLDER / "t10k-images-idx3-ubyte.gz", 3)
        np.testing.assert_array_equal(digits.test.images[..., 0], np.float32(raw) / np.float32(255))

    def test_it_is_shown_in_a_line(self):
        assert repr(jtf.datasets.mnist()) == (
            "Mnist(train=Digits(images=float32[30000, 28, 28, 1], labels=int32[30000]), "
            "test=Digits(images=float32[5000, 28, 28, 1], labels=int32[5000]))"
        )

    def test_flat_is_a_view(self, digits):
        flat = digits.test.flat
        assert flat.shape == (COUNTS["t10k"], 784)
        assert np.shares_memory(flat, digits.test.images)
        np.testing.assert_array_equal(flat[3].reshape(28, 28), digits.test.images[3, :, :, 0])

    def test_one_hot(self, digits):
        one_hot = digits.test.one_hot
        assert one_hot.dtype == np.float32
        assert one_hot.shape == (COUNTS["t10k"], 10)
        np.testing.assert_array_equal(one_hot.argmax(1), digits.test.labels)
        assert set(np.unique(one_hot)) == {0, 1}
        assert (one_hot.sum(1) == 1).all()

    def test_a_linear_fit_learns_them(self, digits):
        # Ridge regression on the raw pixels is known to get about 85% of MNIST right.
        x = digits.train.flat[:4000].astype(np.float64)
        weights = np.linalg.solve(x.T @ x + 10 * np.eye(784), x.T @ digits.train.one_hot[:4000])
        right = (digits.test.flat @ weights).argmax(1) == digits.test.labels
        assert 0.78 < right.mean() < 0.9


def idx(array):
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def write(folder, names, train=7, test=3):
    """Four files with random digits, under `names` (a template of the file names)."""
    rng = np.random.default_rng(0)
    for part, count in (("train", train), ("t10k", test)):
        arrays = {
            ("images", 3): rng.integers(0, 256, (count, 28, 28), dtype=np.uint8),
            ("labels", 1): rng.integers(0, 10, count, dtype=np.uint8),
        }
        for (what, ndim), array in arrays.items():
            name = names.format(part=part, what=what, ndim=ndim)
            content = idx(array)
            (folder / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)


class TestFullSet:
    @pytest.mark.parametrize("sep", ["-", "."])
    @pytest.mark.parametrize("gz", ["", ".gz"])
    @pytest.mark.parametrize("as_path", [str, Path])
    def test_all_names(self, tmp_path, sep, gz, as_path):
        write(tmp_path, "{part}-{what}" + sep + "idx{ndim}-ubyte" + gz)
        train, test = mnist(as_path(tmp_path))
        assert (train.flat.shape, test.one_hot.shape) == ((7, 784), (3, 10))

    def test_a_missing_directory(self, tmp_path):
        with pytest.raises(
            FileNotFoundError, match=r"expects a directory with the four IDX files, but .*nowhere is none"
        ):
            mnist(tmp_path / "nowhere")

    def test_a_missing_file(self, tmp_path):
        with pytest.raises(FileNotFoundError, match=r"No train-images .*Looked for .*the directory holds nothing"):
            mnist(tmp_path)
        write(tmp_path, "{part}-{what}-idx{ndim}-ubyte")
        (tmp_path / "t10k-labels-idx1-ubyte").unlink()
        message = (
            "No t10k-labels .*Looked for t10k-labels-idx1-ubyte, t10k-labels-idx1-ubyte.gz, "
            "t10k-labels.idx1-ubyte, t10k-labels.idx1-ubyte.gz; the directory holds t10k-images-idx3"
        )
        with pytest.raises(FileNotFoundError, match=message):
            mnist(tmp_path)
        for i in range(20):
            (tmp_path / f"a{i:02}").touch()
        with pytest.raises(FileNotFoundError, match=r"a00, .*, a09 and 13 more"):
            mnist(tmp_path)

    @pytest.mark.parametrize(
        ("name", "array", "message"),
        [
            (
                "train-labels-idx1-ubyte",
                np.zeros(6, np.uint8),
                "do not belong together: .*7 images and 6 labels",
            ),
            (
                "t10k-labels-idx1-ubyte",
                np.uint8([0, 10, 3]),
                "expected labels from 0 to 9, found 10 at row 1",
            ),
            (
                "t10k-images-idx3-ubyte",
                np.zeros((3, 32, 32), np.uint8),
                r"images of \(28, 28\), found \(32, 32\)",
            ),
            ("train-images-idx3-ubyte", np.zeros(7, np.uint8), "in 3 dimensions"),
        ],
    )
    def test_files_that_do_not_fit(self, tmp_path, name, array, message):
        write(tmp_path, "{part}-{what}-idx{ndim}-ubyte")
        (tmp_path / name).write_bytes(idx(array))
        with pytest.raises(ValueError, match=f"(?s){name}.*{message}"):
            mnist(tmp_path)


@pytest.mark.parametrize("part", [slice(2), slice(None, None, 2), slice(1, 4), slice(9)])
@pytest.mark.parametrize("shape", [(5,), (6, 2, 3)])
def test_the_maker_cuts_out_a_part(part, shape):
    array = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    assert cut(idx(array), part) == idx(array[part])
