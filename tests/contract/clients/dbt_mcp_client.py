"""A client of the Model Context Protocol that calls tools of dbt-mcp, one after the other.

Reads a list of `[tool, arguments]`; prints what each said, and which tools there are.
"""

import asyncio
import json
import os
import sys
from pathlib import Path

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client


async def call_all(calls):
    """Return the names of all tools and what the called ones said."""
    program = str(Path(sys.executable).with_name("dbt-mcp"))
    server = StdioServerParameters(command=program, args=[], env=dict(os.environ))
    async with stdio_client(server) as pipes, ClientSession(*pipes) as session:
        await session.initialize()
        tools = [tool.name for tool in (await session.list_tools()).tools]
        said = []
        for name, arguments in calls:
            answer = await session.call_tool(name, arguments)
            said.append([answer.isError, [part.text for part in answer.content]])
        return {"tools": tools, "said": said}


print("\n" + json.dumps(asyncio.run(call_all(json.load(sys.stdin)))))
