"""Every Python snippet of the README runs, in order, in one namespace, as a reader would run them."""

from __future__ import annotations

import re
from pathlib import Path

import jax
import numpy as np
import pytest

README = Path(__file__).parent.parent / "README.md"


def snippets() -> list[str]:
    return re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)


@pytest.mark.slow
def test_the_snippets_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    namespace: dict = {}
    with jax.numpy_rank_promotion("allow"):
        for code in snippets():
            if code.startswith(">>> "):
                _check_errors(code, namespace)
            else:
                exec(compile(code, str(README), "exec"), namespace)
    assert namespace["history"].history["val_acc"][-1] > 0.9
    assert namespace["votes"].shape == (5, 100, 10)
    assert all(np.isfinite(g).all() for g in namespace["gradients"].values())
    assert "Total params: 25450" in capsys.readouterr().out
    _check_noise(namespace["Noise"])


def _check_errors(code: str, namespace: dict) -> None:
    """Each ``>>> statement`` fails with the line below it."""
    for statement, message in re.findall(r">>> (.*)\n(.*)\n", code):
        kind, text = message.split(": ", 1)
        pattern = re.escape(text).replace("Dense1", r"Dense\d+")  # counted in the process, which others share
        with pytest.raises(Exception, match=f"^{pattern}") as caught:
            exec(statement, namespace)
        assert type(caught.value).__name__ == kind


def _check_noise(noise_class: type) -> None:
    import jtf

    model = jtf.sequential([noise_class(stddev=0.5, input_shape=[3]), jtf.layers.dense(units=1)])
    model.compile(optimizer="sgd", loss="meanSquaredError")
    model.fit(np.ones((10, 3)), np.ones(10), batch_size=5, epochs=2, verbose=0)
    assert float(model.layers[0].calls) == 4
    np.testing.assert_array_equal(model.layers[0](np.ones((1, 3))), 1)
