"""`Optimizer`: an update rule with its state, for `minimize` and for `fit`.

The rule is an optax gradient transformation; the state is kept in Variables, one for each array of it, under keys
that name the Variable they belong to. So it does not matter in which order or in which calls Variables appear.
"""

from __future__ import annotations

import inspect
import itertools
import threading
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jtf.configurable import Configurable, Registry, option_names
from jtf.missing import no_attribute
from jtf.naming import nearest
from jtf.options import checked_option
from jtf.tracing import explained
from jtf.train.differentiate import differentiate, perform
from jtf.train.gradients import ValueAndGrads, variable_grads
from jtf.types import Array, ArrayLike, PyTree
from jtf.variable import Variable, as_jax, is_variable, live_variables, values

registry = Registry("optimizer")

Schedule = Callable[[Array], ArrayLike]


class Optimizer(Configurable):
    """The base class of `jtf.train`'s optimizers.

    Args:
        learning_rate: a number from 0, or a schedule: a function of the number of updates made so far (any
            of optax's). It can be read and set at any time, while training too. A schedule is compiled: it
            depends on nothing but its argument.
    """

    #: Makes the transformation: ``factory(learning_rate, **options)``.
    factory: Callable[..., optax.GradientTransformation]
    _rule: Rule | None

    def __init__(self, learning_rate: float | Schedule) -> None:
        self.learning_rate = learning_rate
        self._iterations = Variable(0, trainable=False, name="iter", dtype="int32")
        self._slots: dict[str, Variable] = {}
        self._keys: dict[Variable, str] = {}
        self._inherited: dict[str, Inherited] = {}

    # Hyper-parameters.

    @property
    def learning_rate(self) -> float:
        """The learning rate of the next update."""
        rate = self._rate
        if not callable(rate):
            return rate
        with jax.transfer_guard("allow"):
            return float(jnp.asarray(rate(self._iterations.read())))

    @learning_rate.setter
    def learning_rate(self, rate: float | Schedule) -> None:
        if not callable(rate):
            if rate is None or isinstance(rate, str | bool | complex) or np.shape(rate) != ():
                raise TypeError(f"A learning rate is a number or a schedule (a function); received {rate!r}.")
            rate = float(rate)
            if not 0 <= rate < float("inf"):
                raise ValueError(f"A learning rate is a number that is not negative; received {rate!r}.")
        self._rate: float | Schedule = rate
        self._rate_argument: Any = jax.tree_util.Partial(rate) if callable(rate) else np.float32(rate)

    @property
    def has_schedule(self) -> bool:
        """Whether the learning rate is a function of the updates made, and not a number."""
        return callable(self._rate)

    @property
    def iterations(self) -> int:
        """How many updates have been made."""
        return int(self._iterations.read())

    # Minimizing closures.

    def minimize(
        self,
        f: Callable[[], Any],
        return_cost: bool = False,
        var_list: Sequence[Variable] | None = None,
    ) -> Array | None:
        """Run ``f``, and move Variables against its gradient.

        ``f`` is an ordinary function: whatever it captures is seen with its present value at every call. It
        runs once. What it assigns to Variables (statistics, counters) is performed as well.

        Args:
            f: a function without arguments that returns the loss, a scalar.
            return_cost: whether to return the loss.
            var_list: the Variables to change; by default, all trainable ones that ``f`` reads. Naming them is
                faster where many others exist, such as those of a large model. Those of frozen layers
                (``trainable=False``) stay as they are in either case, as in TF.js.

        Returns:
            The loss before the update if ``return_cost``, else None.

        Raises:
            ValueError: the loss is no scalar, or ``f`` reads no trainable Variable (says so if they are frozen);
                nothing is changed.

        Example:
            >>> import jtf
            >>> w, optimizer = jtf.variable(4.0), jtf.train.sgd(0.25)
            >>> float(optimizer.minimize(lambda: (w - 1) ** 2, return_cost=True)), float(w)
            (9.0, 2.5)
        """
        value, gradients, assigned = differentiate(f, var_list)
        self._update(gradients, assigned, value)
        return value if return_cost else None

    def compute_gradients(self, f: Callable[[], Any], var_list: Sequence[Variable] | None = None) -> ValueAndGrads:
        """The loss and its gradients by Variable name, for `apply_gradients`: the same as `jtf.variable_grads`."""
        return variable_grads(f, var_list)

    def apply_gradients(
        self, gradients: Mapping[str | Variable, ArrayLike] | Iterable[tuple[str | Variable, ArrayLike]]
    ) -> None:
        """Update Variables with gradients that are already there.

        Args:
            gradients: by Variable or by Variable name, as a mapping or as pairs. None is left out.

        Raises:
            ValueError: a name that no Variable has or several have, two gradients for one Variable, or a
                gradient of the wrong shape; nothing is changed.
            TypeError: a key that is neither, or a Variable of integers; nothing is changed.
        """
        if isinstance(gradients, ValueAndGrads):
            raise TypeError(
                "Received a value and gradients together; pass the gradients alone: apply_gradients(x.grads)."
            )
        found: dict[Variable, Array] = {}
        for key, given in gradients.items() if isinstance(gradients, Mapping) else gradients:
            if given is None:
                continue
            variable, gradient = self._find(key), as_jax(given)
            if gradient.shape != variable.shape:
                raise ValueError(
                    f"The gradient for Variable {variable.name!r} has shape {gradient.shape}; "
                    f"expected {variable.shape}."
                )
            if not jnp.issubdtype(variable.dtype, jnp.inexact):
                raise TypeError(
                    f"Variable {variable.name!r} has dtype {variable.dtype} and cannot follow a gradient; "
                    "expected a floating dtype."
                )
            if variable in found:
                raise ValueError(f"There are two gradients for Variable {variable.name!r}; add them up first.")
            found[variable] = gradient
        self._update(found)

    def _find(self, key: str | Variable) -> Variable:
        if isinstance(key, Variable):
            return key
        if not isinstance(key, str):
            raise TypeError(
                "Gradients come as {variable: gradient} or as (variable, gradient) pairs, with a Variable or its "
                f"name; received {type(key).__name__} in place of the Variable."
            )
        found = [v for v in live_variables() if v.name == key]
        if len(found) == 1:
            return found[0]
        if found:
            raise ValueError(f"{len(found)} Variables are called {key!r}; give the Variable itself as the key.")
        names = [v.name for v in live_variables() if v.trainable]
        raise ValueError(f"There is no Variable called {key!r}.{nearest(key, names)}")

    def _update(
        self,
        gradients: dict[Variable, Array],
        assigned: Mapping[Variable, Array] | None = None,
        value: Array | None = None,
    ) -> None:
        assigned = assigned or {}
        named = self.keyed(gradients)
        slots = self.slots(named)
        params = {key: assigned[v] if v in assigned else v.read() for key, v in named.items()}
        grads = {key: gradients[v].astype(v.dtype) for key, v in named.items()}
        state = values(slots)
        with jax.transfer_guard_host_to_device("allow"):  # of the learning rate
            new = _jitted_update(self.rule(), grads, state, params, self._iterations.read(), value)
        params, state, iterations = new
        for key, variable in named.items():
            if variable.constraint is not None:
                params[key] = variable.converted(variable.constraint(params[key]))
        # Assigned only now, so that a rule or a constraint that fails has changed nothing.
        new_state = zip(jax.tree.leaves(slots, is_leaf=is_variable), jax.tree.leaves(state), strict=True)
        new_params = {variable: params[key] for key, variable in named.items()}
        perform({**assigned, self._iterations: iterations, **dict(new_state), **new_params})

    # The pure part, and the state it works on.

    def rule(self) -> Rule:
        """The update rule as a pytree: what may change from step to step is an array in it."""
        if self._rule is None:
            options = [name for name in option_names(type(self)) if name != "learning_rate"]
            made = Made(type(self).factory, tuple((name, getattr(self, name)) for name in options))
            self._rule = Rule(jax.tree_util.Partial(made), self._rate_argument)
        return self._rule

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "lr":
            raise no_attribute(self, name)
        super().__setattr__(name, checked_option(self, name, value))
        if name != "_rule":
            self._rule = None  # a hyper-parameter may have changed

    def __getstate__(self) -> dict[str, Any]:
        alive = {variable: key for key, of in self._inherited.items() if (variable := of.variable()) is not None}
        gone = {key: of._replace(variable=_gone) for key, of in self._inherited.items() if of.variable() is None}
        return vars(self) | {"_rule": None, "_keys": self._keys | alive, "_inherited": gone}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Become a copy, or what was pickled.

        Its state is for the copies of the Variables that have been made along with it, if a model has them; else, when
        an optimizer is copied by itself, for the Variables of the same names and shapes that it is used with first.
        """
        vars(self).update(state)
        copied = {key: Inherited(weakref.ref(v), v.name, v.shape) for v, key in self._keys.items()}
        self._inherited, self._keys = self._inherited | copied, {}

    def check(self, keyed: Mapping[str, Variable]) -> None:
        """Refuse what cannot train these Variables, before any of them changes.

        Raises:
            TypeError: the schedule cannot be compiled or gives no number, or the rule needs something that training
                does not give it; says what.
        """
        if not callable(self._rate):
            return
        try:
            rate = jax.eval_shape(self._rate, jax.ShapeDtypeStruct((), jnp.int32))
        except Exception as error:  # whatever a function of the user's raises
            raise TypeError(
                "The learning rate's schedule cannot be compiled: it must compute with its argument, an array, and "
                f"choose by jnp.where instead of if. {type(error).__name__}: {_first_line(error)}"
            ) from error
        if np.shape(rate) != ():
            raise TypeError(f"The learning rate's schedule must return a number; it returned shape {np.shape(rate)}.")

    def keyed(self, variables: Iterable[Variable]) -> dict[str, Variable]:
        """Variables by the keys under which this optimizer keeps their state: their names, made unique."""
        for variable in variables:
            if variable not in self._keys:
                taken = {*self._keys.values(), *self._inherited}
                numbered = (f"{variable.name}#{n}" for n in itertools.count(2))
                new = (n for n in itertools.chain([variable.name], numbered) if n not in taken)
                self._keys[variable] = self._inherited_key(variable) or next(new)
        return {self._keys[variable]: variable for variable in variables}

    def _inherited_key(self, variable: Variable) -> str | None:
        """The key of state that this copy was made with, and that is the Variable's."""
        keys = [key for key, of in self._inherited.items() if of.variable() is variable]
        keys += [
            key
            for key, of in self._inherited.items()
            if of.variable() is None and (of.name, of.shape) == (variable.name, variable.shape)
        ]
        if keys:
            del self._inherited[keys[0]]
        return keys[0] if keys else None

    def slots(self, keyed: Mapping[str, Variable]) -> PyTree:
        """The state for these Variables: the rule's own structure with a Variable at each leaf."""
        rule = self.rule()
        shapes = {key: jax.ShapeDtypeStruct(v.shape, v.dtype) for key, v in keyed.items()}
        structure: Any
        state = jax.eval_shape(lambda params: init(rule.at(0), params), shapes)
        leaves, structure = jax.tree_util.tree_flatten_with_path(state)
        paths = [jax.tree_util.keystr(path) for path, _ in leaves]
        with _making_slots:
            missing = [path for path in paths if path not in self._slots]
            if missing:
                with jax.core.eval_context(), jax.transfer_guard_host_to_device("allow"):
                    values = jax.tree.leaves(init(rule.at(0), {key: v.read() for key, v in keyed.items()}))
                for path, value in zip(paths, values, strict=True):
                    if path in missing:
                        self._slots[path] = Variable(value, trainable=False, name=path)
        return structure.unflatten(self._slots[path] for path in paths)

    @property
    def iterations_variable(self) -> Variable:
        """The Variable that counts the updates."""
        return self._iterations


class Inherited(NamedTuple):
    """Whose state a copied optimizer has: a Variable, while it lives, its name and its shape."""

    variable: Callable[[], Variable | None]
    name: str
    shape: tuple[int, ...]


def _gone() -> None:
    """In place of a weak reference to what lives no more, since these cannot be pickled."""


class Made(NamedTuple):
    """A factory with its options; equal when they are, so that jax compiles once for each."""

    factory: Callable[..., optax.GradientTransformation]
    options: tuple[tuple[str, Any], ...]

    def __call__(self, learning_rate: ArrayLike) -> optax.GradientTransformation:
        return self.factory(learning_rate, **dict(self.options))


class Rule(NamedTuple):
    """An update rule as an argument of a jitted step: the factory is static, the learning rate is not."""

    make: Callable[[ArrayLike], optax.GradientTransformation]
    rate: Any

    def at(self, iterations: ArrayLike) -> optax.GradientTransformation:
        """The transformation for the update after ``iterations`` others."""
        with explained(lambda: "the schedule of the learning rate"):
            rate = self.rate(iterations) if callable(self.rate) else self.rate
        return self.make(rate)


def update(
    rule: Rule, grads: PyTree, state: PyTree, params: PyTree, iterations: Array, value: Array | None = None
) -> tuple[PyTree, PyTree, Array]:
    """One update, as a pure function: ``(new params, new state, iterations + 1)``.

    ``value`` is the loss, for the transformations that ask for it (optax's ``reduce_on_plateau``).
    """
    transformation = optax.with_extra_args_support(rule.at(iterations))
    arguments = inspect.signature(transformation.update).parameters.values()
    takes_value = any(argument.name == "value" or argument.kind is argument.VAR_KEYWORD for argument in arguments)
    extra = {"value": value} if takes_value and value is not None else {}
    try:
        updates, state = transformation.update(grads, state, params, **extra)
        return optax.apply_updates(params, updates), state, iterations + 1
    except Exception as error:  # whatever a transformation of somebody's raises while it is traced
        raise _explained(error) from error


def init(transformation: optax.GradientTransformation, params: PyTree) -> PyTree:
    """The state to begin with."""
    try:
        return transformation.init(params)
    except Exception as error:
        raise _explained(error) from error


#: What to do without a rule that is refused.
INSTEAD = "Use another rule, such as optax.adamw(1e-3), or train model.functional() in a loop of your own."


def _explained(error: Exception) -> TypeError:
    """The error of an update rule, with its reason where that is known."""
    message = str(error)
    if any(name in message for name in ("value_fn", "grad_fn", "obj_fn")):
        reason = "It evaluates the loss itself (a line search, say), which training by fit or minimize does not offer"
    elif "'value'" in message:
        reason = "It needs the loss, which fit and minimize have but apply_gradients does not"
    elif "attribute 'fast'" in message:
        reason = "optax.lookahead keeps two sets of weights (LookaheadParams), and a model has one"
    elif "batch dimension" in message:
        reason = "It needs a gradient for each example, and training has one for the batch"
    else:
        reason = "It fails"
    return TypeError(
        f"The update rule cannot be used here. {reason} ({type(error).__name__}: {_first_line(error)}). {INSTEAD}"
    )


def _first_line(error: Exception) -> str:
    return str(error).split("\n", 1)[0].rstrip(".")


#: Held while the state for Variables is made, so that two threads do not make it twice.
_making_slots = threading.Lock()
_jitted_update = jax.jit(update)
