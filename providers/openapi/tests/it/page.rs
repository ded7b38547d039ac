//! The configuration that the reference page shows.

use mindflight_core::Factory;
use provider_openapi::OpenApi;
use serde_json::Value;

#[test]
fn the_example_of_the_page_is_valid() {
    let page = include_str!("../../../../docs/providers/openapi.md");
    let blocks: Vec<&str> = page.split("```yaml\n").skip(1).collect();
    assert_eq!(blocks.len(), 1);
    let text = blocks[0].split("```").next().unwrap_or_default();
    let mut config: Value = serde_saphyr::from_str(text).expect("it is YAML");
    let sections = config["providers"].as_object_mut().expect("a mapping of providers");
    for section in sections.values_mut() {
        if let Some(settings) = section.as_object_mut() {
            settings.remove("provider");
        }
        assert_eq!(Factory::of::<OpenApi>().check(section), Ok(()));
    }
}
