//! The figures of all rounds: their medians, beside what the best of the others did where that is known.

use crate::table::{cell, median};

/// When the others were measured, and where.
const PEERS: &str = "measured 2026-11-21 on this class of machine";

/// The figures, in the order in which they first came.
#[derive(Default)]
pub(crate) struct Sheet(Vec<Figure>);

struct Figure {
    name: String,
    decimals: usize,
    values: Vec<f64>,
    /// What the best of the others did, each at the figure where it is best.
    peer: Option<f64>,
}

impl Sheet {
    /// Takes down a figure, and prints it at once; one that the system does not tell is left out.
    pub(crate) fn add(&mut self, name: &str, decimals: usize, value: Option<f64>) {
        self.beside(name, decimals, value, None);
    }

    /// The same, for a figure that others have too.
    pub(crate) fn beside(
        &mut self,
        name: &str,
        decimals: usize,
        value: Option<f64>,
        peer: Option<f64>,
    ) {
        let Some(value) = value else { return };
        println!("  {name:<66}{:>12}", cell(Some(value), decimals));
        match self.0.iter_mut().find(|figure| figure.name == name) {
            Some(figure) => figure.values.push(value),
            None => {
                let name = name.to_owned();
                self.0.push(Figure { name, decimals, values: vec![value], peer });
            }
        }
    }

    /// The median of a figure.
    pub(crate) fn median(&self, name: &str) -> Option<f64> {
        let figure = self.0.iter().find(|figure| figure.name == name)?;
        median(figure.values.iter().copied())
    }

    /// Prints the medians.
    pub(crate) fn print(&self) {
        let has_peers = self.0.iter().any(|figure| figure.peer.is_some());
        let columns = if has_peers { 5 } else { 3 };
        let head = ["min", "median", "max", "best peer*", "ratio"].map(str::to_owned);
        println!("\n{}", line("medians over the rounds", &head[..columns]));
        for figure in &self.0 {
            let values = &figure.values;
            let middle = median(values.iter().copied());
            let lowest = values.iter().copied().reduce(f64::min);
            let highest = values.iter().copied().reduce(f64::max);
            let ratio = middle.zip(figure.peer).map(|(ours, theirs)| ours / theirs);
            let cells = [
                cell(lowest, figure.decimals),
                cell(middle, figure.decimals),
                cell(highest, figure.decimals),
                cell(figure.peer, figure.decimals),
                cell(ratio, 2),
            ];
            println!("{}", line(&figure.name, &cells[..columns]));
        }
        if has_peers {
            println!(
                "* the best figure of five other queues, each in its best configuration; {PEERS}"
            );
        }
    }
}

fn line(first: &str, others: &[String]) -> String {
    let others = others.iter().map(|cell| format!("{cell:>12}"));
    format!("{first:<68}{}", others.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_of_several_rounds_has_one_line_and_a_median() {
        let mut sheet = Sheet::default();
        for value in [3.0, 1.0, 2.0] {
            sheet.add("a", 0, Some(value));
        }
        sheet.add("b", 0, None);
        assert_eq!(sheet.0.len(), 1);
        assert_eq!(sheet.median("a"), Some(2.0));
        assert_eq!(sheet.median("b"), None);
    }

    #[test]
    fn columns_stand_below_each_other() {
        let cells = ["1".to_owned(), "–".to_owned()];
        assert_eq!(
            line("a", &cells).chars().count(),
            line("a longer name", &cells).chars().count()
        );
    }
}
