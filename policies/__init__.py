"""Decisions without I/O: values in, a decision with its reason out.

Only the standard library and msgspec; no clock, no randomness, no network. What varies is an argument.
"""
