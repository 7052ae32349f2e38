"""`otel-mlsec report`: recorded traffic against a reference, on a page that a person reads or as JSON."""
