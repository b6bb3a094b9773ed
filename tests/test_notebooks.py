"""The notebooks run from top to bottom in a fresh kernel, and what is saved in them is what they give."""

import os
import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.node import node_modules

ROOT = Path(__file__).parents[1]
#: Whether they run on few data, for seconds; JTF_NOTEBOOKS=full runs them as they are saved.
QUICK = os.environ.get("JTF_NOTEBOOKS", "quick") == "quick"
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def outputs(notebook, kind):
    return [output for cell in code_cells(notebook) for output in cell.outputs if output.output_type == kind]


def stderr(notebook):
    return [output.text for output in outputs(notebook, "stream") if output.name == "stderr"]


def pictures(notebook):
    return [
        index
        for index, cell in enumerate(code_cells(notebook))
        if any("image/png" in output.get("data", {}) for output in cell.outputs)
    ]


def test_there_are_notebooks():
    assert [path.name for path in NOTEBOOKS if path.name.startswith("01_")] == ["01_training_guide.ipynb"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
class TestNotebook:
    @pytest.mark.slow
    # Jupyter's own warnings about its ports, and sockets that it leaves to the garbage collector.
    @pytest.mark.filterwarnings("default")
    def test_it_runs(self, path, tmp_path):
        notebook = nbformat.read(path, as_version=4)
        saved = pictures(notebook)
        modules = node_modules("@tensorflow/tfjs")
        if "@tensorflow/tfjs" in path.read_text() and (shutil.which("node") is None or modules is None):
            pytest.skip("needs Node and @tensorflow/tfjs: npm install --prefix tests/oracle")
        environment = {
            **os.environ,
            "JAX_PLATFORMS": "cpu",
            "NODE_PATH": str(modules),
            "JAX_DISABLE_MOST_OPTIMIZATIONS": "1" if QUICK else "0",  # each program runs for a moment only
            "JTF_NOTEBOOKS": "quick" if QUICK else "",
            "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
        }
        client = NotebookClient(
            notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
        )
        client.execute(env=environment)  # raises where a cell does
        assert stderr(notebook) == []
        assert pictures(notebook) == saved
        assert list(tmp_path.iterdir()) == []  # it leaves nothing behind

    def test_what_is_saved(self, path):
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        assert notebook.metadata.kernelspec.name == "python3"
        counts = [cell.execution_count for cell in code_cells(notebook)]
        assert counts == list(range(1, len(counts) + 1)), "run all cells, in order, in a fresh kernel, and save"
        assert outputs(notebook, "error") == []
        assert stderr(notebook) == []
        assert len(outputs(notebook, "stream") + outputs(notebook, "execute_result")) > len(counts) / 2
        assert pictures(notebook)

    def test_it_is_small_and_names_no_place_on_the_machine(self, path):
        text = path.read_text(encoding="utf-8")
        assert len(text) < 1_000_000
        for place in ("/home/", "/tmp/", "/Users/", str(ROOT)):
            assert place not in text
