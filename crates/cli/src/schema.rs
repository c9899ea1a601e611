//! `forethought schema`: the JSON schema of a kind of YAML file.

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use forethought_pipeline::{PipelineError, SchemaOf, schema};

use crate::commands::{Failure, print};

/// Prints the JSON schema of the YAML files, with every key, its meaning, its default and what it may be.
///
/// Editors with a YAML language server complete and check a file whose first line names the schema:
/// `# yaml-language-server: $schema=../pipeline.schema.json`.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  forethought schema > pipeline.schema.json
  forethought schema architecture > architecture.schema.json")]
pub(crate) struct SchemaArguments {
    /// The kind of file
    #[arg(value_enum, default_value_t = Kind::Pipeline)]
    kind: Kind,
}

/// A kind of YAML file.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    /// A pipeline: its stages and their settings
    Pipeline,
    /// The sizes of a model that is made from nothing
    Architecture,
}

pub(crate) fn run(arguments: &SchemaArguments) -> Result<ExitCode, Failure> {
    let schema = schema(match arguments.kind {
        Kind::Pipeline => SchemaOf::Pipeline,
        Kind::Architecture => SchemaOf::Architecture,
    });
    let text = serde_json::to_string_pretty(&schema).map_err(|source| {
        Failure::Pipeline(PipelineError::Json { place: "the schema".to_owned(), source })
    })?;
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}
