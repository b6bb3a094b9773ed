"""TF.js's Core losses, ``tf.losses.*``: ``(labels, predictions, weights=None, ...)`` to a reduced loss.

The losses for `model.compile` go by name there; they are in `jtf.functional.losses`.
"""

from jtf.functional.weighted_losses import Reduction as Reduction
from jtf.functional.weighted_losses import absolute_difference as absolute_difference
from jtf.functional.weighted_losses import compute_weighted_loss as compute_weighted_loss
from jtf.functional.weighted_losses import cosine_distance as cosine_distance
from jtf.functional.weighted_losses import hinge_loss as hinge_loss
from jtf.functional.weighted_losses import huber_loss as huber_loss
from jtf.functional.weighted_losses import log_loss as log_loss
from jtf.functional.weighted_losses import mean_squared_error as mean_squared_error
from jtf.functional.weighted_losses import sigmoid_cross_entropy as sigmoid_cross_entropy
from jtf.functional.weighted_losses import softmax_cross_entropy as softmax_cross_entropy
