"""Watch the machine-learning models of a Python process for attack and decay."""
