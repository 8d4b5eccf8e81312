"""The page that leadership opens: a snapshot of the marts, and static pages made of it."""
