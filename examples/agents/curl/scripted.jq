# A script in place of a model: it reads the conversation and goes on, as a model does, and needs no network.
#
# It begins with a mistake, the wrong name of an argument, and corrects it by what the server's problem object says.

def tool_calls($messages; $calls):
  {role: "assistant", content: null, tool_calls: [
    range($calls | length) as $number
    | {id: "call_\($messages | length)_\($number)", type: "function",
       function: {name: $calls[$number][0], arguments: ($calls[$number][1] | tojson)}}]};

. as $messages
| [.[] | select(.role == "tool") | .content | fromjson] as $results
| if $results == [] then
    tool_calls($messages; [["demo_calculator", {formula: "17 * 23"}]])
  elif ($results | length) == 1 then
    tool_calls($messages; [["demo_calculator", {($results[0].errors[0].allowed[0]): "17 * 23"}]])
  elif ($results | length) == 2 then
    tool_calls($messages; [["demo_add", {a: $results[1].result, b: 9}], ["demo_greet", {name: "Ada"}]])
  else
    {role: "assistant", content: "\($results[3].message) 17 * 23 + 9 is \($results[2].sum)."}
  end
