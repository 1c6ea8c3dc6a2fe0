"""Where models are made: one file a provider, each filling the protocol in `base.py`. The vendors' SDKs live here."""
