"""How a model was compiled in Keras, and the state of its optimizer, where both mean the same here.

References:
    Keras: keras/src/losses/, keras/src/trainers/compile_utils.py; tf.keras 2.15
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax

from jtf.engine.objective import LOSSES
from jtf.engine.warnings import warn
from jtf.io import optimizer_state
from jtf.io.errors import ModelFormatError
from jtf.io.keras.config import Dialect
from jtf.io.keras.hdf5 import Group
from jtf.io.keras.metrics import NotThere, metric_of
from jtf.io.keras.optimizers import NotTheSame, described, difference, saved_state, trained
from jtf.io.keras.weights import Place
from jtf.layers.embedding import Embedding, Masking
from jtf.naming import words_in_snake_case

#: Names of losses and metrics in Keras for jtf's.
_ALIASES = {
    "log_cosh": "logcosh",
    "kl_divergence": "kullback_leibler_divergence",
    "kld": "kullback_leibler_divergence",
    "cosine_similarity": "cosine_proximity",
    "bce": "binary_crossentropy",
}
_OTHER_LOSSES = {
    "hinge": "takes labels of 0 for -1 in Keras",
    "squared_hinge": "takes labels of 0 for -1 in Keras",
}
_OF_LOSSES = ("name", "dtype", "fn", "from_logits")
_IDLE_OF_LOSSES: Mapping[str, tuple[Any, ...]] = {
    "reduction": ("sum_over_batch_size", "auto"),
    "label_smoothing": (0,),
    "axis": (-1,),
    "ignore_class": (None,),
}


def compile_as_in_keras(model: Any, training: Any, where: Sequence[Place], root: Group, dialect: Dialect) -> None:
    """Compile a model as the file says, and restore the optimizer's state; warn about what cannot be kept.

    Args:
        model: with its weights.
        training: ``compile_config`` or ``training_config``.
        where: the model's layers in Keras's order.
        root: the file's arrays.
        dialect: of the file.

    Raises:
        ModelFormatError: the state is not that of the optimizer.
    """
    if not isinstance(training, Mapping) or not training:
        return
    try:
        kind, options = described(training.get("optimizer_config", training.get("optimizer")))
        optimizer, state = kind.make(options), saved_state(kind, options, where, root, dialect)
        loss = _each(training.get("loss"), _loss)
        left_out: list[str] = []
        metrics, weighted = (_metrics(training.get(key), left_out) for key in ("metrics", "weighted_metrics"))
        masked = True if _has_masked_output(model) else None
        model.compile(optimizer, loss, metrics, training.get("loss_weights"), weighted, masked)
    except ModelFormatError:
        raise
    except Exception as error:  # of all that a configuration can say
        why = str(error) if isinstance(error, NotTheSame) else f"{type(error).__name__}: {error}"
        warn(f"{dialect.source}: the model is not compiled, since jtf would train it differently than Keras: {why}. To "
              "train it, call model.compile(optimizer=..., loss=...).")  # fmt: skip
        return
    optimizer_state.restore(optimizer, trained(where), state, dialect.source)
    if how := difference(kind, options):
        warn(f"{dialect.source}: compiled with {optimizer.class_name}, where {how}.")
    if masked and dialect.major == 2:
        warn(
            f"{dialect.source}: compiled with mask_loss=True: the loss is the mean over the steps that a mask leaves, "
            "as since Keras 2.10. Before, it was their sum divided by the number of all steps."
        )
    if left_out:
        warn(
            f"{dialect.source}: compiled without the metrics {', '.join(left_out)}, which jtf computes differently or "
            "not at all; the training is the same."
        )


def _has_masked_output(model: Any) -> bool:
    """Whether a mask reaches an output."""
    if not any(
        isinstance(layer, Masking) or (isinstance(layer, Embedding) and layer.mask_zero)
        for layer in model.layers_inside
    ):
        return False
    shapes = [[2 if size is None else size for size in shape] for shape in model.input_shapes]
    inputs = [jax.ShapeDtypeStruct(shape, dtype) for shape, dtype in zip(shapes, model.input_dtypes, strict=True)]

    def masks(*arrays: Any) -> Any:
        return model.call_with_mask(list(arrays) if len(arrays) > 1 else arrays[0], None, False)[1]

    return bool(jax.tree.leaves(jax.eval_shape(masks, *inputs)))


# The loss and the metrics.


def _each(given: Any, function: Callable[[Any], Any]) -> Any:
    """A function of each entry of lists and dicts, however deep."""
    if isinstance(given, Mapping) and "class_name" not in given:
        return {key: _each(value, function) for key, value in given.items()}
    return [_each(item, function) for item in given] if isinstance(given, list) else function(given)


def _named(given: Any) -> tuple[str, dict[str, Any]]:
    """The name of a loss or metric as jtf has it, and its options."""
    config: Any = {}
    if isinstance(given, Mapping):
        given, config = given["class_name"], given["config"]
        if given == "function":
            given, config = config, {}
    if given in ("MeanMetricWrapper", "LossFunctionWrapper"):
        given = config["fn"]
    if not isinstance(given, str):
        raise NotTheSame(f"{str(given)[:80]} is no name")
    name = given.lower() if given.isupper() else words_in_snake_case(given)
    return _ALIASES.get(name, name), dict(config)


def _loss(given: Any) -> Any:
    if given is None:
        return None
    name, config = _named(given)
    if name not in LOSSES or name in _OTHER_LOSSES:
        raise NotTheSame(f"the loss {name!r} {_OTHER_LOSSES.get(name, 'is none of jtf')}")
    for option, value in config.items():
        if option not in _OF_LOSSES and value not in _IDLE_OF_LOSSES.get(option, ()):
            raise NotTheSame(f"the loss {name!r} has {option}={value!r}")
    with_logits: Any = LOSSES[name]
    return functools.partial(with_logits, from_logits=True) if config.get("from_logits") else name


def _metrics(given: Any, left_out: list[str]) -> Any:
    """The metrics that jtf has; the names of the others are added to a list."""

    def known(metric: Any) -> Any:
        if metric is None:
            return None
        name, config = _named(metric)
        try:
            return metric_of(name, config)
        except NotThere:
            left_out.append(name)
            return None

    def without_none(given: Any) -> Any:
        if isinstance(given, Mapping):
            kept = {key: without_none(value) for key, value in given.items()}
            return {key: value for key, value in kept.items() if value not in (None, [])}
        if isinstance(given, list):
            return [each for each in map(without_none, given) if each is not None]
        return given

    return without_none(_each(given, known)) or None
