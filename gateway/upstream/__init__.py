"""Connections to providers: where they may go, how they are kept, what is said on them.

Nothing here knows of tenants, models or reasons; nothing here imports the rest of the gateway but its errors.
"""
