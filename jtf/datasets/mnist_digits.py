"""The MNIST digits: a part of them comes with the package, and the full set is read from its files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jtf.datasets.idx import read_idx

_SUBSET = Path(__file__).parent / "mnist"
_SIDE = 28
_CLASSES = 10


class Digits(NamedTuple):
    """Handwritten digits and which ones they are.

    Attributes:
        images: float32 ``[n, 28, 28, 1]``, 0 (paper) to 1 (ink).
        labels: int32 ``[n]``, 0 to 9.
    """

    images: np.ndarray
    labels: np.ndarray

    def __repr__(self) -> str:
        return f"Digits(images={_shown(self.images)}, labels={_shown(self.labels)})"

    @property
    def flat(self) -> np.ndarray:
        """The images as rows, float32 ``[n, 784]``: a view, not a copy."""
        return self.images.reshape(len(self.images), _SIDE * _SIDE)

    @property
    def one_hot(self) -> np.ndarray:
        """The labels as float32 ``[n, 10]``, for ``categorical_crossentropy``."""
        return np.eye(_CLASSES, dtype=np.float32)[self.labels]


class Mnist(NamedTuple):
    """Digits to train on, and others to test on."""

    train: Digits
    test: Digits


def _shown(array: np.ndarray) -> str:
    return f"{array.dtype}{list(array.shape)}"


def mnist(path: str | os.PathLike[str] | None = None) -> Mnist:
    """The MNIST digits.

    Without a path, the part that comes with the package: the first 30,000 of the 60,000 training images and
    every second of the 10,000 test images, beginning with the first: 5,000 that are like the whole. (The first
    half is harder than the second, so either half alone would mislead.)

    Args:
        path: a directory with the four files of the full set, such as ``train-images-idx3-ubyte`` (also
            ``train-images.idx3-ubyte``), plain or ``.gz``. Data sets of the same form, such as Fashion-MNIST,
            can be read too.

    Returns:
        ``Mnist(train, test)``, each with ``images``, ``labels``, ``flat`` and ``one_hot``.

    Raises:
        FileNotFoundError: the directory, or a file in it, is missing.
        ValueError: a file is damaged, or the images and labels do not belong together.

    References:
        LeCun, Bottou, Bengio, Haffner, "Gradient-based learning applied to document recognition", 1998.
        For the terms of the packaged part see the LICENSE beside its files.

    Example:
        >>> import jtf
        >>> train, test = jtf.datasets.mnist()
        >>> train.flat.shape, test.one_hot.shape
        ((30000, 784), (5000, 10))
    """
    directory = _SUBSET if path is None else Path(path)
    if not directory.is_dir():
        raise FileNotFoundError(
            f"mnist expects a directory with the four IDX files, but {directory} is none. "
            "Leave path out for the part that comes with the package."
        )
    return Mnist(_digits(directory, "train"), _digits(directory, "t10k"))


def _digits(directory: Path, part: str) -> Digits:
    image_file = _find(directory, f"{part}-images", "idx3-ubyte")
    label_file = _find(directory, f"{part}-labels", "idx1-ubyte")
    images, labels = read_idx(image_file, 3), read_idx(label_file, 1)
    if images.shape[1:] != (_SIDE, _SIDE):
        raise ValueError(f"{image_file}: expected images of ({_SIDE}, {_SIDE}), found {images.shape[1:]}.")
    if len(images) != len(labels):
        raise ValueError(
            f"{image_file} and {label_file} do not belong together: expected a label for each image, found "
            f"{len(images)} images and {len(labels)} labels."
        )
    if labels.size and labels.max() >= _CLASSES:
        row = int(labels.argmax())
        raise ValueError(f"{label_file}: expected labels from 0 to 9, found {labels[row]} at row {row}.")
    scaled = images[..., np.newaxis].astype(np.float32)
    scaled /= 255
    return Digits(scaled, labels.astype(np.int32))


def _find(directory: Path, stem: str, kind: str) -> Path:
    names = [f"{stem}{sep}{kind}{gz}" for sep in "-." for gz in ("", ".gz")]
    for name in names:
        if (directory / name).is_file():
            return directory / name
    there = sorted(entry.name for entry in directory.iterdir())
    shown = ", ".join(there[:10]) + (f" and {len(there) - 10} more" if len(there) > 10 else "")
    raise FileNotFoundError(
        f"No {stem} in {directory}. Looked for {', '.join(names)}; the directory holds {shown or 'nothing'}."
    )
