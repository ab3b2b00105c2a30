"""One folder per channel. Nothing in here knows the server or the console."""
