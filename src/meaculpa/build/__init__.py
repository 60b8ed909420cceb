"""Brings everything together: a project's files in, every published file out, changed parts only."""
