//! JSON schemas of the YAML files, made from the config types, so that editors complete and check them.

use forethought_model::DecoderConfig;
use schemars::Schema;
use schemars::generate::SchemaSettings;

use crate::config::PipelineConfig;

/// A kind of YAML file that has a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchemaOf {
    /// A pipeline: what `configs/pipelines/NAME.yaml` holds.
    Pipeline,
    /// An architecture: what `model.scratch.architecture` names.
    Architecture,
}

/// The schema (JSON Schema 2020-12) of a kind of file. Descriptions and defaults are those of the config types.
#[must_use]
pub fn schema(of: SchemaOf) -> serde_json::Value {
    let generator = SchemaSettings::draft2020_12().for_deserialize().into_generator();
    let mut schema: Schema = match of {
        SchemaOf::Pipeline => generator.into_root_schema_for::<PipelineConfig>(),
        SchemaOf::Architecture => generator.into_root_schema_for::<DecoderConfig>(),
    };
    let title = match of {
        SchemaOf::Pipeline => "A pipeline of forethought",
        SchemaOf::Architecture => "The architecture of a model of forethought",
    };
    schema.insert("title".to_owned(), title.into());
    schema.to_value()
}
