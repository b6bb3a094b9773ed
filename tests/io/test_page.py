"""The exported page in a real browser: what it shows is what jtf predicts."""

from __future__ import annotations

import functools
import http.server
import json
import shutil
import threading

import numpy as np
import pytest

import jtf
from tests.node import node_modules, run_node

SEVEN = [[[0.25, 0.2], [0.75, 0.2], [0.45, 0.85]]]
ONE = [[[0.5, 0.15], [0.5, 0.85]]]


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def browsed(tmp_path):
    """Exports a model's page, opens and draws on it, and gives what it shows."""
    servers = []

    def browse(model, strokes):
        if shutil.which("chromium") is None:
            pytest.skip("needs Debian's chromium: apt-get install chromium")
        modules = node_modules("@tensorflow/tfjs")
        if modules is None:
            pytest.skip("needs @tensorflow/tfjs: npm install --prefix tests/oracle")
        model.save(tmp_path / "model")
        page = jtf.io.export_page(tmp_path / "model", tfjs=modules / "@tensorflow" / "tfjs" / "dist" / "tf.min.js")
        handler = functools.partial(Quiet, directory=page.parent)
        servers.append(http.server.ThreadingHTTPServer(("localhost", 0), handler))
        threading.Thread(target=servers[0].serve_forever, daemon=True).start()
        (tmp_path / "strokes.json").write_text(json.dumps(strokes))
        url = f"http://localhost:{servers[0].server_address[1]}/"
        return json.loads(run_node("draw.js", url, tmp_path / "strokes.json", package="playwright-core"))

    yield browse
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("shape", [[784], [28, 28, 1]])
def test_drawn_digits_are_read_as_jtf_reads_them(browsed, shape):
    jtf.set_seed(0)
    digits = jtf.datasets.mnist()
    layers = [jtf.layers.dense(units=32, activation="relu"), jtf.layers.dense(units=10, activation="softmax")]
    model = jtf.sequential([jtf.layers.reshape(target_shape=[784], input_shape=shape), *layers], name="<digits>")
    model.compile(optimizer=jtf.train.adam(0.005), loss="categoricalCrossentropy")
    model.fit(digits.train.flat.reshape(-1, *shape), digits.train.one_hot, epochs=2, verbose=0)
    model.set_user_defined_metadata({"labels": [f"a {n}" for n in range(10)]})
    shown = browsed(model, SEVEN if shape == [784] else ONE)
    assert (shown["state"], shown["problem"]) == ("ready", "")
    pixels = np.array(shown["pixels"], np.float32)
    assert 0.2 < pixels.reshape(28, 28)[4:24, 4:24].sum() / 100 < 2, "a digit is there, and in the middle"
    expected = np.asarray(model.predict(pixels.reshape(1, *shape)))[0]
    np.testing.assert_allclose(shown["values"], expected, atol=1e-4)
    assert [row[-1] for row in shown["shown"]] == [f"{value:.4f}" for value in shown["values"]]
    assert shown["best"] == ("a 7" if shape == [784] else "a 1")


def test_other_models_take_numbers(browsed):
    entries = [jtf.input(shape=[2]), jtf.input(shape=[3])]
    output = jtf.layers.dense(units=2, bias_initializer="ones")(jtf.layers.concatenate()(entries))
    shown = browsed(jtf.model(inputs=entries, outputs=output), None)
    assert (shown["state"], shown["problem"]) == ("ready", "")
    assert shown["values"] == [1, 1], "the bias, for zeros"
    assert shown["about"].startswith("2, 3 in, 2 out, 12 parameters; TF.js 4.22.0")


def test_what_the_page_says_of_the_model(tmp_path):
    model = jtf.sequential([jtf.layers.dense(units=1, input_shape=[1])], name="<b>&")
    model.save(tmp_path)
    text = jtf.io.export_page(tmp_path).read_text()
    assert "<title>&lt;b&gt;&amp;</title>" in text
    assert '<script src="https://cdn.jsdelivr.net/npm/@tensorflow/tfjs@4.22.0/dist/tf.min.js">' in text
    assert "{{" not in text
    assert (
        '<script src="https://example.org/a.js?b=&quot;">'
        in jtf.io.export_page(tmp_path, tfjs='https://example.org/a.js?b="').read_text()
    ), "and nothing gets out of its quotes"


def test_refusals(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no model in .*Save one there first"):
        jtf.io.export_page(tmp_path)
    jtf.sequential([jtf.layers.dense(units=1, input_shape=[1])]).save(tmp_path)
    with pytest.raises(FileNotFoundError, match="npm install @tensorflow/tfjs"):
        jtf.io.export_page(tmp_path, tfjs="tf.min.js")
    assert not (tmp_path / "index.html").exists()
    (tmp_path / "index.html").write_text("mine")
    with pytest.raises(FileExistsError, match=r"index.html exists and was not written by jtf.*overwrite=True"):
        jtf.io.export_page(tmp_path)
    jtf.io.export_page(tmp_path, overwrite=True)
    (tmp_path / "tf.min.js").write_text("TF.js")
    for _ in range(2):
        jtf.io.export_page(tmp_path, tfjs=tmp_path / "tf.min.js")  # over its own, from where it is
    for text in ('{"modelTopology": 3}', "[]"):
        (tmp_path / "model.json").write_text(text)
        with pytest.raises(jtf.io.ModelFormatError, match="modelTopology: expected a model"):
            jtf.io.export_page(tmp_path)


@pytest.mark.parametrize("leads", ["to a file", "nowhere"])
def test_links_are_replaced_and_not_written_through(tmp_path, leads):
    jtf.sequential([jtf.layers.dense(units=1, input_shape=[1])]).save(tmp_path / "model")
    (tmp_path / "tf.js").write_text("TF.js")
    others = [tmp_path / "other.html", tmp_path / "other.js"]
    for other, name in zip(others, ("index.html", "tf.min.js"), strict=True):
        (tmp_path / "model" / name).symlink_to(other)
        if leads == "to a file":
            other.write_text("mine")
    if leads == "to a file":
        with pytest.raises(FileExistsError, match="was not written by jtf"):
            jtf.io.export_page(tmp_path / "model", tfjs=tmp_path / "tf.js")
    page = jtf.io.export_page(tmp_path / "model", tfjs=tmp_path / "tf.js", overwrite=True)
    assert [other.exists() and other.read_text() for other in others] == [leads == "to a file" and "mine"] * 2
    assert "<title>" in page.read_text()
    assert (tmp_path / "model" / "tf.min.js").read_text() == "TF.js"
