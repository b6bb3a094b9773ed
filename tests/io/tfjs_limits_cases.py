"""Models with which TF.js fails or predicts something else: one at least for each of the limits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import jtf

L = jtf.layers

WORDS = np.array([[1, 2, 0, 0], [3, 0, 1, 2]], np.int32)


def one(layer: Any, *shapes: Any, dtype: str = "float32", batch: int | None = None) -> jtf.Model:
    """A model of one layer."""
    inputs = [jtf.input(batch_shape=(batch, *shape), dtype=dtype) for shape in shapes]
    return jtf.model(inputs, layer(inputs if len(inputs) > 1 else inputs[0]))


def words() -> Any:
    return jtf.input(shape=[4], dtype="int32")


def embedding(masked: bool = True) -> Any:
    return L.embedding(input_dim=5, output_dim=2, mask_zero=masked)


def sequences(**options: Any) -> Any:
    return L.gru(units=2, return_sequences=True, **options)


def behind_masks(*layers: Any) -> jtf.Model:
    """Layers behind an embedding with masks."""
    entry = words()
    x = embedding()(entry)
    for layer in layers:
        x = layer(x)
    return jtf.model(entry, x)


def merged(merge: Any, *masked: bool, behind: Any = None) -> jtf.Model:
    entries = [words() for _ in masked]
    x = merge([embedding(each)(entry) for each, entry in zip(masked, entries, strict=True)])
    return jtf.model(entries, behind(x) if behind else x)


def concatenated_with_a_sum() -> jtf.Model:
    entries = [words(), words()]
    masked, plain = embedding()(entries[0]), embedding(masked=False)(entries[1])
    return jtf.model(entries, L.concatenate()([L.add()([masked, plain]), plain]))


def mask_out_of_a_model() -> jtf.Model:
    inner = words()
    entry = words()
    return jtf.model(entry, L.gru(units=2)(jtf.model(inner, embedding()(inner))(entry)))


def branches() -> jtf.Model:
    plain, others = jtf.input(shape=[4, 2]), words()
    return jtf.model([plain, others], L.concatenate()([L.gru(units=2)(plain), L.gru(units=2)(embedding()(others))]))


def mask_that_is_lost() -> jtf.Model:
    one, other = words(), words()
    x = L.leaky_relu()(embedding()(one))
    both = L.concatenate()([L.gru(units=2)(x), L.gru(units=2)(embedding()(other))])
    return jtf.model([one, other], [L.flatten()(x), both])


def encoder_and_decoder() -> jtf.Model:
    source, target = words(), words()
    _, state = L.gru(units=2, return_state=True)(embedding()(source))
    return jtf.model([source, target], sequences()([embedding(masked=False)(target), state]))


def decoders_behind_each_other() -> jtf.Model:
    source, target = words(), words()
    _, state = L.gru(units=2, return_state=True)(embedding()(source))
    return jtf.model([source, target], sequences()(sequences()([embedding()(target), state])))


def decoders_inside() -> jtf.Model:
    inner = [jtf.input(shape=[3, 2]), jtf.input(shape=[2])]
    decoder = jtf.model(inner, sequences()(sequences()(inner)))
    outer = [jtf.input(shape=[3, 2]), jtf.input(shape=[2])]
    return jtf.model(outer, decoder(outer))


def stateful(use: Callable[[Any], Any]) -> jtf.Model:
    entry = jtf.input(batch_shape=[2, 3, 2])
    return jtf.model(entry, use(entry))


def stateful_inside(entry: Any) -> Any:
    inner = jtf.input(batch_shape=[2, 3, 2])
    x = L.gru(units=2, stateful=True)(inner)
    return jtf.model(inner, [x, L.dense(units=2)(x)])(entry)


def crop_of_another_input() -> jtf.Model:
    entry = jtf.input(shape=[4, 3, 2])
    x = L.conv2d(filters=2, kernel_size=1)(entry)
    crop = L.center_crop(height=2, width=2)
    return jtf.model(entry, [L.flatten()(crop(x)), L.dense(units=2)(L.flatten()(x))])


def in_training(layer: Any) -> jtf.Model:
    entry = jtf.input(shape=[3])
    return jtf.model(entry, layer(entry, training=True))


def named(name: str) -> jtf.Model:
    entry = jtf.input(shape=[3])
    return jtf.model(entry, L.dense(units=2)(L.dense(units=2, name=name)(entry)))


def mixed_dtypes() -> jtf.Model:
    entries = [jtf.input(shape=[3], dtype="int32"), jtf.input(shape=[3])]
    return jtf.model(entries, L.concatenate()(entries))


def two_weights_of_one_name() -> jtf.Model:
    inner = jtf.sequential([L.dense(units=3, name="same", input_shape=[3])], name="inner")
    return jtf.sequential([L.dense(units=3, name="same", input_shape=[3]), inner])


def beyond_its_constraint() -> jtf.Model:
    model = one(L.dense(units=2, kernel_constraint="nonNeg"), (3,))
    model.set_weights([np.full((3, 2), -1.0), np.zeros(2)])
    return model


class Own(L.Layer):
    """A class of the user's that has not been registered."""

    def call(self, x: Any) -> Any:
        return 2 * x


class OwnInitializer(jtf.initializers.Initializer):
    def __call__(self, shape: Any, dtype: Any = "float32") -> Any:
        return np.ones(shape, dtype)


FIRST = {"data_format": "channelsFirst"}
IMAGE, VOLUME = (4, 3, 2), (3, 3, 3, 2)

#: By what is refused: a function that makes the model.
CASES: dict[str, Callable[[], Any]] = {
    "einsum-dense": lambda: one(L.einsum_dense(equation="ab,bc->ac", output_shape=4), (3,)),
    "attention": lambda: one(L.multi_head_attention(num_heads=1, key_dim=2), (3, 2), (3, 2)),
    "position-embedding": lambda: one(L.position_embedding(sequence_length=3), (3, 2)),
    "random-height": lambda: one(L.random_height(factor=[0, 0]), IMAGE),
    "random-width": lambda: one(L.random_width(factor=[0, 0]), IMAGE),
    "resizing": lambda: one(L.resizing(height=2, width=2), IMAGE),
    "cell": lambda: one(L.gru_cell(units=2), (3,), (2,)),
    "causal": lambda: one(L.conv1d(filters=2, kernel_size=2, padding="causal"), (4, 2)),
    "conv1d-channels-first": lambda: one(L.conv1d(filters=3, kernel_size=2, **FIRST), (4, 3)),
    "groups": lambda: one(L.conv2d(filters=2, kernel_size=2, groups=2), IMAGE),
    "strides-and-dilation": lambda: one(L.conv2d(filters=2, kernel_size=2, strides=2, dilation_rate=2), (5, 5, 2)),
    "strides-and-dilation-separable": lambda: one(
        L.separable_conv2d(filters=2, kernel_size=2, strides=2, dilation_rate=2), (5, 5, 2)
    ),
    "strides-and-dilation-lstm": lambda: one(
        L.bidirectional(layer=L.conv_lstm2d(filters=2, kernel_size=2, strides=2, dilation_rate=2)), (2, 5, 5, 2)
    ),
    "depthwise-dilation": lambda: one(L.depthwise_conv2d(kernel_size=2, dilation_rate=2), (5, 5, 2)),
    "separable-channels-first": lambda: one(L.separable_conv2d(filters=3, kernel_size=2, **FIRST), (2, 4, 5)),
    "pooling1d-channels-first": lambda: one(L.max_pooling1d(**FIRST), (4, 6)),
    "global-pooling1d-channels-first": lambda: one(L.global_average_pooling1d(**FIRST), (4, 6)),
    "keepdims": lambda: one(L.global_max_pooling2d(keepdims=True), IMAGE),
    "batch-normalization-5d": lambda: one(L.batch_normalization(), VOLUME),
    "layer-normalization-5d": lambda: one(L.layer_normalization(), VOLUME),
    "batch-normalization-axis": lambda: one(L.batch_normalization(axis=1), (3, 3)),
    "batch-normalization-axis-in-steps": lambda: one(
        L.time_distributed(layer=L.batch_normalization(axis=1)), (2, 3, 3)
    ),
    "softmax-axis": lambda: one(L.softmax(), (3, 2)),
    "softmax-mask": lambda: behind_masks(L.softmax(axis=-1)),
    "elu-alpha": lambda: one(L.elu(alpha=0.5), (3,)),
    "concatenate-negative": lambda: one(L.concatenate(axis=-2), (3, 3), (3, 3)),
    "dot-4d": lambda: one(L.dot(axes=(1, 1)), (3, 2, 2), (3,)),
    "dot-mixed-signs": lambda: one(L.dot(axes=(-1, 1)), (3,), (3,)),
    "merged-masks": lambda: merged(L.add(), True, False, True),
    "concatenated-masks": lambda: merged(L.concatenate(axis=1), True, False),
    "concatenated-behind-add": concatenated_with_a_sum,
    "reset-after": lambda: one(L.gru(units=2, reset_after=True), (3, 2)),
    "reset-after-in-cells": lambda: one(
        L.rnn(cell=[L.lstm_cell(units=2), L.gru_cell(units=2, reset_after=True)]), (3, 2)
    ),
    "conv-lstm-unroll": lambda: one(L.conv_lstm2d(filters=2, kernel_size=2, unroll=True), (2, 3, 3, 1)),
    "conv-lstm-states": lambda: one(L.conv_lstm2d(filters=2, kernel_size=2), (2, 3, 3, 1), (2, 2, 2), (2, 2, 2)),
    "rnn-of-images": lambda: one(L.rnn(cell=L.conv_lstm2d_cell(filters=2, kernel_size=2)), (2, 3, 3, 1)),
    "bidirectional-cells": lambda: one(L.bidirectional(layer=L.rnn(cell=L.gru_cell(units=2))), (3, 2)),
    "time-distributed-states": lambda: one(L.time_distributed(layer=L.gru(units=2, return_state=True)), (2, 3, 2)),
    "time-distributed-directions": lambda: one(
        L.time_distributed(layer=L.bidirectional(layer=L.gru(units=2), merge_mode=None)), (2, 3, 2)
    ),
    "stateful-outputs": lambda: stateful(lambda x: L.gru(units=2, stateful=True, return_state=True)(x)),
    "stateful-model-outputs": lambda: stateful(stateful_inside),
    "mask-behind-convolution": lambda: behind_masks(L.conv1d(filters=2, kernel_size=2, padding="same"), L.gru(units=2)),
    "mask-behind-encoder": lambda: behind_masks(L.gru(units=2), L.repeat_vector(n=4), L.gru(units=2)),
    "mask-in-steps": lambda: behind_masks(L.reshape(target_shape=[4, 2, 1]), L.time_distributed(layer=L.gru(units=2))),
    "mask-of-a-sum": lambda: merged(L.add(), True, True, behind=L.gru(units=2)),
    "mask-of-another-branch": branches,
    "mask-lost-by-leaky-relu": mask_that_is_lost,
    "mask-of-the-encoder": encoder_and_decoder,
    "mask-out-of-a-model": mask_out_of_a_model,
    "states-left": decoders_behind_each_other,
    "states-left-inside": decoders_inside,
    "crop-enlarges": lambda: jtf.sequential(
        [L.conv2d(filters=2, kernel_size=1, input_shape=IMAGE), L.center_crop(height=6, width=2)]
    ),
    "crop-of-the-entry": lambda: one(L.center_crop(height=2, width=2), IMAGE),
    "crop-behind-an-activation": lambda: jtf.sequential([L.relu(input_shape=IMAGE), L.center_crop(height=2, width=2)]),
    "crop-of-another-input": crop_of_another_input,
    "category-encoding-of-the-entry": lambda: one(L.category_encoding(num_tokens=4), (3,), dtype="int32"),
    "category-encoding-3d": lambda: jtf.sequential(
        [L.reshape(target_shape=[2, 3], input_shape=[6]), L.category_encoding(num_tokens=4)]
    ),
    "category-encoding-one-hot": lambda: jtf.sequential(
        [L.reshape(target_shape=[3], input_shape=[3]), L.category_encoding(num_tokens=4, output_mode="oneHot")]
    ),
    "integers-conv2d": lambda: one(L.conv2d(filters=2, kernel_size=2), IMAGE, dtype="int32"),
    "integers-conv3d": lambda: one(L.conv3d(filters=2, kernel_size=2), VOLUME, dtype="int32"),
    "integers-depthwise": lambda: one(L.depthwise_conv2d(kernel_size=2), IMAGE, dtype="int32"),
    "integers-average": lambda: one(L.average_pooling2d(), IMAGE, dtype="int32"),
    "integers-normalization": lambda: one(L.batch_normalization(), (3,), dtype="int32"),
    "integers-in-steps": lambda: one(L.time_distributed(layer=L.layer_normalization()), (3, 2), dtype="int32"),
    "integers-conv-lstm": lambda: one(L.conv_lstm2d(filters=2, kernel_size=2), (2, 3, 3, 1), dtype="int32"),
    "integers-elu": lambda: one(L.elu(), (3,), dtype="int32"),
    "integers-softmax": lambda: one(L.softmax(), (3,), dtype="int32"),
    **{
        f"integers-in-{name}": lambda name=name: one(L.activation(activation=name), (3,), dtype="int32")  # type: ignore[misc]
        for name in ("elu", "mish", "selu", "sigmoid", "softmax", "softplus", "tanh")
    },
    "mixed-dtypes": mixed_dtypes,
    "embedding-dtype": lambda: jtf.sequential([L.embedding(input_dim=5, output_dim=2, dtype="int32", input_shape=[3])]),
    **{
        f"activity-regularizer-{name}": lambda layer=layer, shape=shape, dtype=dtype: one(  # type: ignore[misc]
            layer(activity_regularizer="l1_l2"), shape, dtype=dtype
        )
        for name, layer, shape, dtype in (
            ("dense", lambda **o: L.dense(units=2, **o), (3,), "float32"),
            ("embedding", lambda **o: L.embedding(input_dim=5, output_dim=2, **o), (3,), "int32"),
            ("conv1d", lambda **o: L.conv1d(filters=2, kernel_size=2, **o), (3, 2), "float32"),
            ("conv2d-transpose", lambda **o: L.conv2d_transpose(filters=2, kernel_size=2, **o), IMAGE, "float32"),
            ("depthwise", lambda **o: L.depthwise_conv2d(kernel_size=2, **o), IMAGE, "float32"),
            ("separable", lambda **o: L.separable_conv2d(filters=2, kernel_size=2, **o), IMAGE, "float32"),
        )
    },
    "training": lambda: in_training(L.batch_normalization()),
    "activation": lambda: one(L.dense(units=2, activation="gelu_new"), (3,)),
    "recurrent-activation": lambda: one(
        L.rnn(cell=L.gru_cell(units=2, recurrent_activation="hard_sigmoid_relu6")), (3, 2)
    ),
    "name-with-a-space": lambda: named("my layer"),
    "name-with-an-underscore": lambda: named("_mine"),
    "name-inside": lambda: one(L.bidirectional(layer=L.gru(units=2, name="my layer")), (3, 2)),
    "name-of-javascript": lambda: named("constructor"),
    "input-of-numbers": lambda: one(L.rescaling(scale=2), ()),
    "computed-in-bfloat16": lambda: one(L.dense(units=2, dtype="bfloat16"), (3,)),
    "input-dtype": lambda: one(L.flatten(), (3, 2), dtype="uint8"),
    "weights-of-one-name": two_weights_of_one_name,
    "constraint": beyond_its_constraint,
    "class": lambda: one(Own(), (3,)),
    "class-of-an-initializer": lambda: one(L.dense(units=2, kernel_initializer=OwnInitializer()), (3,)),
}


def inputs_for(model: jtf.Model) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    shapes = [[2 if size is None else size for size in tensor.shape] for tensor in model.inputs]
    return [
        rng.uniform(-1, 1, shape).astype(np.float32)
        if tensor.dtype == "float32"
        else np.roll(WORDS, index)
        if shape == [2, 4]
        else rng.integers(0, 4, shape).astype(np.int32)
        for index, (tensor, shape) in enumerate(zip(model.inputs, shapes, strict=True))
    ]
