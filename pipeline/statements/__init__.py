"""Texts to statements: quotations, attribution, speakers, topic."""
