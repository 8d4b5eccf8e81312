"""What is in dbt Cloud, on the screen: the team's jobs, and how they differ from a file."""
