"""What is new: a statement's relation to what its figure said before."""
