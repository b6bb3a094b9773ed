"""Optimizers under TF.js's names: thin objects over `jtf.functional.optimizers`.

Example:
    >>> import jtf, optax
    >>> optimizer = jtf.train.adam(optax.cosine_decay_schedule(0.01, decay_steps=1000))
    >>> round(optimizer.learning_rate, 4)
    0.01
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax
import optax.contrib

from jtf.configurable import factory
from jtf.functional import optimizers as functional
from jtf.naming import look_up
from jtf.options import Fraction, NotNegative, ProperFraction
from jtf.train.gradients import custom_grad as custom_grad
from jtf.train.gradients import grad as grad
from jtf.train.gradients import grads as grads
from jtf.train.gradients import value_and_grad as value_and_grad
from jtf.train.gradients import value_and_grads as value_and_grads
from jtf.train.gradients import variable_grads as variable_grads
from jtf.train.optimizer import INSTEAD, Schedule, init, registry, update
from jtf.train.optimizer import Optimizer as Optimizer
from jtf.variable import Variable


@registry.add
class SGD(Optimizer):
    """Stochastic gradient descent: ``x ← x − lr · g``."""

    factory = staticmethod(functional.sgd)

    def __init__(self, learning_rate: float | Schedule) -> None:
        super().__init__(learning_rate)


@registry.add
class Momentum(Optimizer):
    """Gradient descent with momentum: ``m ← μ·m + g``, ``x ← x − lr · m``.

    Args:
        learning_rate: a number or a schedule.
        momentum: ``μ``.
        use_nesterov: step along ``g + μ·m`` instead.
    """

    factory = staticmethod(functional.momentum)

    def __init__(self, learning_rate: float | Schedule, momentum: Fraction, use_nesterov: bool = False) -> None:
        super().__init__(learning_rate)
        self.momentum, self.use_nesterov = momentum, use_nesterov


@registry.add
class Adagrad(Optimizer):
    """``a ← a + g²``, ``x ← x − lr · g / sqrt(a + 1e-7)`` (Duchi et al., 2011).

    Args:
        learning_rate: a number or a schedule.
        initial_accumulator_value: where ``a`` starts.
    """

    factory = staticmethod(functional.adagrad)

    def __init__(self, learning_rate: float | Schedule, initial_accumulator_value: NotNegative = 0.1) -> None:
        super().__init__(learning_rate)
        self.initial_accumulator_value = initial_accumulator_value


@registry.add
class Adadelta(Optimizer):
    """Steps in proportion to the ratio of past updates to past gradients (Zeiler, 2012).

    As in the paper and in Keras, the past gradients include the present one. In TF.js they do not, so that the first
    steps are huge and training diverges; a model that is saved here and trained on there takes its steps.

    Args:
        learning_rate: a number or a schedule.
        rho: how slowly the averages forget.
        epsilon: inside both roots.
    """

    factory = staticmethod(functional.adadelta)

    def __init__(
        self, learning_rate: float | Schedule = 0.001, rho: ProperFraction = 0.95, epsilon: NotNegative | None = None
    ) -> None:
        super().__init__(learning_rate)
        self.rho, self.epsilon = rho, _epsilon(epsilon)


@registry.add
class Adam(Optimizer):
    """Steps by the mean of the gradients over the root of the mean of their squares (Kingma and Ba, 2014).

    Args:
        learning_rate: a number or a schedule.
        beta1, beta2: how slowly the two means forget.
        epsilon: added to the root, after bias correction; 1e-7 by default.
    """

    factory = staticmethod(functional.adam)

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        beta1: ProperFraction = 0.9,
        beta2: ProperFraction = 0.999,
        epsilon: NotNegative | None = None,
    ) -> None:
        super().__init__(learning_rate)
        self.beta1, self.beta2, self.epsilon = beta1, beta2, _epsilon(epsilon)


@registry.add
class Adamax(Optimizer):
    """Adam with the largest of the past gradients in place of the root (Kingma and Ba, 2014, section 7.1).

    Args:
        learning_rate: a number or a schedule.
        beta1, beta2: how slowly the mean and the maximum forget.
        epsilon: added to the maximum; 1e-7 by default.
        decay: divides the learning rate by ``1 + decay · iterations``.
    """

    factory = staticmethod(functional.adamax)

    def __init__(
        self,
        learning_rate: float | Schedule = 0.002,
        beta1: ProperFraction = 0.9,
        beta2: ProperFraction = 0.999,
        epsilon: NotNegative | None = None,
        decay: NotNegative = 0.0,
    ) -> None:
        super().__init__(learning_rate)
        self.beta1, self.beta2, self.epsilon, self.decay = beta1, beta2, _epsilon(epsilon), decay


@registry.add
class RMSProp(Optimizer):
    """Steps by the gradient over the root of the mean of its squares (Tieleman and Hinton, 2012).

    Args:
        learning_rate: a number or a schedule.
        decay: how slowly the mean forgets.
        momentum: of the steps.
        epsilon: inside the root; 1e-7 by default.
        centered: divide by the standard deviation instead.
    """

    factory = staticmethod(functional.rmsprop)

    def __init__(
        self,
        learning_rate: float | Schedule,
        decay: ProperFraction = 0.9,
        momentum: Fraction = 0.0,
        epsilon: NotNegative | None = None,
        centered: bool = False,
    ) -> None:
        super().__init__(learning_rate)
        self.decay, self.momentum, self.epsilon, self.centered = decay, momentum, _epsilon(epsilon), centered


class Optax(Optimizer):
    """Any `optax.GradientTransformation` as an optimizer, its learning rate inside it.

    Args:
        transformation: the whole rule, learning rate and sign included, such as ``optax.adamw(1e-3)``. Those that
            evaluate the loss themselves (line searches, as in ``optax.lbfgs``) or keep two sets of weights
            (``optax.lookahead``, schedule-free ones) cannot be used; `compile` says so.
    """

    def __init__(self, transformation: optax.GradientTransformation) -> None:
        super().__init__(0.0)
        self.transformation = transformation

    factory = staticmethod(lambda learning_rate, transformation: transformation)

    @property
    def learning_rate(self) -> float:
        raise AttributeError(
            "The learning rate of an optax transformation is inside it. Use one of jtf.train's optimizers to "
            "read and set it, or give optax a schedule."
        )

    @learning_rate.setter
    def learning_rate(self, rate: float | Schedule) -> None:
        if hasattr(self, "transformation"):
            raise AttributeError(
                "The learning rate of an optax transformation is inside it and cannot be set. Use one of "
                "jtf.train's optimizers, or give optax a schedule."
            )
        self._rate, self._rate_argument = 0.0, None

    def check(self, keyed: Mapping[str, Variable]) -> None:
        rule = self.rule()

        def step(params: Any) -> Any:
            state = init(self.transformation, params)
            if any(map(_is_schedule_free, jax.tree.leaves(state, is_leaf=_is_schedule_free))):
                raise TypeError(
                    "A schedule-free rule predicts with other weights than it trains (schedule_free_eval_params); "
                    f"a model has one set of weights. {INSTEAD}"
                )
            return update(rule, params, state, params, jnp.zeros((), jnp.int32), jnp.zeros(()))

        jax.eval_shape(step, {key: jax.ShapeDtypeStruct(v.shape, v.dtype) for key, v in keyed.items()})

    def get_config(self) -> dict[str, Any]:
        raise NotImplementedError("An optax transformation has no configuration that could be written down.")

    def __repr__(self) -> str:
        return f"Optax({self.transformation})"


#: What a name given to `compile` stands for, with the defaults that TF.js has there (not the constructors').
BY_NAME: dict[str, Callable[[], Optimizer]] = {
    "sgd": lambda: SGD(0.01),
    "adagrad": lambda: Adagrad(0.01),
    "adadelta": lambda: Adadelta(1.0),
    "adam": lambda: Adam(),
    "adamax": lambda: Adamax(),
    "rmsprop": lambda: RMSProp(0.001),
}


def get(identifier: Any) -> Optimizer:
    """The optimizer for a name, an `Optimizer` or an optax transformation.

    Raises:
        ValueError: an unknown name; the message has the nearest one.
        TypeError: something else.
    """
    if isinstance(identifier, Optimizer):
        return identifier
    if isinstance(identifier, str):
        return look_up(identifier.lower(), BY_NAME, "optimizer")()
    if isinstance(identifier, optax.MultiSteps):
        identifier = identifier.gradient_transformation()
    if isinstance(identifier, optax.GradientTransformation | optax.GradientTransformationExtraArgs):
        return Optax(identifier)
    raise TypeError(
        "An optimizer is a name such as 'adam', one made by jtf.train such as jtf.train.adam(0.01), or an "
        f"optax.GradientTransformation; received {identifier!r}."
    )


def _is_schedule_free(state: Any) -> bool:
    return isinstance(state, optax.contrib.ScheduleFreeState)


def _epsilon(given: float | None) -> float:
    return 1e-7 if given is None else given


sgd = factory(SGD)
momentum = factory(Momentum)
adagrad = factory(Adagrad)
adadelta = factory(Adadelta)
adam = factory(Adam)
adamax = factory(Adamax)
rmsprop = factory(RMSProp)
