"""``jtf convert IN OUT``: models from one kind of file into another."""

from __future__ import annotations

import argparse
from typing import Any

from jtf.cli.model_files import Answer, answered, opened, size_in_words
from jtf.io.manifest import QUANTIZED


def add_to(commands: Any) -> None:
    """Make the command known to the parser."""
    convert = commands.add_parser(
        "convert",
        help="turn a model file into one of another kind: Keras's into TF.js's, quantized, ...",
        description="Open a model and save it anew. What is read: a directory or model.json of TF.js's, a .zip or "
        ".safetensors file of jtf's, Keras's .keras and .h5 files. What is written: a directory that TF.js opens, a "
        ".zip file of the same, or a .safetensors file.",
    )
    convert.add_argument("source", metavar="IN", help="the model to open")
    convert.add_argument("target", metavar="OUT", help="where to save it: a directory, or a .zip or .safetensors file")
    convert.add_argument(
        "--dtype",
        action="append",
        default=[],
        metavar="[PATTERN=]DTYPE",
        help=f"keep weights in fewer bytes: {', '.join(QUANTIZED)}; or those whose names fit a pattern, such as "
        "'*/kernel=uint8' (may be given several times; the first that fits counts)",
    )
    convert.add_argument("--shard-bytes", type=int, metavar="N", help="how large a file of weights may be (4194304)")
    convert.add_argument(
        "--include-optimizer", action="store_true", help="also what the model was compiled with, and its state"
    )
    convert.add_argument("--for-jtf", action="store_true", help="allow what TF.js cannot open")
    convert.add_argument(
        "--overwrite", action="store_true", help="write into a directory that has other things in it and no model"
    )
    convert.add_argument("--json", action="store_true", help="print the outcome for programs")
    convert.set_defaults(run=lambda options: answered(options.json, lambda: _convert(options)))


def _convert(options: argparse.Namespace) -> Answer:
    model, _ = opened(options.source)
    result = model.save(
        options.target,
        include_optimizer=options.include_optimizer,
        dtype=dict(_pattern_and_dtype(given) for given in options.dtype) or None,
        target="jtf" if options.for_jtf else "tfjs",
        shard_bytes=options.shard_bytes,
        overwrite=options.overwrite,
    )
    outcome = {"source": options.source, "target": options.target, "class_name": model.class_name, **result._asdict()}

    def show() -> None:
        size = size_in_words(result.weight_bytes)
        print(f"{options.target}: {model.class_name} {model.name!r}, {result.weights} weights, {size}")
        if result.worst_weight is not None:
            error = f"{result.largest_error:.3g}, in {result.worst_weight}"
            print(f"{size_in_words(result.full_bytes)} before; the largest error of a weight is {error}")
        if model.optimizer is not None and not options.include_optimizer:
            print("without what it was compiled with: --include-optimizer takes that along")

    return outcome, show


def _pattern_and_dtype(given: str) -> tuple[str, str]:
    pattern, _, dtype = given.rpartition("=")
    return pattern or "*", dtype
