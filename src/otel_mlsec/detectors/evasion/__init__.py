"""Search for inputs that a model gets wrong: many small changes of one row, whoever asks."""
