"""A web page beside a saved model, on which one can try it: TF.js opens the model in the browser."""

from __future__ import annotations

import html
import os
from pathlib import Path

from jtf.io.atomic import replacing, sync_directory
from jtf.io.directory import MANIFEST, parsed_json
from jtf.io.errors import ModelFormatError
from jtf.io.handlers import is_keras_file, local_path

#: The npm package, as a network that mirrors npm serves it.
TFJS = "https://cdn.jsdelivr.net/npm/@tensorflow/tfjs@4.22.0/dist/tf.min.js"
_MARK = '<meta name="generator" content="jtf">'
_TEMPLATE = Path(__file__).with_name("page.html")


def export_page(
    directory: str | os.PathLike[str], *, tfjs: str | os.PathLike[str] = TFJS, overwrite: bool = False
) -> Path:
    """Write ``index.html`` beside a saved model.

    The page loads the model with TF.js. Where it reads digits (784 or 28 x 28 inputs, ten outputs), one draws a digit
    and sees what it is taken for; other models are given their inputs as numbers. Labels in the model's metadata
    (``model.set_user_defined_metadata({"labels": [...]})``) name the outputs.

    Args:
        directory: what ``model.save`` has written.
        tfjs: the URL of ``tf.min.js`` of the npm package ``@tensorflow/tfjs``; or the path of that file, which is
            copied beside the page, so that it needs no network.
        overwrite: whether to replace an ``index.html`` that jtf has not written.

    Returns:
        The page. Browsers open it from a web server: ``python -m http.server --directory DIR``.

    Raises:
        FileNotFoundError: there is no model in the directory, or no such file.
        NotADirectoryError: it is a file.
        FileExistsError: there is another ``index.html``.
        ModelFormatError: its ``model.json`` is not one.

    Example:
        >>> import jtf, tempfile
        >>> model = jtf.sequential([jtf.layers.dense(units=2, input_shape=[3])])
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     result = model.save(directory)
        ...     jtf.io.export_page(directory).name
        'index.html'
    """
    place = local_path(directory)
    if place.name == MANIFEST:  # as it is given to open it
        place = place.parent
    if place.is_file() and (place.suffix in (".zip", ".safetensors") or is_keras_file(place)):
        raise NotADirectoryError(
            f"{place} is a file, and the page is written beside a model in a directory. Make one: jtf convert {place} "
            f"{place.with_suffix('')}, and export the page there."
        )
    if not (place / MANIFEST).is_file():
        raise FileNotFoundError(f"There is no model in {place}: it has no {MANIFEST}. Save one there first.")
    document = parsed_json((place / MANIFEST).read_bytes(), place / MANIFEST)
    topology = document.get("modelTopology") if isinstance(document, dict) else None
    if not isinstance(topology, dict):
        raise ModelFormatError(place / MANIFEST, "modelTopology", "a model", type(topology).__name__)
    described = topology.get("model_config", topology)
    config = described.get("config") if isinstance(described, dict) else None
    name = config.get("name") if isinstance(config, dict) else None
    page = place / "index.html"
    if page.exists() and not overwrite and _MARK not in page.read_text(encoding="utf-8", errors="replace"):
        raise FileExistsError(f"{page} exists and was not written by jtf. Move it, or replace it with overwrite=True.")
    source = os.fspath(tfjs)
    if "://" not in source and not source.startswith("//"):
        if not Path(source).is_file():
            raise FileNotFoundError(
                f"There is no file {source}. TF.js is the file dist/tf.min.js of the npm package @tensorflow/tfjs: "
                "npm install @tensorflow/tfjs."
            )
        script = Path(source).read_bytes()
        with replacing(place / "tf.min.js") as file:
            file.write(script)
        source = "tf.min.js"
    text = _TEMPLATE.read_text(encoding="utf-8")
    text = text.replace("{{name}}", html.escape(str(name or "model"))).replace("{{tfjs}}", html.escape(source))
    with replacing(page) as file:
        file.write(text.encode())
    sync_directory(place)
    return page
