"""Pictures that customers sent, looked at in the terminal: which ones, decoded apart, drawn as text."""
