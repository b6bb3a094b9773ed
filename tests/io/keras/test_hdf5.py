"""The reader of HDF5 agrees with HDF5's own library, and is not harmed by what others put into files."""

from __future__ import annotations

import io
import random
import time
import zipfile

import numpy as np
import pytest

from jtf.io.errors import ModelFormatError
from jtf.io.keras import hdf5
from tests.io.keras.recorded import NEWEST, RECORDED, extracted, names

h5py = pytest.importorskip("h5py")


def written(write, **options):
    stream = io.BytesIO()
    with h5py.File(stream, "w", **options) as file:
        write(file)
    return stream.getvalue()


def weights_of(path):
    data = path.read_bytes()
    if data.startswith(hdf5.SIGNATURE):
        return data
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return archive.read("model.weights.h5")


def same(group, read):
    assert {name: _plain(value) for name, value in group.attrs.items()} == read.attributes
    assert set(group) == set(read.members)
    for name, member in group.items():
        if isinstance(member, h5py.Group):
            same(member, read.members[name])
        else:
            array = read.members[name]
            assert (array.dtype, array.shape) == (member.dtype, member.shape)
            np.testing.assert_array_equal(array, member[()])


def _plain(value):
    if isinstance(value, np.ndarray):
        return [_plain(item) for item in value.tolist()]
    return value.decode() if isinstance(value, bytes) else value


@pytest.mark.parametrize("archive", RECORDED, ids=lambda path: path.stem)
def test_files_of_keras(archive, tmp_path):
    for name in names(archive):
        data = weights_of(extracted(archive, name, tmp_path))
        with h5py.File(io.BytesIO(data)) as file:
            same(file, hdf5.read(data, name))


def test_what_h5py_writes():
    def write(file):
        for dtype in ("f2", "f4", "f8", "i1", "u2", "i4", "u8"):
            file[f"numbers/{dtype}"] = np.arange(6).reshape(2, 3).astype(dtype)
        file["scalar"], file["empty"] = np.float32(3), np.zeros((0, 4), np.float32)
        for number in range(300):  # so many that the names are in a tree
            file[f"many/name_{number}"] = np.float32(number)
        file.attrs["text"], file.attrs["long"] = "ä", "x" * 100_000
        file.attrs["fixed"], file.attrs["numbers"] = np.array([b"ab", b"c"]), np.arange(3)
        file.attrs["nothing"] = []

    data = written(write)
    with h5py.File(io.BytesIO(data)) as file:
        same(file, hdf5.read(data, "it"))


def _linked(link):
    def write(file):
        file["there"] = np.ones(3)
        file["it"] = link

    return write


@pytest.mark.parametrize(
    ("write", "options"),
    [
        (_linked(h5py.SoftLink("/there")), {}),
        (_linked(h5py.ExternalLink("/etc/passwd", "/")), {}),
        (lambda file: file.create_dataset("it", data=np.zeros(1000), compression="gzip"), {}),
        (lambda file: file.create_dataset("it", shape=(10**6, 10**6), dtype="f4"), {}),
        (lambda file: file.create_dataset("it", shape=(10,), dtype="f8", external=[("/etc/passwd", 0, 80)]), {}),
        (lambda file: file.create_virtual_dataset("it", h5py.VirtualLayout((3,), "f4")), {}),
        (lambda file: file.create_dataset("it", data=["text"]), {}),
        (lambda file: file.create_dataset("it", data=np.ones(3, ">f4")), {}),
        (lambda file: file.create_dataset("it", data=[True]), {}),
        (lambda file: file.create_group("it").__setitem__("again", file), {}),
        (lambda file: file.create_group("it"), {"libver": "latest"}),
        (lambda file: file.create_group("it"), {"userblock_size": 512}),
    ],
    ids="soft external compressed huge elsewhere virtual text big_endian bool cycle latest userblock".split(),
)
def test_what_keras_does_not_write_is_refused(write, options):
    with pytest.raises(ModelFormatError, match=r"it\.h5"):
        hdf5.read(written(write, **options), "it.h5")


def test_many_arrays_at_one_place_are_refused():
    def write(file):
        places.append(file.create_dataset("it", data=np.ones(10_000)).id.get_offset())
        for number in range(5):
            file.create_dataset(f"empty_{number}", shape=(10_000,), dtype="f8")

    places = []
    data, size = written(write), (80_000).to_bytes(8, "little")
    assert data.count(b"\xff" * 8 + size) == 5
    with pytest.raises(ModelFormatError, match="values that lie at the same places"):
        hdf5.read(data.replace(b"\xff" * 8 + size, places[0].to_bytes(8, "little") + size), "it")


@pytest.mark.parametrize("name", ["graph.h5", "graph.keras", "trained_adam.h5"])
def test_damaged_files_are_read_or_refused_at_once(name, tmp_path):
    data, rng = weights_of(extracted(NEWEST, name, tmp_path)), random.Random(0)
    refused = 0
    for _ in range(400):
        damaged = bytearray(data[: rng.randrange(len(data))] if rng.random() < 0.1 else data)
        for _ in range(rng.choice([1, 2, 8, 64])):
            damaged[rng.randrange(len(damaged))] = rng.choice([0, 255, rng.randrange(256)])
        begin = time.perf_counter()
        try:
            root = hdf5.read(bytes(damaged), name)
            assert sum(array.nbytes for _, array in root.arrays()) <= 2 * len(data)
        except ModelFormatError:
            refused += 1
        assert time.perf_counter() - begin < 5
    assert 50 < refused < 350
