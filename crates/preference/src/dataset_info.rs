//! LLaMA-Factory's index of data sets, `dataset_info.json`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Layout, LayoutError, Part, Shape, Tags};

/// The data sets of a folder by name, in the order of the index.
///
/// An entry is looked at when it is asked for: what is wrong with one, or made for a later LLaMA-Factory, is no obstacle to
/// the others, and is written as it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct DatasetInfo(Map<String, Value>);

/// The keys under which an entry says where its data set is.
const PLACES: [&str; 6] =
    ["file_name", "hf_hub_url", "ms_hub_url", "om_hub_url", "script_url", "cloud_file_name"];

/// One data set: its file and how its rows are laid out.
///
/// As in LLaMA-Factory, a column that `columns` does not name is not read, and a tag that `tags` does not name is not
/// known; only without the whole map do the usual names hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DatasetEntry {
    /// The file, beside the index.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_name: Option<String>,
    /// A repository of the Hugging Face hub.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hf_hub_url: Option<String>,
    /// A repository of `ModelScope`; not fetched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ms_hub_url: Option<String>,
    /// A repository of Modelers; not fetched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub om_hub_url: Option<String>,
    /// A loading script; never run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub script_url: Option<String>,
    /// A file in a cloud store; not fetched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cloud_file_name: Option<String>,
    /// SHA-1 of the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_sha1: Option<String>,
    /// The family of the shape.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub formatting: Option<Formatting>,
    /// Whether rows hold pairs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ranking: Option<bool>,
    /// A part of a repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subset: Option<String>,
    /// A split of a repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub split: Option<String>,
    /// A folder of a repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
    /// How many rows are drawn; where there are fewer, some are drawn again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub num_samples: Option<u64>,
    /// The columns by what they hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub columns: Option<BTreeMap<String, Option<String>>>,
    /// The words of turns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Tags>,
}

/// The families of shapes that LLaMA-Factory knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Formatting {
    /// One column for each text.
    #[default]
    Alpaca,
    /// One column of turns.
    Sharegpt,
    /// One column of turns in which tool calls are objects.
    Openai,
}

/// An index that is none, or an entry of which no layout can be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DatasetInfoError {
    /// The file is no JSON, or an entry no data set.
    #[error("{0}")]
    Json(String),
    /// A file of the same name that `datasets` keeps beside its data.
    #[error(
        "no index of LLaMA-Factory, whose entries say where a data set is: `{0}` does not. `datasets` keeps such a file \
         beside data of its own; name the folder"
    )]
    NoIndex(String),
    /// A column of something that rows of text do not have.
    #[error("columns: `{0}` is not read: rows are text here")]
    Media(String),
    /// A key that LLaMA-Factory does not know.
    #[error(
        "columns: no `{0}` in LLaMA-Factory; its keys are prompt, query, response, history, messages, system, tools, \
         chosen, rejected, kto_tag, images, videos, audios"
    )]
    NoSuchColumn(String),
    /// Columns that make no shape.
    #[error(transparent)]
    Layout(#[from] LayoutError),
}

impl DatasetInfo {
    /// Reads an index.
    ///
    /// # Errors
    ///
    /// If the text is no JSON object, or one of `datasets`.
    pub fn parse(text: &str) -> Result<Self, DatasetInfoError> {
        let entries: Map<String, Value> = serde_json::from_str(text)
            .map_err(|error| DatasetInfoError::Json(error.to_string()))?;
        let names_a_place = |entry: &Value| {
            PLACES.iter().any(|place| entry.get(place).is_some_and(Value::is_string))
        };
        let stranger = entries.iter().find(|(_, entry)| !entry.is_object());
        match stranger.or_else(|| entries.iter().next()) {
            Some((key, _)) if stranger.is_some() || !entries.values().any(names_a_place) => {
                Err(DatasetInfoError::NoIndex(key.clone()))
            }
            _ => Ok(Self(entries)),
        }
    }

    /// The names of the data sets.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The entry of a data set, where there is one.
    ///
    /// # Errors
    ///
    /// If the entry has keys or values that are not known.
    pub fn entry(&self, name: &str) -> Result<Option<DatasetEntry>, DatasetInfoError> {
        let entry = self.0.get(name).map(DatasetEntry::deserialize).transpose();
        entry.map_err(|error| DatasetInfoError::Json(error.to_string()))
    }

    /// The file of a data set, whatever else its entry says.
    #[must_use]
    pub fn file_of(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.get("file_name")?.as_str()
    }

    /// Adds a data set, or replaces the one of its name.
    ///
    /// # Errors
    ///
    /// If the entry cannot be written as JSON.
    pub fn insert(&mut self, name: &str, entry: &DatasetEntry) -> Result<(), DatasetInfoError> {
        let entry = serde_json::to_value(entry)
            .map_err(|error| DatasetInfoError::Json(error.to_string()))?;
        self.0.insert(name.to_owned(), entry);
        Ok(())
    }
}

impl DatasetEntry {
    /// How the rows are laid out.
    ///
    /// # Errors
    ///
    /// If a column is of something that has no text, or unknown, or one is missing.
    pub fn layout(&self) -> Result<Layout, DatasetInfoError> {
        let formatting = self.formatting.unwrap_or_default();
        let named = self.named_columns(formatting)?;
        let shape = self.shape(formatting, &named);
        let columns = if shape == Shape::Text {
            named.into_values().map(|column| (Part::Text, column)).take(1).collect()
        } else {
            parts_of(shape, named)
        };
        let tags = (formatting != Formatting::Alpaca).then(|| self.tags.clone()).flatten();
        Ok(Layout::exact(shape, columns, tags)?)
    }

    /// The entry of a file in this layout, with only those of its columns that rows have.
    #[must_use]
    pub fn of(layout: &Layout, file_name: String, is_used: impl Fn(&str) -> bool) -> Self {
        let shape = layout.shape();
        let columns = layout.columns().iter().filter(|(_, column)| is_used(column));
        let column = |(part, column): (&Part, &String)| {
            let key = if *part == Part::Text { Part::Prompt.name() } else { part.name() };
            (key, Some(column.clone()))
        };
        let is_ranking =
            matches!(shape, Shape::AlpacaRanking | Shape::SharegptRanking | Shape::OpenaiRanking);
        Self {
            file_name: Some(file_name),
            formatting: shape.is_sharegpt().then_some(Formatting::Sharegpt),
            ranking: is_ranking.then_some(true),
            columns: Some(columns.map(column).collect()),
            tags: shape.is_sharegpt().then(|| layout.tags().clone()),
            ..Self::default()
        }
    }

    /// The columns of the map, or LLaMA-Factory's own.
    fn named_columns(
        &self,
        formatting: Formatting,
    ) -> Result<BTreeMap<Part, String>, DatasetInfoError> {
        let Some(columns) = &self.columns else {
            let usual =
                [(Part::Prompt, "instruction"), (Part::Query, "input"), (Part::Response, "output")];
            let usual: &[(Part, &str)] = match formatting {
                Formatting::Alpaca => &usual,
                _ => &[(Part::Messages, "conversations")],
            };
            return Ok(usual.iter().map(|(part, column)| (*part, (*column).to_owned())).collect());
        };
        let mut named = BTreeMap::new();
        for (key, column) in columns {
            let Some(column) = column else { continue };
            named.insert(part_of(key)?, column.clone());
        }
        Ok(named)
    }

    /// LLaMA-Factory looks for a label first, then for a ranking, then for an answer.
    fn shape(&self, formatting: Formatting, named: &BTreeMap<Part, String>) -> Shape {
        let is_kto = named.contains_key(&Part::KtoTag);
        let is_ranking = self.ranking == Some(true);
        let is_openai = self.tags.as_ref().is_some_and(|tags| tags.role_tag == "role");
        match (formatting, is_kto, is_ranking) {
            (Formatting::Alpaca, true, _) => Shape::AlpacaKto,
            (Formatting::Alpaca, _, true) => Shape::AlpacaRanking,
            (Formatting::Alpaca, ..) if !named.contains_key(&Part::Response) => Shape::Text,
            (Formatting::Alpaca, ..) => Shape::Alpaca,
            (Formatting::Sharegpt, true, _) if !is_openai => Shape::SharegptKto,
            (Formatting::Sharegpt, _, true) if !is_openai => Shape::SharegptRanking,
            (Formatting::Sharegpt, ..) if !is_openai => Shape::Sharegpt,
            (_, true, _) => Shape::OpenaiKto,
            (_, _, true) => Shape::OpenaiRanking,
            _ => Shape::Openai,
        }
    }
}

/// The columns that a shape has a use for: LLaMA-Factory passes over the others without a word.
fn parts_of(shape: Shape, named: BTreeMap<Part, String>) -> BTreeMap<Part, String> {
    let has = |part: &Part| shape.parts().iter().any(|of| of.part == *part);
    named.into_iter().filter(|(part, _)| has(part)).collect()
}

fn part_of(key: &str) -> Result<Part, DatasetInfoError> {
    match key {
        "prompt" => Ok(Part::Prompt),
        "query" => Ok(Part::Query),
        "response" => Ok(Part::Response),
        "history" => Ok(Part::History),
        "messages" => Ok(Part::Messages),
        "system" => Ok(Part::System),
        "tools" => Ok(Part::Tools),
        "chosen" => Ok(Part::Chosen),
        "rejected" => Ok(Part::Rejected),
        "kto_tag" => Ok(Part::KtoTag),
        "images" | "videos" | "audios" => Err(DatasetInfoError::Media(key.to_owned())),
        other => Err(DatasetInfoError::NoSuchColumn(other.to_owned())),
    }
}
