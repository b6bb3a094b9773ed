"""The command ``jtf``: a demo, and what one does with model files."""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Sequence
from typing import Any

import jtf
from jtf.cli import convert, demo, export_page, summary
from jtf.cli.model_files import in_options


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: the arguments; those of the process by default.

    Returns:
        The exit code: 0, or 1 where something could not be done.

    Raises:
        SystemExit: for wrong arguments (code 2), and for ``--help`` and ``--version`` (code 0).
    """
    parser = argparse.ArgumentParser("jtf", description="The TensorFlow.js training stack for Python, on JAX.")
    parser.add_argument("--version", action="version", version=f"jtf {jtf.__version__}")
    parser.set_defaults(run=None)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for command in (demo, summary, convert, export_page):
        command.add_to(commands)

    options = parser.parse_args(argv)
    if options.run is None:
        parser.print_help()
        return 0
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            code: int = options.run(options)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return 130
    except BrokenPipeError:  # `jtf demo | head`: nobody reads on, which is no error
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        print(f"jtf: {in_options(error)}", file=sys.stderr)
        return 1


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    print(f"jtf: {in_options(message)}", file=sys.stderr)
