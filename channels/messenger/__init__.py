"""What adapters of messengers have in common, so that each holds only what its platform alone does, as data.

In comes what `polling.py` asks for or `webhook.py` has registered, both of them listeners (`listening.py`);
`updates.py` and `content.py` read it by the forms of `forms.py`, whose places are paths (`paths.py`), with
what `reading.py` knows; `fetch.py` has the files at once. Out goes what `planning.py` made of a reply, by
`sending.py` in the pace of `pace.py`. Both use the platform's API (`api.py` over `link.py`), and `answer.py`
says what its answers mean. `settings.py` is what every such channel may be told, `probe.py` what the doctor
asks, `channel.py` the shell around it all. No platform's name stands here.
"""
