"""Python's sweeps for garbage, kept out of a person's way.

A full sweep looks at everything there is, and nothing moves meanwhile: a tenth of a second here, far more on a Pi.
So there is none while the program starts, and what stands by then, nearly all there ever is, is not looked at again.
"""

from __future__ import annotations

import gc


def put_off() -> None:
    """No sweeps until `resume`."""
    gc.disable()


def resume() -> None:
    """Sweep again, but never over what is there by now.  Does nothing where sweeps were not put off."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
