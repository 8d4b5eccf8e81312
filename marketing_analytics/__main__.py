"""`python -m marketing_analytics` is the `marketing` command."""

from marketing_analytics.cli import main

main()
