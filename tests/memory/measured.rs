//! What the stages of a run said of their memory.

use std::fmt;

/// What one stage said, in bytes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Measured {
    stage: String,
    planned: f64,
    /// The plan for the lengths that there were, where they were shorter than they might have been.
    for_lengths: Option<f64>,
    taken: f64,
}

impl Measured {
    /// What was taken as a share of what was planned for what there was.
    pub(crate) fn ratio(&self) -> f64 {
        self.taken / self.for_lengths.unwrap_or(self.planned)
    }
}

/// A line of a table.
impl fmt::Display for Measured {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = |bytes: f64| format!("{:.0} MB", bytes / 1e6);
        let for_lengths = self.for_lengths.map_or("the same".to_owned(), words);
        let (planned, taken) = (words(self.planned), words(self.taken));
        write!(
            formatter,
            "| {} | {planned} | {for_lengths} | {taken} | {:.2} |",
            self.stage,
            self.ratio()
        )
    }
}

/// The stages of a run that said both.
pub(crate) fn read(said: &str) -> Vec<Measured> {
    let mut stage = String::new();
    let mut found = Vec::new();
    for line in said.lines() {
        // `[3/9] sft`, then `      memory: 209 MB at most, 232 MB planned; 180 MB for the lengths that there were`
        if let Some((_, name)) = line.strip_prefix('[').and_then(|rest| rest.split_once("] ")) {
            name.split([':', ' ']).next().unwrap_or_default().clone_into(&mut stage);
        }
        let Some(text) = line.strip_prefix("      memory: ") else { continue };
        let Some((taken, rest)) = text.split_once(" at most, ") else { continue };
        let Some((planned, rest)) = rest.split_once(" planned") else { continue };
        let for_lengths = rest.strip_prefix("; ").and_then(bytes);
        if let (Some(taken), Some(planned)) = (bytes(taken), bytes(planned)) {
            found.push(Measured { stage: stage.clone(), planned, for_lengths, taken });
        }
    }
    found
}

/// The bytes that a text such as `1.2 GB for …` begins with.
fn bytes(text: &str) -> Option<f64> {
    let mut words = text.split(' ');
    let number: f64 = words.next()?.parse().ok()?;
    match words.next()? {
        "MB" => Some(number * 1e6),
        "GB" => Some(number * 1e9),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_are_read_with_what_they_planned_and_took() {
        let said = "[1/9] ingest: unchanged (0123)\n[6/9] sft\n      memory: up to 232 MB: program\n      \
                    memory: 209 MB at most, 232 MB planned\n[7/9] grpo\n      memory: 1.2 GB at most, 2.4 GB planned; \
                    1.0 GB for the lengths that there were\n";
        let rows = read(said);
        let lines: Vec<String> = rows.iter().map(ToString::to_string).collect();
        assert_eq!(lines[0], "| sft | 232 MB | the same | 209 MB | 0.90 |");
        assert_eq!(lines[1], "| grpo | 2400 MB | 1000 MB | 1200 MB | 1.20 |");
    }
}
