//! Near names, for callers who mistyped one.

/// Up to three of `known` that are most like `wanted`, best first.
pub fn nearest<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let wanted = wanted.to_ascii_lowercase();
    let likeness = |name: &str| {
        // A part of the name is as good a hint as a typo.
        let part = wanted.len() > 2 && name.contains(wanted.as_str());
        if part { 1.0 } else { strsim::normalized_damerau_levenshtein(&wanted, name) }
    };
    let mut rated: Vec<(f64, &str)> = known
        .into_iter()
        .map(|name| (likeness(name), name))
        .filter(|(like, _)| *like >= 0.6)
        .collect();
    rated.sort_by(|(a, x), (b, y)| b.total_cmp(a).then(x.cmp(y)));
    rated.truncate(3);
    rated.into_iter().map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typos_and_parts_find_their_name() {
        let known = ["demo_add", "demo_greet", "echo_say"];
        assert_eq!(nearest("demo_ad", known), ["demo_add"]);
        assert_eq!(nearest("greet", known), ["demo_greet"]);
        assert_eq!(nearest("ehco_say", known), ["echo_say"]);
        assert!(nearest("weather_now", known).is_empty());
    }
}
