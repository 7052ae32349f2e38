"""References that the agent makes itself, of models that the application fits, where it is asked to."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from otel_mlsec.capture._describe import describe
from otel_mlsec.capture.fitted import Fitted
from otel_mlsec.errors import contained
from otel_mlsec.reference import store
from otel_mlsec.reference.origin import Origin
from otel_mlsec.reference.reference import Reference

_log = logging.getLogger("otel_mlsec")


def keep(fits: Sequence[Fitted], key: bytes | None) -> None:
    """The last fit of each name as `NAME.mlsec`.  The model was fitted on its rows, and the reference says so."""
    last = {describe(fitted.model).model.name: fitted for fitted in fits}
    for name, fitted in last.items():
        with contained("at_fit"):  # the model is code of others, and may be fitted again meanwhile
            model = describe(fitted.model).model
            reference = Reference.fit(fitted.rows, model=fitted.model, name=name, version=model.version)
            reference = replace(reference, origin=replace(reference.origin or Origin(), in_sample=True))
            fitted.directory.mkdir(parents=True, exist_ok=True)
            path = store.single(fitted.directory, name)
            reference.save(path, key=key)
            _log.info("reference of model %s fitted to %d of the rows that it was fitted on: %s", name, reference.n_rows, path)
