"""Audiences: segments of customers as files that ad platforms take."""
