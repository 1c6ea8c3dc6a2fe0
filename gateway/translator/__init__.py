"""The translator: a process of its own, in an environment of its own, that speaks the OpenAI protocol on a Unix socket
or a network and whose back is litellm. For providers that speak something else: Bedrock, Vertex, and what litellm
knows.

Of ours it imports the address guard alone; whatever the gateway's environment has is not there.
"""
