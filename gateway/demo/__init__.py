"""The demo: the product's main job from a Vault to the firm's own model and back, told while it happens.

A client like any other: it starts the programs and speaks HTTP to them, and imports nothing of their insides.
"""
