"""The lowest floor: Redis. Imports nothing of ours; knows rows and revisions, not what they mean to a call."""
