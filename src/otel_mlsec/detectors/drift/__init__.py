"""Decay of the data that a model meets.

No ATLAS technique: an alarm about plain drift that is tagged as an attack spoils a SOC's statistics.  Method: Shin, Ramdas and
Rinaldo 2022, "E-detectors: a nonparametric framework for sequential change detection"; Wang and Ramdas 2022, "False discovery
rate control with e-values".  The day-scale cycle detector for columns that move by the day will stand beside these.
"""
