"""Bounded summaries of a stream, shared by detectors.  Two of a kind merge by adding."""
