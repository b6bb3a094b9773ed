"""Datasets: elements that are made one after the other, as TF.js's `tf.data` has them.

Plain Python iterators over numpy: an element is a number, a string, an array, or a dict, list or tuple of
such, and a batch holds numpy arrays, which `fit_dataset` moves to the device. Every pass is a fresh one.

    arguments  the checks that the methods share
    structure  walking through nested dicts, lists and tuples
    batching   elements to batches
    shuffling  the window of a shuffle and where its random numbers come from
    prefetch   a pass that runs ahead on its own thread
    dataset    Dataset, with all its methods
    sources    array, generator, zip
    fields     what a CSV field stands for
    lines      the lines of a text file, pass after pass
    csv        the CSV file itself

Example:
    >>> import jtf
    >>> xs, ys = [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]], [0, 1, 0]
    >>> for batch in jtf.data.array({"xs": xs, "ys": ys}).batch(2):
    ...     print(batch["xs"].shape, batch["ys"])
    (2, 2) [0 1]
    (1, 2) [0]
"""

from jtf.data.csv import CsvDataset, csv
from jtf.data.dataset import Dataset
from jtf.data.sources import array, generator, zip

__all__ = ["CsvDataset", "Dataset", "array", "csv", "generator", "zip"]
