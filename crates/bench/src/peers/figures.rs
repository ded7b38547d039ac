//! What a measurement wrote down: a figure on each line, with tabs between its name and its value.

use std::collections::HashMap;

use crate::table::median;

/// Figures by name; of those that were measured several times the median.
#[derive(Debug, Default)]
pub(super) struct Figures(HashMap<String, Vec<f64>>);

impl Figures {
    /// Reads lines of queue, figure, value, unit. Where there are three lines of one, the median's is taken.
    pub(super) fn read(text: &str) -> Self {
        let mut figures = Self::default();
        for line in text.lines() {
            let [_, name, value, _] = line.split('\t').collect::<Vec<_>>()[..] else { continue };
            if name.ends_with(".min") || name.ends_with(".max") {
                continue;
            }
            figures.add(name.strip_suffix(".med").unwrap_or(name), value);
        }
        figures
    }

    /// Reads lines of shape, options, figure, value.
    pub(super) fn read_raw(text: &str) -> Self {
        let mut figures = Self::default();
        for line in text.lines() {
            if let [shape, options, name, value] = line.split('\t').collect::<Vec<_>>()[..] {
                figures.add(&format!("{shape} {options} {name}"), value);
            }
        }
        figures
    }

    fn add(&mut self, name: &str, value: &str) {
        if let Some(value) = value.parse().ok().filter(|value: &f64| value.is_finite()) {
            self.0.entry(name.to_owned()).or_default().push(value);
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<f64> {
        median(self.0.get(name)?.iter().copied())
    }

    /// What all of these come to.
    pub(super) fn sum<S: AsRef<str>>(&self, names: &[S]) -> Option<f64> {
        names.iter().map(|name| self.get(name.as_ref())).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_the_rounds_is_read() {
        let text = "gw.batched\tdrain.net.min\t1\tjobs/s\ngw.batched\tdrain.net.med\t2\tjobs/s\n\
            gw.batched\tdrain.net.max\t9\tjobs/s\ngw.batched\tsteady2000.latency_p50\t4.5\tms\n\
            gw.batched\tidle.latency_p50\tnan\tms\n# a line that is no figure\n";
        let figures = Figures::read(text);
        assert_eq!(figures.get("drain.net"), Some(2.0));
        assert_eq!(figures.get("steady2000.latency_p50"), Some(4.5));
        assert_eq!(figures.get("idle.latency_p50"), None);
        assert_eq!(figures.0.len(), 2);
    }

    #[test]
    fn raw_figures_are_named_by_shape_and_options() {
        let text = "s2\t\trate\t100.5\ns2\t\trate\t200.5\ns2\tcopy10000\tenq\t7\n";
        let figures = Figures::read_raw(text);
        assert_eq!(figures.get("s2  rate"), Some(150.5));
        assert_eq!(figures.get("s2 copy10000 enq"), Some(7.0));
    }
}
