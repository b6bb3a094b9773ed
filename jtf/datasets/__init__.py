"""Real data to try things on: the MNIST digits."""

from jtf.datasets.mnist_digits import Digits, Mnist, mnist

__all__ = ["Digits", "Mnist", "mnist"]
