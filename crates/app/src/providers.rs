//! The providers that are part of this binary. A crate that is not named here is not linked.

use provider_command as _;
use provider_demo as _;
use provider_echo as _;
use provider_filesystem as _;
use provider_http as _;
use provider_openapi as _;
use provider_template_example as _;

#[cfg(test)]
mod tests {
    use mindflight_core::Registry;

    #[test]
    fn these_providers_are_linked_and_no_others() {
        let registry = Registry::linked().unwrap();
        let ids: Vec<&str> = registry.iter().map(|factory| factory.id).collect();
        assert_eq!(
            ids,
            ["command", "demo", "echo", "filesystem", "http", "openapi", "template_example"]
        );
    }
}
