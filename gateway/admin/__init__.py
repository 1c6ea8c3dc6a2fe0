"""The admin API: thin routes over plain operations. Nothing here is on a call's way."""
