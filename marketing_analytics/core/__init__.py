"""What every room needs: errors, console, redaction, clock and HTTP classification.

Imports nothing of ours. Start reading at `errors`.
"""
