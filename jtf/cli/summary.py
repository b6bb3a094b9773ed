"""``jtf summary PATH``: the table of a saved model's layers, its weights and their sizes."""

from __future__ import annotations

import argparse
from typing import Any

from jtf.cli.model_files import Answer, answered, opened, size_in_words


def add_to(commands: Any) -> None:
    """Make the command known to the parser."""
    summary = commands.add_parser(
        "summary",
        help="show the layers and weights of a saved model",
        description="Show the layers of a saved model, its weights and their sizes.",
    )
    summary.add_argument("path", help="a directory or model.json, or a .zip, .safetensors, .keras or .h5 file")
    summary.add_argument("--json", action="store_true", help="print it for programs")
    summary.set_defaults(run=lambda options: answered(options.json, lambda: _summary(options)))


def _summary(options: argparse.Namespace) -> Answer:
    model, specs = opened(options.path)
    weights: list[dict[str, Any]] = [
        {"name": spec.name, "shape": list(spec.shape), "dtype": spec.stored_dtype.name, "bytes": spec.bytes}
        for spec in specs
    ]
    result = {
        "name": model.name,
        "class_name": model.class_name,
        "inputs": _ends(model.input_names, model.input_shapes),
        "outputs": _ends(model.output_names, model.output_shapes),
        "layers": [
            {"name": layer.name, "class_name": layer.class_name, "params": layer.count_params()}
            for layer in model.layers
        ],
        "weights": weights,
        "params": sum(w.size for w in model.weights),
        "trainable_params": sum(w.size for w in model.trainable_weights),
        "bytes": sum(weight["bytes"] for weight in weights),
        "optimizer": None if model.optimizer is None else model.optimizer.class_name,
        "metadata": model.get_user_defined_metadata(),
    }
    return result, lambda: _show(model, result)


def _ends(names: Any, shapes: Any) -> list[dict[str, Any]]:
    return [{"name": name, "shape": list(shape)} for name, shape in zip(names, shapes, strict=True)]


def _show(model: Any, result: dict[str, Any]) -> None:
    model.summary()
    print("\nWeights")
    rows = [(w["name"], str(w["shape"]), w["dtype"], size_in_words(w["bytes"])) for w in result["weights"]]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    for row in rows:
        print("  " + "  ".join(f"{field:<{width}}" for field, width in zip(row, widths, strict=False)) + "  " + row[3])
    print(f"  {size_in_words(result['bytes'])} in the file" if rows else "  none in the file: new ones were drawn")
    if result["optimizer"]:
        print(f"\nCompiled with {result['optimizer']}, after {model.optimizer.iterations} updates")
    if result["metadata"]:
        print(f"\nMetadata: {result['metadata']}")
