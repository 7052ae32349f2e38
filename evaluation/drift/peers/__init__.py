"""Others' drift detectors on the streams that ours are measured on: `python -m evaluation.drift --only peers`."""
