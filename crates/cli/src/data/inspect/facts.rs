//! Facts about the rows of one file.

use std::collections::BTreeMap;

use forethought_dataset::{
    ClassNames, DatasetError, ExampleRows, Examples, FileLayout, NearDuplicates, count_duplicates,
};
use forethought_preference::Layout;
use forethought_schema::{Example, Record};
use forethought_tokenize::{Encoder, Ending};
use serde::Serialize;
use serde_json::Value;

/// Values of a field that are counted one by one; a field with more of them is no label.
const MAX_VALUES: usize = 20;

/// What is known about a file.
#[derive(Debug, Serialize)]
pub(super) struct FileFacts {
    pub(super) file: String,
    pub(super) layout: Layout,
    pub(super) description: String,
    pub(super) kind: &'static str,
    pub(super) why: String,
    pub(super) others: Vec<String>,
    pub(super) columns: Vec<String>,
    pub(super) num_rows: usize,
    pub(super) faults: Vec<Fault>,
    pub(super) num_duplicates: usize,
    pub(super) num_near_duplicates: usize,
    pub(super) near_threshold: f64,
    /// Rows in which a completion thinks between tags.
    pub(super) num_thinking: usize,
    /// How often each value of a field stands that has few of them; the label of a completion is `label`.
    pub(super) labels: BTreeMap<String, BTreeMap<String, usize>>,
    /// What the numbers of a column mean, as `datasets` says.
    pub(super) class_names: ClassNames,
    pub(super) lengths: Option<Lengths>,
    pub(super) samples: Vec<Sample>,
}

/// A row that is not what the shape says.
#[derive(Debug, Serialize)]
pub(super) struct Fault {
    pub(super) row: u64,
    pub(super) message: String,
}

/// A row as it is shown.
#[derive(Debug, Serialize)]
pub(super) struct Sample {
    pub(super) row: u64,
    pub(super) text: String,
}

/// How long sequences are, in tokens.
#[derive(Debug, Serialize)]
pub(super) struct Lengths {
    pub(super) num_sequences: usize,
    pub(super) whole: Quantiles,
    pub(super) learnt: Quantiles,
    /// Rows that the chat template refuses, and what it says of the first.
    pub(super) num_refused: usize,
    pub(super) refusal: Option<String>,
}

/// Some quantiles: the smallest value that so many of the values do not exceed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Quantiles {
    pub(super) p50: usize,
    pub(super) p90: usize,
    pub(super) p99: usize,
    pub(super) max: usize,
    pub(super) sum: usize,
}

impl Quantiles {
    fn of(mut values: Vec<usize>) -> Self {
        values.sort_unstable();
        let at = |percent: usize| {
            let rank = (values.len() * percent).div_ceil(100);
            values.get(rank.saturating_sub(1)).copied().unwrap_or(0)
        };
        Self { p50: at(50), p90: at(90), p99: at(99), max: at(100), sum: values.iter().sum() }
    }
}

impl Lengths {
    pub(super) fn of(
        rows: &mut ExampleRows,
        places: &[usize],
        encoder: &Encoder,
    ) -> Result<Self, DatasetError> {
        let (mut whole, mut learnt) = (Vec::new(), Vec::new());
        let (mut num_refused, mut refusal) = (0, None);
        for place in places {
            let row = rows.get(*place)?;
            match encoder.encode_example(&super::as_learnt(&row.example), Ending::AtEos) {
                Ok(encoded) => {
                    for one in encoded {
                        whole.push(one.ids.len());
                        let is_learnt = one.completion_mask.iter();
                        learnt.push(is_learnt.filter(|is_learnt| **is_learnt).count());
                    }
                }
                Err(error) => {
                    num_refused += 1;
                    refusal.get_or_insert_with(|| format!("row {}: {error}", row.row));
                }
            }
        }
        let num_sequences = whole.len();
        let (whole, learnt) = (Quantiles::of(whole), Quantiles::of(learnt));
        Ok(Self { num_sequences, whole, learnt, num_refused, refusal })
    }
}

impl FileFacts {
    /// What is known about a file of which the rows are in these places.
    pub(super) fn of(
        examples: &mut Examples,
        layout: &FileLayout,
        places: &[usize],
        near: &NearDuplicates,
    ) -> Result<Self, DatasetError> {
        let entries = examples.ledger.entries.iter();
        let entry = entries.filter(|entry| entry.file.as_str() == &*layout.file);
        let errors = entry.flat_map(|entry| &entry.row_errors);
        let faults = errors.map(|one| Fault { row: one.row, message: one.problem.to_string() });
        let faults = faults.collect();
        let (num_duplicates, num_near_duplicates) =
            count_duplicates(&mut examples.rows, places, near)?;
        let (mut num_thinking, mut labels) = (0, Labels::default());
        for place in places {
            let example = examples.rows.get(*place)?.example;
            num_thinking += usize::from(is_thinking(&example));
            labels.count(&example);
        }
        let recognised = &layout.recognised;
        Ok(Self {
            file: layout.file.to_string(),
            description: recognised.layout.describe(),
            kind: recognised.layout.kind().as_str(),
            layout: recognised.layout.clone(),
            why: recognised.why.clone(),
            others: recognised.others.clone(),
            columns: layout.columns.clone(),
            num_rows: places.len(),
            faults,
            num_duplicates,
            num_near_duplicates,
            near_threshold: near.threshold,
            num_thinking,
            labels: labels.few(),
            class_names: layout.class_names.clone(),
            lengths: None,
            samples: Vec::new(),
        })
    }
}

fn is_thinking(example: &Example) -> bool {
    let thinks = |text: &str| text.contains("<think>") || text.contains("</think>");
    match &example.record {
        Record::Text(text) => thinks(text),
        Record::Messages(turns) => {
            turns.iter().any(|turn| turn.reasoning_content.is_some() || thinks(&turn.content))
        }
        Record::PromptCompletion(one) => thinks(&one.completion),
        Record::Unpaired(one) => thinks(&one.completion),
        Record::Preference(pair) => thinks(&pair.chosen) || thinks(&pair.rejected),
        Record::Prompt(_) | Record::Exercise(_) => false,
    }
}

/// How often each value stands, of the label and of every other field that has few values.
#[derive(Debug, Default)]
struct Labels(BTreeMap<String, BTreeMap<String, usize>>);

impl Labels {
    fn count(&mut self, example: &Example) {
        if let Record::Unpaired(one) = &example.record {
            let values = self.0.entry("label".into()).or_default();
            *values.entry(one.label.to_string()).or_default() += 1;
        }
        for (name, value) in &example.extra {
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Array(_) | Value::Object(_) => continue,
                other => other.to_string(),
            };
            let values = self.0.entry(name.clone()).or_default();
            // One more than is shown says that there are too many.
            if values.len() <= MAX_VALUES || values.contains_key(&text) {
                *values.entry(text).or_default() += 1;
            }
        }
    }

    fn few(mut self) -> BTreeMap<String, BTreeMap<String, usize>> {
        self.0.retain(|_, values| values.len() <= MAX_VALUES);
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_occur() {
        let quantiles = Quantiles::of((1..=200).rev().collect());
        let expected = Quantiles { p50: 100, p90: 180, p99: 198, max: 200, sum: 20_100 };
        assert_eq!(quantiles, expected);
        assert_eq!(Quantiles::of(vec![7]).p99, 7);
        assert_eq!(Quantiles::of(Vec::new()).max, 0);
    }
}
