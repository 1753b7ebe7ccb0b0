"""What lies beneath an overlay is seen around it as it is at the moment, whatever lies between."""

from __future__ import annotations

from routerterm.config.paths import Paths
from tests.driver import in_process
from tests.driver.homes import configure


async def test_what_changes_beneath_is_seen(paths: Paths) -> None:
    configure(paths)
    async with in_process(paths, (120, 40)) as it:
        await it.press("f3")
        await it.dialog_is("Model")
        before = it.picture().text
        await it.app.action_command("model", "demo/table")
        await it.until(lambda: "demo/table ─" in it.picture().text.splitlines()[0])
        await it.press("f1")
        await it.dialog_is("Help")
        await it.app.action_command("model", "demo/slow")
        await it.until(lambda: "demo/slow ─" in it.picture().text.splitlines()[0])
        await it.press("escape")
        await it.dialog_gone("Help")
        assert "demo/slow ─" in it.picture().text.splitlines()[0]
        assert before.splitlines()[0] != it.picture().text.splitlines()[0]


async def test_what_lies_beneath_cannot_be_clicked(paths: Paths) -> None:
    configure(paths)
    async with in_process(paths, (120, 40)) as it:
        await it.press("f3")
        await it.dialog_is("Model")
        await it.pilot.click(
            offset=(110, 0)
        )  # the model's name in the chat's title opens the picker, here it closes it
        await it.chat_is_open()


async def test_another_size_draws_everything_anew(paths: Paths) -> None:
    configure(paths)
    async with in_process(paths, (120, 40)) as it:
        await it.press("f3")
        await it.dialog_is("Model")
        for size in ((90, 30), (90, 24), (120, 40)):
            await it.resize(*size)
            await it.pilot.pause(0.2)
            lines = it.picture().text.splitlines()
            assert len(lines) == size[1]
            assert "ROUTERTERM" in lines[0]
            assert "Quit" in lines[-2] or "F1" in lines[-2] or "F1" in lines[-1]


async def test_a_notice_lies_over_no_line_of_a_dialog(paths: Paths) -> None:
    configure(paths)
    for size in ((120, 40), (80, 24), (45, 20)):
        async with in_process(paths, size) as it:
            await it.press("f1")
            await it.dialog_is("Help")
            before = it.picture().text.splitlines()
            it.app.notify("A notice about something.", timeout=600)
            await it.screen_shows("A notice about something.")
            await it.press("down")
            after = it.picture().text.splitlines()
            (row,) = (number for number, line in enumerate(after) if "A notice" in line)
            edge = before[row].strip()
            assert row in (0, len(after) - 1), f"over row {row} of {size}"
            assert not edge or "Help" in edge or row == len(after) - 1
            assert after[row - 1 if row else -1].strip(), "the dialog is still there"
