#!/usr/bin/env python3
"""An agent: a model that calls the tools of a mindflight server until it can answer.

    python3 agent.py ["What to do."]

MINDFLIGHT_URL, MINDFLIGHT_KEY                 the server, and a key with the scope tools:call
OPENAI_BASE_URL, OPENAI_API_KEY, OPENAI_MODEL  a Chat Completions API; without it a script plays the model
"""

import http.client
import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import scripted

MINDFLIGHT_URL = os.environ.get("MINDFLIGHT_URL") or "http://127.0.0.1:8080"
MINDFLIGHT_KEY = os.environ.get("MINDFLIGHT_KEY")
OPENAI_BASE_URL = os.environ.get("OPENAI_BASE_URL")
OPENAI_API_KEY = os.environ.get("OPENAI_API_KEY")
OPENAI_MODEL = os.environ.get("OPENAI_MODEL")

TASK = "Greet Ada, and tell her what 17 * 23 + 9 is."
MAX_STEPS = 8  # turns of the model
MAX_TRIES = 4  # of one request, while its server asks for patience
MAX_WAIT = 30  # seconds that are waited for one more try
TIMEOUT = 120  # seconds for an answer


class Failure(Exception):
    """What ends the agent, as a sentence for a person."""


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.text = status, headers, body.decode("utf-8", "replace")

    def json(self):
        try:
            return json.loads(self.text)
        except ValueError:
            raise Failure(f"this is not JSON: {self.text[:200]!r}") from None

    def summary(self):
        """One line for the terminal: of an error, the problem's code and detail."""
        try:
            problem = json.loads(self.text)
            return f"{problem['code']}: {problem['detail']}"
        except (ValueError, KeyError, TypeError):
            return self.text[:200]


def send(method, url, key, body=None):
    """Sends a request; waits and tries again when the server says when (429 and 503 with Retry-After)."""
    headers = {"Content-Type": "application/json"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    for tries_left in reversed(range(MAX_TRIES)):
        answer = send_once(method, url, headers, body)
        wait = answer.headers.get("Retry-After", "")
        patient = answer.status in (429, 503) and wait.isdigit() and int(wait) <= MAX_WAIT
        if not (patient and tries_left):
            return answer
        time.sleep(int(wait))


def send_once(method, url, headers, body):
    data = None if body is None else body.encode()
    try:
        request = urllib.request.Request(url, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            return Answer(answer.status, answer.headers, answer.read())
    except urllib.error.HTTPError as error:  # an answer like any other
        return Answer(error.code, error.headers, error.read())
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise Failure(f"no answer from {url} (is it running there?): {getattr(error, 'reason', error)}") from None


def mindflight(method, path, body=None):
    answer = send(method, MINDFLIGHT_URL.rstrip("/") + path, MINDFLIGHT_KEY, body)
    if answer.status == 401:
        raise Failure(f"MINDFLIGHT_KEY is not accepted: {answer.summary()}")
    return answer


def list_tools():
    answer = mindflight("GET", "/api/tools?format=openai&limit=1000")
    if answer.status != 200:
        raise Failure(f"the tools cannot be listed: {answer.status} {answer.summary()}")
    return answer.json()["items"]


def call_tool(call):
    """Calls one tool. The arguments go as the model wrote them; the server says what is wrong with them."""
    name, arguments = call["function"]["name"], call["function"]["arguments"]
    return mindflight("POST", "/api/tools/" + urllib.parse.quote(name, safe=""), arguments or "{}")


def ask_model(messages, tools):
    """The model's next message: text, or tool calls."""
    if not OPENAI_BASE_URL:
        return scripted.reply(messages)
    body = json.dumps({"model": OPENAI_MODEL, "messages": messages, "tools": tools})
    answer = send("POST", OPENAI_BASE_URL.rstrip("/") + "/chat/completions", OPENAI_API_KEY, body)
    if answer.status != 200:
        raise Failure(f"the model cannot be asked: {answer.status} {answer.text[:500]}")
    return answer.json()["choices"][0]["message"]


def run(task):
    if OPENAI_BASE_URL and not OPENAI_MODEL:
        raise Failure("OPENAI_MODEL is not set; name a model of OPENAI_BASE_URL")
    tools = list_tools()
    print(f"{len(tools)} tools at {MINDFLIGHT_URL}, model: {OPENAI_MODEL if OPENAI_BASE_URL else 'scripted'}")
    print(f"task: {task}")
    messages = [{"role": "user", "content": task}]
    for _ in range(MAX_STEPS):
        message = ask_model(messages, tools)
        messages.append(message)
        calls = message.get("tool_calls")
        if not calls:
            return print(f"answer: {message['content']}")
        for call in calls:
            print(f"call: {call['function']['name']} {call['function']['arguments']}")
        with ThreadPoolExecutor(len(calls)) as pool:
            answers = list(pool.map(call_tool, calls))
        for call, answer in zip(calls, answers):
            print(f"  {answer.status} {answer.summary()} (request {answer.headers.get('X-Request-Id')})")
            # Errors too: they say what to correct.
            messages.append({"role": "tool", "tool_call_id": call["id"], "content": answer.text})
    raise Failure(f"the model has not answered after {MAX_STEPS} steps")


if __name__ == "__main__":
    try:
        run(sys.argv[1] if len(sys.argv) > 1 else TASK)
    except Failure as failure:
        sys.exit(f"error: {failure}")
