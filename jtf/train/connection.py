"""Whether a loss depends on what it is differentiated by at all, known while the gradient is traced."""

from __future__ import annotations

import jax

from jtf.types import Array


class Connection:
    """Watches one loss on its way into a gradient.

    Example:
        >>> import jax
        >>> connection = Connection()
        >>> float(jax.grad(lambda x: connection.watched(2 * x))(1.0)), connection.found
        (2.0, True)
    """

    def __init__(self) -> None:
        self.found = False

    def watched(self, loss: Array) -> Array:
        """The loss as it is."""

        @jax.custom_vjp
        def same(x: Array) -> Array:
            return x

        def forward(x: jax.custom_derivatives.CustomVJPPrimal) -> tuple[Array, None]:
            self.found = self.found or x.perturbed
            return x.value, None

        same.defvjp(forward, lambda _, gradient: (gradient,), symbolic_zeros=True)
        return same(loss)

    def check(self) -> None:
        """Refuse a loss that nothing can be learnt from.

        Raises:
            ValueError: it does not depend on any of what it was differentiated by.
        """
        if not self.found:
            raise ValueError(
                "The loss depends on none of the trainable weights, so that all gradients are zero. Does it use the "
                "prediction (a loss function's second argument), by operations that have a gradient? Comparisons, "
                "argmax, round and conversions to integers have none."
            )
