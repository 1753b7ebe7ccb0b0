"""Everything of Textual and Rich that is not their public interface and that this program relies on, in one place.

An upgrade of Textual is one read of this folder, and `tests/tui/test_textual_internals.py` names each of them:

- `text`: which letters are text, how wide they are, where they wrap;
- `screens`: bindings, keys that are handed on, drawing and what is kept of it, the end on an error;
- `leaving`: screens and work that are left before they are there, or while they wait;
- `light_import`: what is left out while Textual is imported;
- `quick_classes`: how its classes are made;
- `kept_rules`: parsed style sheets, kept from one start to the next;
- `driver`: the terminal driver for Linux and macOS.
"""
