"""The arguments of a model's methods; the keys of TF.js's options objects among them."""

from __future__ import annotations

from collections.abc import Mapping

_YIELD = "await model.fit_async(...), which lets other tasks run"
_EAGER = "jax.disable_jit(), within which nothing is compiled"
_QUIET = "it shows no progress, and has nothing to be silenced."
_NO_CALLBACKS = "it calls no callbacks."
_BY_NAME = "dict(zip(model.metrics_names, losses)) on what it returns"

ARGUMENTS: Mapping[str, Mapping[str, str]] = {
    "compile()": {
        _EAGER: "jit_compile run_eagerly",
        "training is compiled, and does not wait for Python between steps.": "steps_per_execution",
        "multiply the loss yourself in a function of (y_true, y_pred).": "auto_scale_loss",
    },
    "evaluate()": {
        "evaluate_dataset(dataset, batches=...)": "steps",
        _QUIET: "verbose",
        _NO_CALLBACKS: "callbacks",
        _BY_NAME: "return_dict",
    },
    "evaluate_dataset()": {_QUIET: "verbose"},
    "fit()": {
        "fit_dataset(dataset, batches_per_epoch=...)": "steps_per_epoch",
        "fit_dataset(dataset, validation_batches=...)": "validation_steps",
        "batch_size=, which is that of the validation, too": "validation_batch_size",
        "model.evaluate in a callback, in the epochs that you choose": "validation_freq",
        _YIELD: "yieldEvery",
    },
    "fit_dataset()": {_YIELD: "yieldEvery"},
    "predict()": {
        "predict(x[:n]), with as many samples as you want": "steps",
        _QUIET: "verbose",
        _NO_CALLBACKS: "callbacks",
    },
    "train_on_batch()": {_BY_NAME: "return_dict"},
}
