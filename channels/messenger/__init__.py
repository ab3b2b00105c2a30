"""What adapters of messengers have in common, so that each holds only what its platform alone does.

A messenger is spoken to over HTTP with a secret of ours (`link.py`), answers with a verdict on what we asked
(`answer.py`), brings events by polling or by webhooks that are looked after (`listening.py`), names files
that are fetched at once (`fetch.py`), and takes replies one call after the other (`sending.py`, `pace.py`).
`reading.py` reads what strangers send, `settings.py` holds what every such channel may be told, `channel.py`
is the shell around it all.
"""
