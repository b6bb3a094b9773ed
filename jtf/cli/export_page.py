"""``jtf export-page DIR``: a page beside a saved model on which one can try it in the browser."""

from __future__ import annotations

import argparse
from typing import Any

from jtf.cli.model_files import Answer, answered
from jtf.io.page import TFJS, export_page


def add_to(commands: Any) -> None:
    """Make the command known to the parser."""
    page = commands.add_parser(
        "export-page",
        help="write a web page that tries a saved model in the browser",
        description="Write index.html beside a saved model: a page that opens the model with TF.js. Digits are drawn "
        "for a model that reads them; other models are given their input as numbers.",
    )
    page.add_argument("directory", metavar="DIR", help="a directory that model.save has written")
    page.add_argument(
        "--tfjs",
        default=TFJS,
        metavar="URL",
        help="where the page gets TF.js; a file, such as node_modules/@tensorflow/tfjs/dist/tf.min.js, is copied "
        f"beside the page, which then needs no network ({TFJS})",
    )
    page.add_argument("--overwrite", action="store_true", help="replace an index.html that jtf has not written")
    page.add_argument("--json", action="store_true", help="print the outcome for programs")
    page.set_defaults(run=lambda options: answered(options.json, lambda: _export(options)))


def _export(options: argparse.Namespace) -> Answer:
    page = export_page(options.directory, tfjs=options.tfjs, overwrite=options.overwrite)

    def show() -> None:
        print(f"{page}\nBrowsers open it from a web server: python -m http.server 8000 --directory {page.parent}")
        print("and then http://localhost:8000")

    return {"page": str(page)}, show
