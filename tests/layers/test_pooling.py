"""What pooling layers do and refuse, beyond what holds for all layers and what was recorded."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jtf

L = jtf.layers


class TestErrors:
    @pytest.mark.parametrize(
        ("make", "message"),
        [
            (
                lambda: L.max_pooling2d(pool_size=0),
                "MaxPooling2D's pool_size is a positive integer or a list of one",
            ),
            (lambda: L.max_pooling2d(pool_size=[2, 2.5]), r"pool_size is .* received \[2, 2.5\]"),
            (lambda: L.max_pooling3d(strides=[2]), r"MaxPooling3D: strides must be .* a list of 3; received \[2\]"),
            (lambda: L.average_pooling1d(strides=-1), "AveragePooling1D's strides is a positive integer"),
            (lambda: L.max_pooling1d(padding="causal"), "padding is 'valid' or 'same'; received 'causal'"),
            (lambda: L.average_pooling2d(padding="sam"), "Did you mean 'same'"),
            (lambda: L.global_max_pooling2d(data_format="last"), "data_format is 'channelsLast' or 'channelsFirst'"),
        ],
    )
    def test_options(self, make, message):
        with pytest.raises(ValueError, match=message):
            make()

    @pytest.mark.parametrize(
        ("layer", "shape", "message"),
        [
            (
                L.max_pooling2d(pool_size=3, name="mine"),
                (1, 4, 2, 1),
                r"Layer 'mine' \(MaxPooling2D\): the window of \(3, 3\) does not fit into a space of \(4, 2\)",
            ),
            (
                L.average_pooling1d(data_format="channelsFirst"),
                (1, 4, 1),
                r"\(2,\) does not fit into a space of \(1,\)",
            ),
            (L.max_pooling3d(), (1, 4, 4, 4), "expects an input with 5 dimensions"),
            (L.global_average_pooling1d(), (1, 4), "expects an input with 3 dimensions"),
        ],
    )
    def test_inputs(self, layer, shape, message):
        with pytest.raises(ValueError, match=message):
            layer(jnp.zeros(shape))


class TestValues:
    def test_windows_do_not_overlap_unless_told(self):
        assert L.max_pooling2d(pool_size=[3, 2]).strides == [3, 2]
        assert L.average_pooling3d(pool_size=3, strides=1).strides == [1, 1, 1]

    def test_other_names(self):
        assert L.max_pool1d is L.max_pooling1d
        assert L.max_pool2d is L.max_pooling2d
        assert L.avg_pool1d is L.avg_pooling1d is L.average_pooling1d
        assert L.avg_pool2d is L.avg_pooling2d is L.average_pooling2d
        assert L.avg_pool3d is L.avg_pooling3d is L.average_pooling3d
        assert L.global_max_pool1d is L.global_max_pooling1d
        assert L.global_max_pool2d is L.global_max_pooling2d

    def test_the_first_of_equals_gets_the_gradient_of_a_global_maximum(self):
        gradient = jax.grad(lambda x: L.global_max_pooling1d()(x).sum())(jnp.array([[[1.0], [2.0], [2.0]]]))
        assert gradient.ravel().tolist() == [0.0, 1.0, 0.0]

    def test_unknown_sizes(self):
        assert L.max_pooling2d().compute_output_shape((None, None, 5, 3)) == (None, None, 2, 3)
        assert L.global_average_pooling2d().compute_output_shape((None, None, None, 3)) == (None, 3)

    def test_one_pixel_is_left_of_an_image_where_asked(self):
        x = np.arange(12.0).reshape(1, 2, 3, 2)
        assert L.global_average_pooling2d(keepdims=True)(x).tolist() == [[[[5.0, 6.0]]]]
        assert "keepdims" not in L.global_average_pooling2d().get_config()
