"""Learning a model by asking it: per principal, over many principals, and by sheer volume.

Who asks with rows like everybody's cannot be told from a batch job: of that only exposure and volume speak.
"""
