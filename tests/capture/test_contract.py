"""What every instrumentation in the table keeps to, by being listed: in any order of import, patch and undo."""

import functools
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from otel_mlsec import capture

CHILD = Path(__file__).with_name("contract_child.py")
ORDERS = {
    "import, patch": ("import", "patch"),
    "patch, import": ("patch", "import"),
    "patch, undo, import": ("patch", "undo", "import"),
    "import, patch, undo": ("import", "patch", "undo"),
    "patch, import, undo, patch": ("patch", "import", "undo", "patch"),
}


@functools.cache
def child(library, *steps, pure=False):
    environment = os.environ | ({"WRAPT_DISABLE_EXTENSIONS": "1"} if pure else {})
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(CHILD), library, *steps],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


# how wrapt is built does not change what is undone
CASES = [(order, False) for order in ORDERS] + [("import, patch", True), ("patch, import", True)]


@pytest.mark.parametrize(("order", "pure"), CASES, ids=[f"{order}{' (wrapt in Python)' * pure}" for order, pure in CASES])
@pytest.mark.parametrize("library", capture.TABLE)
def test_any_order_of_import_patch_and_undo(library, order, pure):
    if library != "genai":  # a hook of OpenTelemetry's, no library
        pytest.importorskip(library)

    report = child(library, *ORDERS[order], pure=pure)

    patched = order not in ("patch, undo, import", "import, patch, undo")
    assert report["seen"] == (report["asks"] if patched else 0), report["methods"]
    assert report["seen after undo"] == 0
    assert report["left"] == []
    assert report["restored"] in (True, [])  # the very objects, where they could be looked at before they were patched
    assert report["keys"] == child(library, "import")["keys"]
    assert report.get("imported by us", []) == []


def test_every_row_of_the_table_has_its_recipe():
    listed = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import sys; sys.path.insert(0, {str(CHILD.parent)!r}); import contract_child as c; print(*c.LIBRARIES)",
        ],
        capture_output=True,
        text=True,
        check=True,
    )

    assert listed.stdout.split() == list(capture.TABLE)


@pytest.mark.parametrize("library", capture.TABLE)
def test_what_is_disabled_is_not_patched(library):
    code = f"""
import sys
from otel_mlsec import capture
patches = capture.Patches()
capture.patch(patches, print, disabled=set(capture.TABLE) - {{{library!r}}})
print(*sorted(m for m in sys.modules if m in capture.TABLE.values()))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.split()[-1] == capture.TABLE[library]


def test_a_library_that_moved_its_names_is_left_alone(tmp_path, monkeypatch):
    (tmp_path / "moved.py").write_text("class Model: pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("otel_mlsec.errors.raising", False)
    patches = capture.Patches()
    patches.wrap_when_imported("moved", "Model.predict", lambda f, i, a, k: f(*a, **k), lambda: True)

    moved = __import__("moved")

    assert not hasattr(moved.Model, "predict")
    from otel_mlsec import errors  # noqa: PLC0415 - read after it happened

    assert errors.counts == {"capture.patch.moved": 1}
    patches.undo()


@pytest.fixture
def classes():
    """Classes of its own, so that what others leave on them goes with the test."""
    base = pytest.importorskip("sklearn.base")

    class Parent(base.BaseEstimator):
        def predict(self, X):
            return X[:, 0]

    class Child(Parent):
        pass

    return Parent, Child


X = np.eye(3)


def passes(wrapped, instance, args, kwargs):
    return wrapped(*args, **kwargs)


def start(handed):
    patches = capture.Patches()
    capture.patch(patches, lambda call: not handed.append(call))
    return patches


def test_another_wrapper_right_above_ours_stays_and_ours_goes_from_under_it(classes):
    import wrapt  # noqa: PLC0415 - the other tool's

    parent, _ = classes
    own, handed = parent.__dict__["predict"], []
    patches = start(handed)
    other = wrapt.wrap_object(parent, "predict", wrapt.FunctionWrapper, (passes,))

    parent().predict(X)
    patches.undo()
    parent().predict(X)

    assert len(handed) == 1
    assert parent.__dict__["predict"] is other
    assert other.__wrapped__ is own


def test_another_wrapper_in_a_subclass_keeps_ours_which_passes_through(classes):
    import wrapt  # noqa: PLC0415 - the other tool's

    parent, cls = classes
    own, handed = parent.__dict__["predict"], []
    patches = start(handed)
    other = wrapt.wrap_object(cls, "predict", wrapt.FunctionWrapper, (passes,))

    cls().predict(X)
    patches.undo()
    cls().predict(X)

    assert len(handed) == 1
    assert cls.__dict__["predict"] is other
    assert parent.__dict__["predict"] is own


def test_a_closure_above_ours_keeps_ours_which_passes_through(classes):
    parent, _ = classes
    handed = []
    patches = start(handed)
    ours = parent.__dict__["predict"]

    @functools.wraps(ours)
    def closure(self, *args):
        return ours.__get__(self, parent)(*args)

    parent.predict = closure
    parent().predict(X)
    patches.undo()
    parent().predict(X)

    assert len(handed) == 1
    assert parent.__dict__["predict"] is closure


def test_an_attribute_saved_and_put_back_is_still_ours_to_undo(classes):
    parent, _ = classes
    own, handed = parent.__dict__["predict"], []
    patches = start(handed)
    parent.predict = parent.predict  # as torch.fx and mocks do

    parent().predict(X)
    patches.undo()
    parent().predict(X)

    assert len(handed) == 1
    assert parent.__dict__["predict"] is own


def test_patching_again_after_an_undo_counts_once(classes):
    parent, _ = classes
    for _ in range(3):
        handed = []
        patches = start(handed)
        parent().predict(X)
        patches.undo()

        assert len(handed) == 1
