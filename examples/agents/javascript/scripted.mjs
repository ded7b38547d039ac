// A script in place of a model: it reads the conversation and goes on, as a model does, and needs no network.
//
// It begins with a mistake, the wrong name of an argument, and corrects it by what the server's problem object says.

/** The message that follows on these, in the shape of Chat Completions. */
export function reply(messages) {
  const results = messages.filter(({ role }) => role === "tool").map(({ content }) => JSON.parse(content));
  switch (results.length) {
    case 0:
      return toolCalls(messages, ["demo_calculator", { formula: "17 * 23" }]);
    case 1: {
      const [rightName] = results[0].errors[0].allowed;
      return toolCalls(messages, ["demo_calculator", { [rightName]: "17 * 23" }]);
    }
    case 2:
      return toolCalls(messages, ["demo_add", { a: results[1].result, b: 9 }], ["demo_greet", { name: "Ada" }]);
    default:
      return { role: "assistant", content: `${results[3].message} 17 * 23 + 9 is ${results[2].sum}.` };
  }
}

function toolCalls(messages, ...calls) {
  const tool_calls = calls.map(([name, args], number) => ({
    id: `call_${messages.length}_${number}`,
    type: "function",
    function: { name, arguments: JSON.stringify(args) },
  }));
  return { role: "assistant", content: null, tool_calls };
}
