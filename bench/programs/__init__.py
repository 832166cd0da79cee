"""Descriptors of the programs that bench/run measures; see
harness/programs.py."""
