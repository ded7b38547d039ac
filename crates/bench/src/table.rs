//! Figures in columns.

/// Prints a line: the first cell to the left, the others to the right.
pub(crate) fn print(cells: &[String]) {
    println!("{}", line(cells));
}

fn line(cells: &[String]) -> String {
    let (first, others) =
        cells.split_first().map_or(("", cells), |(first, others)| (first, others));
    let others = others.iter().map(|cell| format!("{cell:>18}"));
    format!("{first:<28}{}", others.collect::<String>())
}

/// The middle one; of an even number the mean of the two in the middle. None of nothing.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    if values.len() % 2 == 1 {
        return Some(upper);
    }
    Some(f64::midpoint(values[values.len() / 2 - 1], upper))
}

/// A figure with so many decimals, or a dash where nothing was told.
pub(crate) fn cell(value: Option<f64>, decimals: usize) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.decimals$}"))
}

/// Whether a figure reaches its target, in words.
pub(crate) fn verdict(reached: bool) -> &'static str {
    if reached { "reached" } else { "missed" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median([3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median([]), None);
    }

    #[test]
    fn columns_stand_below_each_other() {
        let one = line(&["a".to_owned(), "1".to_owned()]);
        let two = line(&["long name".to_owned(), "–".to_owned()]);
        assert_eq!(one.chars().count(), two.chars().count());
    }
}
