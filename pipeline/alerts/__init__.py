"""Which claims a newsroom is told of, in what words, and when again after a failure."""
