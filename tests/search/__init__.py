"""A random search for wrong numbers: what jtf computes against computations that are not jtf's.

Configurations are drawn from a generator that is seeded by the family and the number of the configuration, so that each
can be drawn again by itself: ``python -m tests.search FAMILY NUMBER``, or ``FAMILY FIRST:LAST`` to search further than
the tests do.
"""
