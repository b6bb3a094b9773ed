"""What models have to do with files: saving, weights from elsewhere, metadata, the topology as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from jtf.io import SaveResult, load_weights, save_layers_model
from jtf.io.handlers import SaveTarget
from jtf.io.topology import topology
from jtf.missing import knows_arguments
from jtf.options import checked


class Saving:
    """The part of `LayersModel` that is about files."""

    _user_defined_metadata: dict[str, Any] | None = None

    @knows_arguments
    @checked
    def save(
        self,
        path: SaveTarget,
        *,
        include_optimizer: bool = False,
        trainable_only: bool = False,
        dtype: str | Mapping[str, str] | None = None,
        target: str = "tfjs",
        shard_bytes: int | None = None,
        overwrite: bool = False,
    ) -> SaveResult:
        """Write the model in TF.js's own format.

        ``tf.loadLayersModel`` opens it in the browser and in Node; `jtf.load_layers_model` opens it here. A crash at
        any moment leaves the model that was there before, or the new one.

        Args:
            path: a directory, in which a model that is there already is replaced; a ``.zip`` file; a ``.safetensors``
                file, for the weights and the topology alone; or a handler, an object with ``save(artifacts)``, such
                as `jtf.io.with_save_handler`.
            include_optimizer: write down the loss, the metrics and the optimizer with its state, so that training
                goes on where it was.
            trainable_only: leave out the weights that training does not change.
            dtype: keep weights in fewer bytes: ``"float16"``, ``"uint16"`` or ``"uint8"``; or so by pattern,
                ``{"*/kernel": "uint8"}``.
            target: ``"tfjs"`` refuses what TF.js could not open; ``"jtf"`` does not.
            shard_bytes: how large a file of weights may be, 4 MiB by default.
            overwrite: whether to write into a directory that has other things in it, which stay.

        Returns:
            How many bytes the weights take, and the largest error by a smaller dtype.

        Raises:
            ValueError: the model is not built, something cannot be written down, or TF.js could not open it; names
                the layer and the way out. Nothing was written.
            FileExistsError: there is something at ``path`` that is not a saved model.
        """
        return save_layers_model(
            self,
            path,
            include_optimizer=include_optimizer,
            trainable_only=trainable_only,
            dtype=dtype,
            target=target,
            shard_bytes=shard_bytes,
            overwrite=overwrite,
        )

    @checked
    def load_weights(self, source: Any, *, strict: bool = True) -> None:
        """Take over weights from elsewhere, into a model that is made already.

        Args:
            source: a path or handler as for `jtf.load_layers_model`, a ``.safetensors`` file of any program, a file of
                Keras (also of weights only), or a dict of arrays by name.
            strict: whether they must be just the model's weights. Otherwise those of the same name and shape are taken
                over and the others stay; a warning lists what was left out on either side.

        Raises:
            ValueError: the model is not built.
            ModelFormatError: they do not match; both lists are shown, and nothing is changed.
        """
        load_weights(self, source, strict)

    def set_user_defined_metadata(self, metadata: Mapping[str, Any]) -> None:
        """Let something go with the model into its files: labels, a version, whatever JSON holds.

        Raises:
            ValueError: it is not a dict that JSON can hold.
        """
        try:
            copy = json.loads(json.dumps(metadata, allow_nan=False))
        except (TypeError, ValueError) as error:
            raise ValueError(f"User-defined metadata is what JSON can hold; received {metadata!r}: {error}") from error
        if copy != metadata or not isinstance(metadata, Mapping):
            raise ValueError(f"User-defined metadata is a dict with names as keys; received {metadata!r}.")
        self._user_defined_metadata = copy

    def get_user_defined_metadata(self) -> dict[str, Any] | None:
        """What `set_user_defined_metadata`, or the file that the model comes from, has given; None if neither."""
        return self._user_defined_metadata

    def to_json(self) -> str:
        """The topology as JSON, in TF.js's and Keras's spelling: `jtf.models.model_from_json` makes it again."""
        return json.dumps(topology(self))
