"""``python -m jtf``: the command ``jtf`` where it is not on the path."""

import sys

from jtf.cli import main

if __name__ == "__main__":
    sys.exit(main())
