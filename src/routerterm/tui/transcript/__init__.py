"""The transcript: a whole conversation as one widget that draws lines.

`values` says what is shown, `layout` turns it into lines (pure), `view` keeps which lines are where, and
`widget` puts them on the screen.  Markdown and highlighting load with the first message, not before.
"""
