//! The command provider as its callers meet it, with real programs.

mod arguments;
mod ending;
mod output;
mod programs;
mod settings;

use mindflight_testkit::contract_tests;
use provider_command::Command;
use serde_json::json;

contract_tests!(
    Command,
    config = json!({"tools": {
        "say": {
            "about": "Says a word some times. Use it to try the provider.",
            "program": "echo",
            "args": [["{loud?}", "-e"], "{word}", ["times", "{times}"]],
            "parameters": {
                "word": {"description": "What to say."},
                "times": {"type": "integer", "description": "How often.", "required": false, "min": 1},
                "loud": {"type": "boolean", "description": "Whether to shout.", "required": false},
            },
            "read_only": true,
        },
        "copy": {
            "about": "Gives back what it is sent.",
            "program": "/bin/cat",
            "stdin": "{text}",
            "parameters": {"text": {"description": "What to give back."}},
        },
    }})
);
