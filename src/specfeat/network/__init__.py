"""From a checked config to a network that is ready to compute rows."""
