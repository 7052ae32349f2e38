"""Inputs unlike the reference's."""
