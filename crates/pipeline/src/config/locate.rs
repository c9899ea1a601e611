//! Where each key of a YAML text stands, so that an error can name its line.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser, Span};

/// The lines of a YAML document by path, and the keys that stand twice.
///
/// A path is the chain of keys and indices from the root: `stages.4.sft.learning_rate`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Locations {
    lines: BTreeMap<String, usize>,
    /// Path of each repeated key, with the lines of the first and of the repeated occurrence.
    pub(crate) duplicates: Vec<(String, usize, usize)>,
    /// The line on which the document is nested deeper than any config is; nothing behind it was read.
    pub(crate) too_deep: Option<usize>,
}

/// Levels of maps and lists in each other that a config may have.
pub(crate) const MAX_DEPTH: usize = 64;

/// A mapping or sequence that is being read.
enum Level {
    Mapping { path: String, key: Option<String> },
    Sequence { path: String, next_index: usize },
}

/// The line on which more brackets are open than any config has. The parser looks ahead for the end of each, which takes
/// the square of their number.
fn open_brackets(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (index, line) in text.lines().enumerate() {
        for byte in line.bytes() {
            match byte {
                b'[' | b'{' => depth += 1,
                b']' | b'}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            // Texts may hold brackets of their own.
            if depth > 4 * MAX_DEPTH {
                return Some(index + 1);
            }
        }
    }
    None
}

impl Locations {
    /// Reads the positions; what the parser cannot read has none, and `serde_yaml` reports it with its own line.
    pub(crate) fn of(text: &str) -> Self {
        let mut locations = Self { too_deep: open_brackets(text), ..Self::default() };
        if locations.too_deep.is_some() {
            return locations;
        }
        let mut levels = Vec::new();
        for event in Parser::new_from_str(text) {
            let Ok((event, span)) = event else { break };
            locations.take(&event, span, &mut levels);
            if levels.len() > MAX_DEPTH {
                locations.too_deep = Some(span.start.line());
                break;
            }
        }
        locations
    }

    /// The line of the path, or of the nearest path above it that has one.
    pub(crate) fn line(&self, path: &str) -> Option<usize> {
        let mut path = path;
        loop {
            if let Some(line) = self.lines.get(path) {
                return Some(*line);
            }
            path = path.rsplit_once('.')?.0;
        }
    }

    fn take(&mut self, event: &Event<'_>, span: Span, levels: &mut Vec<Level>) {
        match event {
            Event::Scalar(text, ..) if expects_key(levels) => self.take_key(text, span, levels),
            Event::Scalar(..) | Event::Alias(_) => {
                self.take_value(span, levels);
            }
            Event::MappingStart(..) => {
                let path = self.take_value(span, levels);
                levels.push(Level::Mapping { path, key: None });
            }
            Event::SequenceStart(..) => {
                let path = self.take_value(span, levels);
                levels.push(Level::Sequence { path, next_index: 0 });
            }
            Event::MappingEnd | Event::SequenceEnd => {
                levels.pop();
            }
            _ => {}
        }
    }

    /// Notes the line of a key; its value follows.
    fn take_key(&mut self, text: &str, span: Span, levels: &mut [Level]) {
        let Some(Level::Mapping { path, key }) = levels.last_mut() else { return };
        let full = join(path, text);
        *key = Some(text.to_owned());
        let line = span.start.line();
        if let Some(first) = self.lines.insert(full.clone(), line) {
            self.duplicates.push((full, first, line));
        }
    }

    /// The path of the value that starts here; items of sequences get their line here, values of keys have the key's.
    fn take_value(&mut self, span: Span, levels: &mut [Level]) -> String {
        match levels.last_mut() {
            None => String::new(),
            Some(Level::Mapping { path, key }) => join(path, &key.take().unwrap_or_default()),
            Some(Level::Sequence { path, next_index }) => {
                let full = join(path, &next_index.to_string());
                *next_index += 1;
                self.lines.insert(full.clone(), span.start.line());
                full
            }
        }
    }
}

fn expects_key(levels: &[Level]) -> bool {
    matches!(levels.last(), Some(Level::Mapping { key: None, .. }))
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "name: think\nstages:\n  - ingest:\n      sources:\n        - path: a\n  - sft:\n      rate: 1\n      rate: 2\n";

    #[test]
    fn keys_and_items_have_the_line_they_start_on() {
        let locations = Locations::of(TEXT);
        assert_eq!(locations.line("name"), Some(1));
        assert_eq!(locations.line("stages.0.ingest.sources.0.path"), Some(5));
        assert_eq!(locations.line("stages.1"), Some(6));
        assert_eq!(locations.line("stages.1.sft.rate"), Some(8));
    }

    #[test]
    fn an_absent_key_has_the_line_of_what_should_hold_it() {
        assert_eq!(Locations::of(TEXT).line("stages.1.sft.beta"), Some(6));
        assert_eq!(Locations::of(TEXT).line("sead"), None);
    }

    #[test]
    fn repeated_keys_are_listed_with_both_lines() {
        assert_eq!(Locations::of(TEXT).duplicates, [("stages.1.sft.rate".to_owned(), 7, 8)]);
    }
}
