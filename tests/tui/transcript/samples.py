"""Markdown to try the layout on."""

# ruff: noqa: E501 - samples are easier to read unbroken

from __future__ import annotations

ANSWER = """# Write-ahead logging

In **WAL mode** SQLite appends to `-wal`, so that *readers never block writers*. See [the page](https://sqlite.org/wal.html).
A second line of the ~~first~~ same paragraph.

1. A writer appends.
2. Readers look into the log:
   - through shared memory
   - then the database

     with a paragraph of its own
3. A checkpoint:
   ```python
   def f(x: int) -> str:

       return "a"
   ```
   and on it goes
10. ten

| mode | readers | fsync |
|------|:-------:|------:|
| delete | blocked | 2 |
| wal | free with a rather long explanation of it | 1 |
| off | ? | 0 |
| memory \\| temp | `a` **b** | |

> A quotation
> of two lines
>
> - with a list
>   of one
>
> ```
> and code
> ```
lazy end

> [!NOTE]
> Mind the gap.
>
> Twice.

- [x] done
- [ ] open

  more on it

---

[ref]: https://example.org/a "t"
With [ref] and [a note][^1] and https://example.org/x and $a_1 + b_2$ and \\(x_i\\).

[^1]: the note

$$
E = mc^2
- b
$$

Head
===

Under
---

    indented

    code
"""

DEFINITION = '[ref]: https://example.org/a "t"\n'
STEADY = ANSWER.replace(DEFINITION, "")
"""The same without a link's definition, which stands in the text while it streams, and goes once the link is whole."""

LISTS = "".join(
    f"- item {n} with `code` and **bold**\n" + ("  - nested\n\n    - deeper\n" if n % 3 == 0 else "") for n in range(12)
)
NUMBERS = "".join(f"{n}. step\n\n   text of step {n}\n" for n in range(7, 12))
TABLE = (
    "| a | b | c |\n|--|:-:|--:|\n"
    + "".join(f"| {n} | {'word ' * (n % 5)} | {n * n} |\n" for n in range(16))
    + "after\n"
)
WIDE_TABLE = (
    "| " + " | ".join(f"column{n}" for n in range(14)) + " |\n" + "|--" * 14 + "|\n" + "| some text " * 14 + "|\n"
)
FENCE = (
    "Look:\n\n```python\n"
    + "".join(f"def f{n}(a, b='x'):\n    '''doc\n    more'''\n    return {n}\n\n" for n in range(6))
    + "```\ntext\n"
)
OPEN_FENCE = "1. a\n   ~~~~js title\n   /* one\n   two */ let x = `a\n   b`;\n\n\n   ~~~\n   end"
QUOTED = "> 1. a\n>    - b\n>\n>      ```sh\n>      ls -l\n>      echo 'a\n>      b'\n>      ```\n>    - c\n> 2. d\n\n\nout\n"
LONG = "".join(f"line {n} of a *long paragraph* with `code`\n" for n in range(40)) + "---\nnext\n"
WORLD = "日本語のテキストはここで折り返されます。とても長い文です。\n\n| 名前 | 値 |\n|--|--|\n| 東京 | 🎉🎉 |\n\nשלום עולם مرحبا بالعالم\n\n- é́ combining e\u0301\u0301\n"
HOSTILE = "\x1b]52;c;YQ==\x07 a\x9bb &#x202e;evil&#x1b; \u202e \U000e0041 `\x1b[2J`\n\n```\n\x1b[31mred\x1b[0m\n\ttab\r\n```\rend\x00"
TABS = "-\tone\n\n\ttwo\n\n>\t\tcode\n\n1.\t\tindented\n"
EMPTY_ITEMS = "-\n- \n  a\n-\n\n  b\n1.\n2.\n\n* \n"
HTML = "<details>\n<summary>**x**</summary>\n\ntext<br>more <b>bold</b>\n</details>\n\n<!-- note -->\n"
LATE = "[a][b] and [b]\n\n[b]: https://late.example\n\n[b]: https://never.example\n\n[a][b]\n"
DOCUMENTS = [
    ANSWER, LISTS, NUMBERS, TABLE, WIDE_TABLE, FENCE, OPEN_FENCE, QUOTED, LONG, WORLD, HOSTILE, TABS, EMPTY_ITEMS,
    HTML, LATE, "", "\n\n", "a",
]  # fmt: skip

ONCE_WRONG = [
    "> ```\n> word ", "[a]: /u\n~\n-", "\n>[a]:u\n>=", "-\n\n  -\n", "- a\n  -\n\n    -\n", "> -\n>\n>   - b\n",
    "-\n   -    ```\n  >", "1. a\n   -\n\n     b\n",
]  # fmt: skip

PIECES = [
    "word ", "**bold** ", "*em", "`code` ", "``", "\n", "\n\n", "\n\n\n", "- item\n", "- ", "  - nested\n", "1. one\n", "2) two\n",
    "```\n", "```py\n", "   ```\n", "~~~\n", "    code\n", "> quote\n", ">\n", "> - a\n", "| a | b |\n", "|--|--|\n", "|---|\n",
    "| x |\n", "# head\n", "===\n", "---\n", "***\n", "[a]: /u\n", "[a]: /u 'x\n", "[a] ", "[a](b) ", "![i](u) ", "<b>", "\\\n",
    "  \n", "$$\n", "\\[\n", "\\]\n", "$x$ ", "[^1] ", "[^1]: n\n", "- [ ] t\n", "> [!TIP]\n", "日本", "e\u0301", "\t", "&amp;", "\r\n",
    "https://e.org ", "x" * 30, "+\n", "-\n", "1.\n", "  text\n", "     text\n", "def f(): # c\n",
]  # fmt: skip
