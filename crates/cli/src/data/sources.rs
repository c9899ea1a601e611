//! Which files, and what is said about their rows.

use std::collections::BTreeMap;
use std::path::Path;

use clap::Args;
use forethought_dataset::{Format, MixConfig, Source};
use forethought_pipeline::{Document, PipelineError};
use forethought_preference::{DatasetInfo, DatasetInfoError, Part, Shape, Tags};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::commands::Failure;

/// Files of one shape.
#[derive(Clone, Debug, Args)]
pub(crate) struct Sources {
    /// Files, patterns, folders, a `dataset_info.json` of LLaMA-Factory, or owner/name on the hub
    #[arg(value_name = "PATH", required_unless_present = "mix")]
    paths: Vec<String>,
    /// A YAML file with several sources and how they are mixed, instead of paths
    #[arg(long, value_name = "FILE", conflicts_with = "paths")]
    mix: Option<std::path::PathBuf>,
    /// The shape of the rows [default: the one that the columns tell]
    #[arg(long, value_parser = shape, help_heading = "Rows")]
    shape: Option<Shape>,
    /// The column of a part of the shape: chosen=better; may be given several times
    #[arg(long = "column", value_name = "PART=COLUMN", value_parser = pair, help_heading = "Rows")]
    columns: Vec<(String, String)>,
    /// A word of turns under a key of LLaMA-Factory's tags: `role_tag=role`; those not given are not known
    #[arg(long = "tag", value_name = "TAG=WORD", value_parser = pair, help_heading = "Rows")]
    tags: Vec<(String, String)>,
    /// The data set of a `dataset_info.json`, or a configuration on the hub [default: the only one]
    #[arg(long, value_name = "NAME", help_heading = "Rows")]
    dataset: Option<String>,
    /// Take the rows for which this is true, in polars' SQL over the columns: "length(prompt) < 500 AND score > 0.5"
    #[arg(long = "where", value_name = "CONDITION", help_heading = "Rows")]
    filter: Option<String>,
    /// The format of the files [default: their extension tells it]
    #[arg(long, value_parser = from_name::<Format>, help_heading = "Rows")]
    format: Option<Format>,
    /// The split, where a folder or a data set of the hub holds several
    #[arg(long, value_name = "SPLIT", help_heading = "Rows")]
    split: Option<String>,
}

/// A mix, and the file that describes it, where it is one.
pub(crate) struct Described {
    pub(crate) mix: MixConfig,
    document: Option<Document>,
}

impl Described {
    /// What was done with the mix; an error that another setting would mend has the line of that setting.
    pub(crate) fn placed<T>(&self, done: Result<T, Failure>) -> Result<T, Failure> {
        done.map_err(|failure| match (failure, &self.document) {
            (Failure::Pipeline(error), Some(document)) => error.in_document(document).into(),
            (failure, _) => failure,
        })
    }
}

impl Sources {
    /// The source that the options describe, or those of the file of a mix.
    pub(crate) fn read(&self) -> Result<Described, Failure> {
        let Some(path) = &self.mix else {
            let mix = MixConfig::of(vec![self.source()?]);
            mix.check().map_err(|error| Failure::Usage(error.to_string()))?;
            return Ok(Described { mix, document: None });
        };
        let document = Document::read(path, &[]).map_err(PipelineError::from)?;
        let mix = document.to_config::<MixConfig>().map_err(PipelineError::from)?;
        if let Some((key, error)) = mix.problems().into_iter().next() {
            return Err(PipelineError::from(document.error(&key, error.to_string())).into());
        }
        Ok(Described { mix, document: Some(document) })
    }

    /// The source that the options describe.
    fn source(&self) -> Result<Source, Failure> {
        let mut columns = BTreeMap::new();
        for (part, column) in &self.columns {
            let part = from_name::<Part>(part)
                .map_err(|error| Failure::Usage(format!("--column {part}={column}: {error}")))?;
            columns.insert(part, column.clone());
        }
        Ok(Source {
            path: self.paths.iter().map(|path| index_of(path)).collect(),
            format: self.format.unwrap_or_default(),
            split: self.split.clone(),
            dataset: self.dataset.clone(),
            shape: self.shape,
            columns,
            tags: self.tags()?,
            filter: self.filter.clone(),
            ..Source::default()
        })
    }

    fn tags(&self) -> Result<Option<Tags>, Failure> {
        if self.tags.is_empty() {
            return Ok(None);
        }
        let pairs = self.tags.iter().map(|(tag, word)| (tag.clone(), Value::from(word.as_str())));
        let tags = serde_json::from_value(Value::Object(pairs.collect()));
        tags.map(Some).map_err(|error| Failure::Usage(format!("--tag: {error}")))
    }
}

/// A folder with an index of LLaMA-Factory is meant by it.
fn index_of(path: &str) -> String {
    let index = Path::new(path).join("dataset_info.json");
    let text = std::fs::read_to_string(&index).unwrap_or_default();
    // `datasets` keeps a file of this name beside its own data.
    let is_other = matches!(DatasetInfo::parse(&text), Err(DatasetInfoError::NoIndex(_)));
    let is_saved = Path::new(path).join("state.json").exists();
    let is_meant = index.is_file() && !is_other && !is_saved;
    if is_meant { index.display().to_string() } else { path.to_owned() }
}

/// A shape by its name.
pub(crate) fn shape(name: &str) -> Result<Shape, String> {
    let names = || Shape::ALL.map(Shape::name).join(", ");
    Shape::named(name).ok_or_else(|| format!("no such shape; there are: {}", names()))
}

/// A value by the name that YAML gives it.
pub(crate) fn from_name<T: DeserializeOwned>(name: &str) -> Result<T, String> {
    serde_json::from_value(Value::from(name)).map_err(|error| error.to_string())
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("expected KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}
