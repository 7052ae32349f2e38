"""Sigma rules for findings, and what they are in the languages of three SIEMs; `make sigma` converts them."""
