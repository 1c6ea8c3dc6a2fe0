"""The gateway: the data plane, the admin API and the command line. Read `lifecycle.py` first."""
