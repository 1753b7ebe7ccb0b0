"""What the demonstration models say."""

from __future__ import annotations

MARKDOWN = """# A demonstration

No model wrote this answer: `demo/markdown` gives it **every time**, *without* a key and without a network.

## What can be seen here

1. Text with **bold**, *italic*, `code` and ~~struck out~~ words.
2. Lists,
   - one inside
   - the other.
3. A [link](https://en.wikipedia.org/wiki/VT100) that shows where it goes.

> The terminal is not a window to the past. It is a door that was never closed.

```python
def greet(name: str) -> str:
    \"\"\"Say hello as the machines did.\"\"\"
    return f"HELLO, {name.upper()}. SHALL WE PLAY A GAME?"
```

| model | what it shows |
|---|---|
| `demo/code` | a longer program |
| `demo/flaky` | a rate limit, waited out |
| `demo/cut` | an answer that is cut off, and continued |
| `demo/down` | a provider that is gone |

- [x] Answers stream in, word by word.
- [ ] Add a key with `F6` to talk to a real model.

---

That was all. Ask `demo/echo` and it will say what *you* say.
"""

CODE = """A sieve, the oldest program that is still fast enough:

```python
from collections.abc import Iterator
from math import isqrt


def primes(below: int) -> Iterator[int]:
    \"\"\"All primes smaller than `below`, by the sieve of Eratosthenes.\"\"\"
    composite = bytearray(below)
    for candidate in range(2, below):
        if composite[candidate]:
            continue
        yield candidate
        if candidate <= isqrt(below):
            for multiple in range(candidate * candidate, below, candidate):
                composite[multiple] = 1


if __name__ == "__main__":
    print(*primes(100))
```

And how to run it:

```sh
python sieve.py | fold -w 40
```

It marks each composite number once per prime factor, so its work grows as `n log log n`.
"""

TABLE = """Some of the terminals behind the themes:

| machine | year | columns × rows | phosphor |
|:--|--:|:-:|:--|
| IBM 3270 | 1971 | 80 × 24 | green |
| DEC VT100 | 1978 | 80 × 24, 132 × 14 | white |
| Commodore 64 | 1982 | 40 × 25 | whatever the television had |
| IBM 5151 | 1981 | 80 × 25 | green, and slow to fade |
| Wyse 50 | 1983 | 80 × 24, 132 × 24 | green or amber |

The numbers in the middle are why a line of text is still eighty letters long.
"""

THOUGHTS = """The question can be taken in two ways. If it is about today, I cannot know. If it is about the
principle, I can say how to find out. I am a demonstration and have no window, so the second it is. """

WEATHER = """I reasoned before I answered; the reasoning can be unfolded above.

I have **no window**, so I do not know. But look up: if the sky is red in the evening, tomorrow will likely be fair.
"""

SLOW = """Good things take their time. This answer waits three seconds before its first word, and then says four words
a second, like a line printer with something on its mind. Press Esc to stop it: what was said so far is kept.
"""

CUT = """This answer will be cut off. A line shows where it happened, and the answer continues below it.

The router asked again and gave the model the first half, and the model continued from there.
Nothing was lost, nothing is said twice, and both halves are in the ledger.
"""

TOOLS = "Offer me a tool and I will call it, with arguments that fit its schema."
