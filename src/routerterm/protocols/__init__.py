"""Wire protocols: pure functions between bytes and values.

`codec(protocol, dialect)` gives the client's half of one, `classify` names the failure behind an answer
that is none.
"""
