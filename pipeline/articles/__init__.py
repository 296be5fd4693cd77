"""Articles: entries made uniform, with an identity, revisions and wire groups."""
