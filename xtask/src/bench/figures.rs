//! The figures of one kind of step, read from lines of JSON, and the table of all.

use std::fmt;

/// Times and memory of one program.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Figures {
    seconds: Vec<f64>,
    peak_mib: f64,
}

/// One kind of step: ours, and the peer's where it was run.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row<'a> {
    pub(super) work: &'a str,
    pub(super) ours: Figures,
    pub(super) peer: Option<Figures>,
}

impl Figures {
    /// Adds what one process printed: `"seconds": [1.5, 1.25]` and `"peak_mib": 812.5` somewhere in an object.
    ///
    /// # Errors
    ///
    /// If either is missing.
    pub(super) fn add(&mut self, line: &str) -> Result<(), String> {
        let missing = |key: &str| format!("no {key} in `{line}`");
        let seconds = value(line, "seconds").ok_or_else(|| missing("seconds"))?;
        let seconds = seconds.strip_prefix('[').and_then(|rest| rest.split_once(']'));
        let (seconds, _) = seconds.ok_or_else(|| missing("seconds"))?;
        for second in seconds.split(',') {
            self.seconds.push(second.trim().parse().map_err(|_| missing("seconds"))?);
        }
        let peak = value(line, "peak_mib").ok_or_else(|| missing("peak_mib"))?;
        let peak = peak.split([',', '}']).next().unwrap_or_default().trim();
        let peak: f64 = peak.parse().map_err(|_| missing("peak_mib"))?;
        self.peak_mib = self.peak_mib.max(peak);
        Ok(())
    }

    /// The middle of the times; of an even number the mean of both in the middle.
    fn median(&self) -> f64 {
        let mut sorted = self.seconds.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        match sorted.len() % 2 {
            _ if sorted.is_empty() => f64::NAN,
            1 => sorted[middle],
            _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
        }
    }

    /// From the shortest to the longest.
    fn range(&self) -> (f64, f64) {
        let shortest = self.seconds.iter().copied().fold(f64::INFINITY, f64::min);
        (shortest, self.seconds.iter().copied().fold(0.0, f64::max))
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (shortest, longest) = self.range();
        let (median, count) = (self.median(), self.seconds.len());
        write!(f, "{median:.2} s ({shortest:.2}–{longest:.2}, {count})")
    }
}

impl fmt::Display for Row<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ours {}", self.ours)?;
        match &self.peer {
            Some(peer) => {
                write!(f, ", peer {peer}, {:.2} times", peer.median() / self.ours.median())
            }
            None => write!(f, ", peer not run"),
        }
    }
}

/// What stands behind a key.
fn value<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    let (_, rest) = line.split_once(&format!("\"{key}\""))?;
    Some(rest.trim_start().strip_prefix(':')?.trim_start())
}

/// The rows as Markdown.
pub(super) fn table(rows: &[Row<'_>]) -> String {
    let head = "\
| step | ours: median (shortest–longest, steps) | peak memory | peer | peak memory | times as fast | share of memory |
|---|---|---|---|---|---|---|
";
    let mib = |figures: &Figures| format!("{:.0} MiB", figures.peak_mib);
    let line = |Row { work, ours, peer }: &Row<'_>| {
        let rest = peer.as_ref().map_or("not run | | | ".to_owned(), |peer| {
            let faster = peer.median() / ours.median();
            let share = ours.peak_mib / peer.peak_mib;
            format!("{peer} | {} | {faster:.2} | {share:.2}", mib(peer))
        });
        format!("| {work} | {ours} | {} | {rest} |\n", mib(ours))
    };
    head.to_owned() + &rows.iter().map(line).collect::<String>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(lines: &[&str]) -> Figures {
        let mut figures = Figures::default();
        for line in lines {
            figures.add(line).expect("a line of figures");
        }
        figures
    }

    #[test]
    fn medians_are_over_all_processes_and_memory_is_the_most() {
        let ours = figures(&[
            r#"{"work":"sft","seconds":[3.5,1.0],"peak_mib":512.0}"#,
            r#"{"work": "sft", "seconds": [2.0], "peak_mib": 256.5}"#,
        ]);
        assert_eq!(ours.to_string(), "2.00 s (1.00–3.50, 3)");
        let peer = figures(&[r#"{"seconds":[7.0,5.0],"peak_mib":1024}"#]);
        let row = Row { work: "sft", ours, peer: Some(peer) };
        assert_eq!(
            row.to_string(),
            "ours 2.00 s (1.00–3.50, 3), peer 6.00 s (5.00–7.00, 2), 3.00 times"
        );
        let expected = "| sft | 2.00 s (1.00–3.50, 3) | 512 MiB | 6.00 s (5.00–7.00, 2) | 1024 MiB | 3.00 | 0.50 |";
        assert_eq!(table(&[row]).lines().last(), Some(expected));
    }

    #[test]
    fn a_peer_that_was_not_run_is_named_as_such() {
        let ours = figures(&[r#"{"seconds":[1.0],"peak_mib":2.0}"#]);
        let text = table(&[Row { work: "dpo", ours, peer: None }]);
        assert!(text.ends_with("| 2 MiB | not run | | |  |\n"), "{text}");
    }

    #[test]
    fn a_line_without_figures_is_an_error_that_shows_it() {
        let error = Figures::default().add("Traceback").expect_err("no figures");
        assert_eq!(error, "no seconds in `Traceback`");
    }
}
