"""A real MCP server, of the official package: `python real_server.py [http PORT]`."""

import sys
from typing import Annotated

from mcp.server.elicitation import AcceptedElicitation, ElicitationResult
from mcp.server.mcpserver import Elicit, MCPServer, Resolve
from mcp_types import ToolAnnotations
from pydantic import BaseModel, Field

server = MCPServer("workshop", instructions="For tests.")


@server.tool(annotations=ToolAnnotations(readOnlyHint=True))
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@server.tool()
def environment() -> str:
    """What the server's environment holds."""
    import os

    return "\n".join(f"{name}={value}" for name, value in sorted(os.environ.items()))


@server.tool()
def fail() -> str:
    """Always fails."""
    raise ValueError("the drill is broken")


class Person(BaseModel):
    """What is asked for."""

    name: str = Field(description="Your name")
    age: int = Field(default=42, description="Your age")


async def ask_for() -> Elicit[Person]:
    return Elicit("Who are you?", Person)


@server.tool()
async def greet(person: Annotated[ElicitationResult[Person], Resolve(ask_for)]) -> str:
    """Greet the person, who is asked for their name."""
    return (
        f"Hello {person.data.name}, {person.data.age}"
        if isinstance(person, AcceptedElicitation)
        else f"Nobody: {person.action}"
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["http"]:
        server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[2]))
    else:
        server.run()
