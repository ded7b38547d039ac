"""A script in place of a model: it reads the conversation and goes on, as a model does, and needs no network.

It begins with a mistake, the wrong name of an argument, and corrects it by what the server's problem object says.
"""

import json


def reply(messages):
    """The message that follows on these, in the shape of Chat Completions."""
    results = [json.loads(message["content"]) for message in messages if message["role"] == "tool"]
    if not results:
        return tool_calls(messages, ("demo_calculator", {"formula": "17 * 23"}))
    if len(results) == 1:
        [right_name] = results[0]["errors"][0]["allowed"]
        return tool_calls(messages, ("demo_calculator", {right_name: "17 * 23"}))
    if len(results) == 2:
        product = results[1]["result"]
        return tool_calls(messages, ("demo_add", {"a": product, "b": 9}), ("demo_greet", {"name": "Ada"}))
    text = f"{results[3]['message']} 17 * 23 + 9 is {results[2]['sum']}."
    return {"role": "assistant", "content": text}


def tool_calls(messages, *calls):
    return {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {
                "id": f"call_{len(messages)}_{number}",
                "type": "function",
                "function": {"name": name, "arguments": json.dumps(arguments, separators=(",", ":"))},
            }
            for number, (name, arguments) in enumerate(calls)
        ],
    }
