"""Static pages: a day's digest and the list of days. No script, no server."""
