"""Which model is asked, with which key, and what happens when it fails: pure decisions and one thin client."""
