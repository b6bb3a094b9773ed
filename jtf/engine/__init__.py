"""Training, evaluating and predicting: pure jitted steps, the data that feed them, and the one epoch loop.

From the bottom up: `objective` (what is minimized and measured), `step` (the pure steps), `loan` (the state's way
from the Variables to the device and back), `feed` (from what users pass to batches), `loop` (events).
"""
