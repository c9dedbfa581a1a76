"""Builds, from a checked config, a network that is ready to compute rows."""
