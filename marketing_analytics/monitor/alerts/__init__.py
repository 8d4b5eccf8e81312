"""Whom the watch tells what: decided from its history, kept until it is delivered."""
