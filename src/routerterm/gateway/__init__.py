"""The local server that lends the router to other programs."""
