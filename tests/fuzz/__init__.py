"""Damaged inputs by the thousand: `PYTHONPATH=tests python -m fuzz --help`; a short form runs with the tests."""
