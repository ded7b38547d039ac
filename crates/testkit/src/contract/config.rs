//! Configuration: what is wrong with it is said by name.

use mindflight_core::{Factory, Provider};
use serde_json::{Value, json};

use super::Subject;

/// A setting that no provider has.
const UNKNOWN: &str = "no_such_setting_anywhere";

/// A misspelled setting is an error that names it, and not silence.
pub fn an_unknown_setting_is_refused_by_name<P: Provider>(subject: &Subject) {
    let factory = Factory::of::<P>();
    let good = factory.check(&subject.config);
    assert!(good.is_ok(), "the test's own configuration: {good:?}");
    let free_keys = factory
        .config_schema()
        .get("additionalProperties")
        .is_some_and(|more| *more != json!(false));
    if free_keys {
        return;
    }
    let mut config = subject.config.clone();
    config[UNKNOWN] = json!(true);
    let mistakes = factory.check(&config).err().unwrap_or_default();
    let named = mistakes.iter().any(|mistake| mistake.path == UNKNOWN);
    assert!(named, "an unknown setting is not refused: {mistakes:?}");
}

/// A required setting that is not there is named, so that operators know what to set.
pub fn a_missing_setting_is_named<P: Provider>(subject: &Subject) {
    let factory = Factory::of::<P>();
    let schema = factory.config_schema();
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    for name in required.iter().filter_map(Value::as_str) {
        let mut config = subject.config.clone();
        if let Some(settings) = config.as_object_mut() {
            settings.remove(name);
        }
        let mistakes = factory.check(&config).err().unwrap_or_default();
        let named = mistakes.iter().any(|mistake| mistake.path == name && mistake.missing);
        assert!(named, "without `{name}`: {mistakes:?}");
    }
}
