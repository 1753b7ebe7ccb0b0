"""What keys do among the messages: the one table from which bindings, key bar and F1 are made."""

from __future__ import annotations

from routerterm.tui.actions import Action

ACTIONS: tuple[Action, ...] = (
    Action("enter", "Menu of this message", "ask('menu')", "transcript.menu", rank=1, short="Menu"),
    Action("y", "Copy the message, or what is selected", "copy", "transcript.copy", rank=1, short="Copy"),
    Action("c", "Copy the code block", "copy_code", "transcript.copy_code", rank=4, short="Code"),
    Action("e", "Edit and ask, or edit the answer", "ask('edit')", "transcript.edit", rank=4, short="Edit"),
    Action("r", "Ask again", "ask('regenerate')", "transcript.regenerate", rank=4, short="Again"),
    Action(
        "R", "Ask again with another model", "ask('regenerate_with')", "transcript.regenerate_with",
        rank=7, short="With…",
    ),
    Action("o", "Continue the answer", "ask('continue')", "transcript.continue", rank=5, short="Continue"),
    Action("f", "Fork from here", "ask('fork')", "transcript.fork", rank=6, short="Fork"),
    Action("left_square_bracket", "Previous version", "ask('previous')", "transcript.previous"),
    Action("right_square_bracket", "Next version", "ask('next')", "transcript.next", rank=7, short="Next"),
    Action("w", "Why this model answered", "ask('why')", "transcript.why", rank=6, short="Why"),
    Action("space", "Fold or unfold", "fold", "transcript.fold", rank=6, short="Fold"),
    Action("slash", "Find in this conversation", "ask('find')", "transcript.find", rank=5, short="Find"),
    Action("i", "Leave images out and ask again", "ask('leave_out')", "transcript.leave_out"),
    Action("up,k", "Message up", "leap(-1)", "transcript.up"),
    Action("down,j", "Message down", "leap(1)", "transcript.down"),
    Action("ctrl+up,K", "Paragraph up", "step(-1)", "transcript.block_up"),
    Action("ctrl+down,J", "Paragraph down", "step(1)", "transcript.block_down"),
    Action("shift+up", "Select up", "stretch(-1)", "transcript.select_up"),
    Action("shift+down", "Select down", "stretch(1)", "transcript.select_down"),
    Action("v", "Select paragraphs", "mark", "transcript.mark"),
    Action("pageup", "Page up", "page(-1)", "transcript.page_up"),
    Action("pagedown", "Page down", "page(1)", "transcript.page_down"),
    Action("ctrl+home,home,g", "Start of the conversation", "start", "transcript.start"),
    Action("ctrl+end,end,G", "End of the conversation", "to_end", "transcript.end"),
    Action("n", "Previous match", "find(-1)", "transcript.find_up"),
    Action("N", "Next match", "find(1)", "transcript.find_down"),
    Action("tab", "Go to the list of conversations", "screen.place(1)", "transcript.tab", rank=2, short="Chats"),
    Action("shift+tab", "Go back to writing", "screen.place(-1)", "transcript.back_tab"),
    Action("escape", "Go back to writing", "leave", "transcript.leave", rank=1, short="Write"),
)  # fmt: skip
