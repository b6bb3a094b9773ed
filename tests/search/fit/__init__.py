"""Training runs, and the same runs by loops in numpy that know nothing of jtf.

Gradients are taken by complex steps: the imaginary part of ``f(x + ih) / h``, which is exact, and follows the branch of
a kink that the real part is on. (Squire and Trapp, Using complex variables to estimate derivatives of real functions,
SIAM Review 1998.)
"""
