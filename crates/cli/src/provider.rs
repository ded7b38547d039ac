//! `provider`: what is linked, and switching it on and off.

use mindflight_api::codes;
use mindflight_api::provider::{Provider, State};

use crate::access::{value, values};
use crate::connect::Session;
use crate::parser::remote::ProviderCommand;
use crate::{Column, Exit, Failure, Outcome, Output};

pub(crate) fn run(command: &ProviderCommand, session: &Session) -> Outcome {
    let providers = session.client.providers();
    match command {
        ProviderCommand::List => {
            let page = session.wait(providers.list())?;
            let columns = vec![
                Column::new("NAME", "name"),
                Column::new("STATE", "state"),
                Column::count("TOOLS", "tools"),
                Column::count("ROUTES", "routes"),
                Column::count("JOBS", "jobs"),
                Column::new("REASON", "reason"),
            ];
            Ok(Output::list(columns, values(&page.items)?, page.next))
        }
        ProviderCommand::Enable { name } => enabled(&session.wait(providers.enable(name))?),
        ProviderCommand::Disable { name } => disabled(&session.wait(providers.disable(name))?),
        // Both work on this machine, before there is a session.
        ProviderCommand::New(_) | ProviderCommand::Check(_) => Ok(Output::nothing()),
    }
}

/// Enabled is not yet serving: one that cannot be built, or lacks a setting, stays a failure.
fn enabled(provider: &Provider) -> Outcome {
    if provider.state == State::On {
        return Ok(Output::text(vec![format!("{} is on", provider.name)], value(provider)?));
    }
    let reason = provider.reason.as_deref().unwrap_or("the server gives no reason");
    let detail = format!("{} is enabled, but does not serve: {reason}", provider.name);
    Err(Failure::new(Exit::No, &codes::PROVIDER_UNAVAILABLE, detail)
        .fix("Correct what the reason names; `mindflight provider list` shows it."))
}

fn disabled(provider: &Provider) -> Outcome {
    if provider.state != State::On {
        return Ok(Output::text(vec![format!("{} is off", provider.name)], value(provider)?));
    }
    let detail = format!("{} was to be switched off, but still serves", provider.name);
    Err(Failure::new(Exit::Conflict, &codes::CONFLICT, detail))
}
