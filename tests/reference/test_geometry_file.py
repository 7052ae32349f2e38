"""The geometry of a reference comes back from its file as it was, or is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.reference.test_file import equal, forge
from tests.reference.test_geometry import TABLES, answered, mixed, names

from otel_mlsec.arrays import Floats
from otel_mlsec.reference.envelope import HEAD, MAGIC
from otel_mlsec.reference.geometry import Geometry
from otel_mlsec.reference.reference import Reference


@pytest.mark.parametrize("table", TABLES)
def test_it_comes_back_from_a_file_as_it_was(tmp_path: Path, table: str):
    rows, answers = TABLES[table]
    reference = Reference.of_matrix(rows, names(rows.shape[1]), None, created=0.0, answers=answers)
    reference.save(tmp_path / "m.ref")

    equal(Reference.load(tmp_path / "m.ref").geometry, reference.geometry)


GOOD = Reference.of_matrix(mixed(1, 600), names(6), None, created=0.0, answers=answered(mixed(1, 600)))


def spoilt(array: Floats, value: float) -> Floats:
    other = array.copy()
    other[(0,) * other.ndim] = value
    return other


DAMAGES: dict[str, Callable[[Geometry], Geometry]] = {
    "scale of nought": lambda g: replace(g, scale=spoilt(g.scale, 0.0)),
    "scale is no number": lambda g: replace(g, scale=spoilt(g.scale, np.nan)),
    "center is no number": lambda g: replace(g, center=spoilt(g.center, np.nan)),
    "range is no number": lambda g: replace(g, low=spoilt(g.low, np.nan)),
    "core is no number": lambda g: replace(g, core=spoilt(g.core, np.nan)),
    "core of another width": lambda g: replace(g, core=g.core[:, :-1]),
    "core without labels": lambda g: replace(g, core_labels=g.core_labels[:-1]),
    "no core": lambda g: replace(g, core=g.core[:0], core_labels=g.core_labels[:0]),
    "core is one row of cells": lambda g: replace(g, core=g.core.ravel()),
    "fewer columns": lambda g: replace(g, names=g.names[:-1]),
    "infinite shape": lambda g: replace(g, whiten=spoilt(g.whiten, np.inf)),
    "shape that is not square": lambda g: replace(g, whiten=g.whiten[:-1]),
    "infinite shape of a class": lambda g: replace(g, class_whitens=spoilt(g.class_whitens, np.inf)),
    "mean of a class is no number": lambda g: replace(g, class_means=spoilt(g.class_means, np.nan)),
    "class without mean": lambda g: replace(g, class_means=g.class_means[:-1]),
    "levels begin later": lambda g: replace(g, level_starts=g.level_starts + 1),
    "levels go back": lambda g: replace(g, level_starts=g.level_starts[::-1].copy()),
    "levels end elsewhere": lambda g: replace(g, level_codes=g.level_codes[:-1], level_places=g.level_places[:-1]),
    "level without place": lambda g: replace(g, level_places=g.level_places[:-1]),
    "place is no number": lambda g: replace(g, level_places=spoilt(g.level_places, np.nan)),
    "distances out of order": lambda g: replace(g, near_known=g.near_known[::-1].copy()),
    "distances that are no numbers": lambda g: replace(g, near_known=spoilt(g.near_known, np.nan)),
    "distances in two dimensions": lambda g: replace(g, near_known=g.near_known.reshape(1, -1)),
    "margins out of order": lambda g: replace(g, probability_known=g.probability_known[::-1].copy()),
    "edges out of order": lambda g: replace(g, value_edges=np.array([2.0, 1.0])),
    "edges in two dimensions": lambda g: replace(g, value_edges=np.ones((1, 1))),
    "no spacing": lambda g: replace(g, spacing=0.0),
    "negative spread": lambda g: replace(g, spread=-1.0),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_arrays_that_do_not_fit_each_other_are_refused(tmp_path: Path, damage: str):
    assert GOOD.geometry is not None
    replace(GOOD, geometry=DAMAGES[damage](GOOD.geometry)).save(tmp_path / "m.ref")

    with pytest.raises(ValueError, match=r"m\.ref is damaged"):
        Reference.load(tmp_path / "m.ref")


@pytest.mark.parametrize("value", [None, 3, [], "x", {}, {"names": 3, "spacing": 1.0}, {"names": [1, 2, 3, 4, 5, 6]}])
def test_a_manifest_that_says_something_else_is_refused(tmp_path: Path, value: object):
    GOOD.save(tmp_path / "m.ref")
    forge(tmp_path / "m.ref", lambda manifest: manifest.update(geometry=value))

    with pytest.raises(ValueError, match=r"m\.ref is damaged"):
        Reference.load(tmp_path / "m.ref")


def test_a_file_without_geometry_is_read_and_has_none(tmp_path: Path):
    replace(GOOD, geometry=None).save(tmp_path / "m.ref")

    loaded = Reference.load(tmp_path / "m.ref")

    whole = (tmp_path / "m.ref").read_bytes()
    _, length = HEAD.unpack_from(whole, len(MAGIC))
    manifest = json.loads(whole[len(MAGIC) + HEAD.size :][:length])
    assert not [name for name in (*manifest, *manifest["arrays"]) if name.startswith("geometry")]
    assert loaded.geometry is None
    assert loaded.inputs
