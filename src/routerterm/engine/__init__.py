"""What a chat is, with no widget: a session, its context, its branches, search paths, import and export.

Begin at `session.Session`.
"""
