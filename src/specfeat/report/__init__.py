"""Makes the report of a finished output: an HTML page that needs neither a server nor the network."""
