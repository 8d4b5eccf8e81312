"""Meta, Google Ads and Mailchimp as HTTP servers over a built world.

Imports only `core` and the world's files. Start reading at `server.py`.
"""
