#!/bin/sh
# An agent: a model that calls the tools of a mindflight server until it can answer. Needs curl and jq.
#
#     sh agent.sh ["What to do."]
#
# MINDFLIGHT_URL, MINDFLIGHT_KEY                 the server, and a key with the scope tools:call
# OPENAI_BASE_URL, OPENAI_API_KEY, OPENAI_MODEL  a Chat Completions API; without it a script plays the model
set -eu

url=${MINDFLIGHT_URL:-http://127.0.0.1:8080}
model_url=${OPENAI_BASE_URL:-}
model=scripted
task=${1:-Greet Ada, and tell her what 17 * 23 + 9 is.}
max_steps=8 # turns of the model
max_tries=4 # of one request, while its server asks for patience
max_wait=30 # seconds that are waited for one more try
timeout=120 # seconds for an answer

fail() {
  echo "error: $1" >&2
  exit 1
}

for program in curl jq; do
  command -v "$program" >/dev/null || fail "$program is needed; install it with the packages of your system"
done
if [ -n "$model_url" ]; then
  model=${OPENAI_MODEL:-}
  [ -n "$model" ] || fail "OPENAI_MODEL is not set; name a model of OPENAI_BASE_URL"
fi
here=$(dirname "$0")
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# send METHOD URL KEY OUT [BODY_FILE]: the answer is in OUT.body, OUT.head and OUT.status.
# Waits and tries again when the server says when (429 and 503 with Retry-After).
send() {
  tries=1
  while :; do
    set -- "$1" "$2" "$3" "$4" "${5:-}"
    # Standard input, because every user of the machine can read arguments.
    { [ -z "$3" ] || printf 'header = "Authorization: Bearer %s"\n' "$3"; } |
      curl --config - --silent --show-error --max-time "$timeout" --request "$1" \
        --header 'Content-Type: application/json' ${5:+--data-binary "@$5"} \
        --dump-header "$4.head" --output "$4.body" --write-out '%{http_code}' \
        "$2" >"$4.status" 2>"$4.error" || fail "no answer from $2 (is it running there?): $(cat "$4.error")"
    wait=$(header "$4" Retry-After)
    case $(cat "$4.status"):$wait in
    429:[0-9]* | 503:[0-9]*) ;;
    *) return 0 ;;
    esac
    if [ "$tries" -ge "$max_tries" ] || [ "$wait" -gt "$max_wait" ]; then return 0; fi
    tries=$((tries + 1))
    sleep "$wait"
  done
}

# header OUT NAME
header() {
  tr -d '\r' <"$1.head" | awk -v name="$2:" 'tolower($1) == tolower(name) { print $2; exit }'
}

# One line for the terminal: of an error, the problem's code and detail.
summary() {
  jq -er '"\(.code // error): \(.detail // error)"' "$1.body" 2>/dev/null || cut -c 1-200 "$1.body"
}

# mindflight METHOD PATH OUT [BODY_FILE]
mindflight() {
  send "$1" "${url%/}$2" "${MINDFLIGHT_KEY:-}" "$3" "${4:-}"
  [ "$(cat "$3.status")" != 401 ] || fail "MINDFLIGHT_KEY is not accepted: $(summary "$3")"
}

# call_tool NUMBER: calls one tool of the model's message, with the arguments as the model wrote them.
call_tool() {
  name=$(jq -r ".tool_calls[$1].function.name | @uri" "$tmp/message")
  jq -j ".tool_calls[$1].function.arguments | if . == \"\" then \"{}\" else . end" "$tmp/message" >"$tmp/$1.arguments"
  mindflight POST "/api/tools/$name" "$tmp/$1" "$tmp/$1.arguments"
}

# The model's next message: text, or tool calls.
ask_model() {
  if [ -z "$model_url" ]; then
    jq -f "$here/scripted.jq" "$tmp/messages" >"$tmp/message"
    return
  fi
  jq -n --arg model "$model" --slurpfile messages "$tmp/messages" --slurpfile tools "$tmp/tools.body" \
    '{model: $model, messages: $messages[0], tools: $tools[0].items}' >"$tmp/ask"
  send POST "${model_url%/}/chat/completions" "${OPENAI_API_KEY:-}" "$tmp/model" "$tmp/ask"
  [ "$(cat "$tmp/model.status")" = 200 ] ||
    fail "the model cannot be asked: $(cat "$tmp/model.status") $(cut -c 1-500 "$tmp/model.body")"
  jq '.choices[0].message' "$tmp/model.body" >"$tmp/message"
}

# say JQ_PROGRAM [ARGUMENTS…]: adds what the program makes to the conversation.
say() {
  jq "$@" "$tmp/messages" >"$tmp/longer" && mv "$tmp/longer" "$tmp/messages"
}

mindflight GET '/api/tools?format=openai&limit=1000' "$tmp/tools"
[ "$(cat "$tmp/tools.status")" = 200 ] ||
  fail "the tools cannot be listed: $(cat "$tmp/tools.status") $(summary "$tmp/tools")"
echo "$(jq '.items | length' "$tmp/tools.body") tools at $url, model: $model"
echo "task: $task"
jq -n --arg task "$task" '[{role: "user", content: $task}]' >"$tmp/messages"

step=0
while [ "$step" -lt "$max_steps" ]; do
  step=$((step + 1))
  ask_model
  say --slurpfile message "$tmp/message" '. + $message'
  calls=$(jq '.tool_calls // [] | length' "$tmp/message")
  if [ "$calls" = 0 ]; then
    jq -r '"answer: \(.content)"' "$tmp/message"
    exit 0
  fi
  jq -r '.tool_calls[].function | "call: \(.name) \(.arguments)"' "$tmp/message"
  running='' number=0
  while [ "$number" -lt "$calls" ]; do
    call_tool "$number" &
    running="$running $!" number=$((number + 1))
  done
  for process in $running; do wait "$process"; done
  number=0
  while [ "$number" -lt "$calls" ]; do
    out=$tmp/$number
    echo "  $(cat "$out.status") $(summary "$out") (request $(header "$out" X-Request-Id))"
    # Errors too: they say what to correct.
    say --slurpfile message "$tmp/message" --argjson number "$number" --rawfile content "$out.body" \
      '. + [{role: "tool", tool_call_id: $message[0].tool_calls[$number].id, content: $content}]'
    number=$((number + 1))
  done
done
fail "the model has not answered after $max_steps steps"
