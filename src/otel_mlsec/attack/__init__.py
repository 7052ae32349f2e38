"""Attacks on one's own models, to see whether they are found: families of attacks, and benign traffic to hide them in.

An attack asks a target (`knowledge.Ask`) through a recorder with a budget; `families.carry_out` gives what it asked and what it
gained.  `traffic.benign` makes what honest clients ask, `traffic.mix` hides attacks in it.  Only on models that are your own.
"""
