//! The files of one model, all of one commit.

use std::path::{Path, PathBuf};

use forethought_hub::{Hub, HubName, Kind, Repository};

use crate::error::ModelError;
use crate::folder::{INDEX_FILE, WEIGHTS_FILE};
use crate::hf_config::CONFIG_FILE;
use crate::reading::is_plain;
use crate::saving::COMPANIONS;
use crate::weights::read_weight_map;

/// The folder of a model in the cache, with every file that [`load`](crate::load) and a tokenizer read. Files that are
/// not there are fetched, all from the commit that the revision names now; pickles never are.
///
/// # Errors
///
/// If a file that is needed is neither in the cache nor to be had.
pub fn fetch_model(hub: &Hub, name: &HubName) -> Result<PathBuf, ModelError> {
    let repository = hub.open(name, Kind::Model, CONFIG_FILE)?;
    let config = repository.file(CONFIG_FILE)?;
    for file in COMPANIONS {
        repository.optional(file)?;
    }
    if repository.optional(WEIGHTS_FILE)?.is_none() {
        let index = repository.optional(INDEX_FILE)?;
        // The single file is what most models have, so it is the one to miss.
        let Some(index) = index else { return Err(repository.missing(WEIGHTS_FILE).into()) };
        fetch_shards(&repository, &index)?;
    }
    Ok(config.parent().unwrap_or(Path::new("")).to_owned())
}

fn fetch_shards(repository: &Repository<'_>, index: &Path) -> Result<(), ModelError> {
    for (tensor, file) in read_weight_map(index)? {
        if !is_plain(&file) {
            return Err(ModelError::OutsideFolder { path: index.to_owned(), tensor, file });
        }
        crate::reading::refuse_pickle(Path::new(&file))?;
        repository.file(&file)?;
    }
    Ok(())
}
