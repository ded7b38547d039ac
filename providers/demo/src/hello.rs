//! Greetings: one as a tool, one as a route.

use std::sync::Arc;

use mindflight_core::{Context, Request, Response, Result, Routes, Tools, respond};

use crate::Demo;

pub(crate) fn tools(t: &mut Tools<Demo>) {
    t.add("greet", "Greets one person by name.", Demo::greet).read_only();
}

pub(crate) fn routes(r: &mut Routes<Demo>) {
    r.get("/hello", Demo::hello);
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Person {
    /// Whom to greet.
    #[schemars(length(min = 1, max = 200))]
    name: String,
}

/// A greeting.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct Greeting {
    /// The whole sentence.
    message: String,
}

impl Demo {
    async fn greet(self: Arc<Self>, _cx: Context, person: Person) -> Result<Greeting> {
        let message = format!("Hello, {}!", person.name);
        Ok(Greeting { message })
    }

    async fn hello(self: Arc<Self>, _cx: Context, _request: Request) -> Result<Response> {
        let message = "hello from demo".to_owned();
        respond::json(&Greeting { message })
    }
}
