"""The IDX reader: what it reads, and that nothing damaged gets through."""

import gzip
import struct
import tracemalloc

import numpy as np
import pytest

from jtf.datasets.idx import read_idx


def idx(array):
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


CUBE = np.random.default_rng(0).integers(0, 256, (5, 4, 3), dtype=np.uint8)
GOOD = idx(CUBE)
PACKED = gzip.compress(GOOD, mtime=0)


@pytest.mark.parametrize(("name", "content"), [("a-idx3-ubyte", GOOD), ("a-idx3-ubyte.gz", PACKED)])
def test_it_reads_what_was_written(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    found = read_idx(tmp_path / name, 3)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, CUBE)


@pytest.mark.parametrize("shape", [(7,), (0,), (0, 28, 28), (2, 3)])
def test_other_dimensions(tmp_path, shape):
    array = np.ones(shape, np.uint8)
    (tmp_path / "a").write_bytes(idx(array))
    np.testing.assert_array_equal(read_idx(tmp_path / "a", len(shape)), array)


HUGE = bytes([0, 0, 8, 3]) + struct.pack(">3I", 2**32 - 1, 28, 28)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no IDX file .*expected it to begin with 00 00 08 03, found nothing"),
        (b"\x00\x00\x08\x01" + GOOD[4:], "unsigned bytes in 3 dimensions.*found 00 00 08 01"),
        (b"\x00\x00\x0d\x03" + GOOD[4:], "found 00 00 0d 03"),
        (b"<htm" + GOOD[4:], "found 3c 68 74 6d. Is it the right file"),
        (GOOD[:10], "cut off: expected 16 bytes of header, found 10"),
        (GOOD[:-1], r"cut off: its header says \(5, 4, 3\), so expected .* bytes"),
        (GOOD[:16], "cut off"),
        (
            GOOD + b"\x00",
            r"too long: its header says \(5, 4, 3\), so expected 60 bytes behind it, found more than 60",
        ),
        (
            HUGE + bytes(60),
            r"cut off: its header says \(4294967295, 28, 28\), so expected 3367254359296 bytes",
        ),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_damaged_files(tmp_path, content, message, packed):
    path = tmp_path / ("damaged.gz" if packed else "damaged")
    path.write_bytes(gzip.compress(content) if packed else content)
    if packed:
        message = message.replace("3367254359296 bytes", "3367254359296 bytes, but the file can hold")
    with pytest.raises(ValueError, match=f"damaged.*{message}"):
        read_idx(path, 3)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (GOOD, "damaged gzip file: Not a gzipped file"),
        (PACKED[:-9], "cut off: its gzip data have no end"),
        (PACKED[:-8] + bytes([PACKED[-8] ^ 1]) + PACKED[-7:], "damaged gzip file: CRC check failed"),
        (PACKED[:-1] + b"\x01", "damaged gzip file: Incorrect length"),
        (PACKED[:10] + b"\xff" * 20 + PACKED[30:], "damaged gzip file"),
    ],
)
def test_damaged_gzip(tmp_path, content, message):
    path = tmp_path / "damaged.gz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_idx(path, 3)


def test_every_single_changed_byte_of_a_gzip_is_noticed_or_harmless(tmp_path):
    path = tmp_path / "a.gz"
    for position in range(len(PACKED)):
        path.write_bytes(PACKED[:position] + bytes([PACKED[position] ^ 0x55]) + PACKED[position + 1 :])
        try:
            found = read_idx(path, 3)
        except ValueError:
            continue
        np.testing.assert_array_equal(found, CUBE)  # the time stamp and such


@pytest.mark.parametrize("packed", [False, True])
def test_the_end_is_looked_at_also_where_the_last_read_ended_there(tmp_path, packed):
    exact = idx(np.zeros(1 << 20, np.uint8))
    path = tmp_path / ("exact.gz" if packed else "exact")
    path.write_bytes(gzip.compress(exact) if packed else exact)
    assert len(read_idx(path, 1)) == 1 << 20
    path.write_bytes(gzip.compress(exact + b"x") if packed else exact + b"x")
    with pytest.raises(ValueError, match="too long"):
        read_idx(path, 1)
    if packed:
        path.write_bytes(gzip.compress(exact)[:-1] + b"\x01")
        with pytest.raises(ValueError, match="damaged gzip file"):
            read_idx(path, 1)


@pytest.mark.parametrize("packed", [False, True])
def test_no_memory_is_taken_on_the_word_of_a_header(tmp_path, packed):
    # 300 kB of gzip could unpack to 300 MB, so the claim of 200 MB is only found out while reading.
    claims = bytes([0, 0, 8, 3]) + struct.pack(">3I", 256_000, 28, 28)
    noise = np.random.default_rng(0).bytes(300_000)
    path = tmp_path / ("lies.gz" if packed else "lies")
    path.write_bytes(gzip.compress(claims + noise) if packed else claims + noise)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=r"cut off"):
            read_idx(path, 3)
        assert tracemalloc.get_traced_memory()[1] < 20e6
    finally:
        tracemalloc.stop()


def test_a_gzip_that_unpacks_to_much_more_than_its_header_says(tmp_path):
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(GOOD + bytes(200_000_000), 1))
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=r"too long"):
            read_idx(tmp_path / "bomb.gz", 3)
        assert tracemalloc.get_traced_memory()[1] < 20e6
    finally:
        tracemalloc.stop()
