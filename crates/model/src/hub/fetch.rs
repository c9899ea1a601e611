//! The files of one model, all of one commit, from the cache or from the hub.

use std::path::{Path, PathBuf};

use hf_hub::api::sync::{Api, ApiBuilder, ApiError};
use hf_hub::{Cache, CacheRepo, Repo, RepoType};

use super::variables::Access;
use super::{Hub, HubError, HubName};
use crate::error::ModelError;
use crate::folder::{INDEX_FILE, WEIGHTS_FILE};
use crate::hf_config::CONFIG_FILE;
use crate::reading::is_plain;
use crate::saving::COMPANIONS;
use crate::weights::read_weight_map;

impl Hub {
    /// The folder of a model in the cache, with every file that [`load`](crate::load) and a tokenizer read. Files that
    /// are not there are fetched, all from the commit that the revision names now; pickles never are.
    ///
    /// # Errors
    ///
    /// If a file that is needed is neither in the cache nor to be had.
    pub fn fetch(&self, name: &HubName) -> Result<PathBuf, ModelError> {
        let source: Box<dyn Source> = match self.access {
            Access::Online => Box::new(self.online(name)?),
            Access::Offline => Box::new(Offline { hub: self, name, cached: self.cached(name) }),
        };
        let config = source.file(CONFIG_FILE)?;
        for file in COMPANIONS {
            source.optional(file)?;
        }
        if source.optional(WEIGHTS_FILE)?.is_none() {
            let index = source.optional(INDEX_FILE)?;
            // The single file is what most models have, so it is the one to miss.
            let Some(index) = index else { return Err(source.missing(WEIGHTS_FILE).into()) };
            fetch_shards(source.as_ref(), &index)?;
        }
        Ok(config.parent().unwrap_or(Path::new("")).to_owned())
    }

    fn online<'a>(&'a self, name: &'a HubName) -> Result<Online<'a>, HubError> {
        let builder = ApiBuilder::from_cache(Cache::new(self.cache.clone()));
        let builder = builder.with_endpoint(self.endpoint.clone()).with_token(self.token.clone());
        let failed = |error| self.failure(name, CONFIG_FILE, &error);
        let api = builder.with_progress(false).build().map_err(failed)?;
        let url = api.repo(repository(name, name.revision())).url(CONFIG_FILE);
        let commit = api.metadata(&url).map_err(failed)?.commit_hash().to_owned();
        // It becomes a folder of the cache.
        if commit.is_empty() || !commit.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            let message = format!("{commit:?} is no commit");
            return Err(self.fetch_error(name, CONFIG_FILE, message));
        }
        let unwritable = |error: std::io::Error| {
            self.fetch_error(name, CONFIG_FILE, format!("{}: {error}", self.cache.display()))
        };
        self.cached(name).create_ref(&commit).map_err(unwritable)?;
        Ok(Online { hub: self, name, api, commit })
    }

    fn cached(&self, name: &HubName) -> CacheRepo {
        Cache::new(self.cache.clone()).repo(repository(name, name.revision()))
    }

    fn failure(&self, name: &HubName, file: &str, error: &ApiError) -> HubError {
        let (name, file, endpoint) = (name.clone(), file.to_owned(), self.endpoint.clone());
        match status(error) {
            Some(404) => HubError::NoFile { name, file, endpoint },
            Some(status @ (401 | 403)) => HubError::Refused { name, file, endpoint, status },
            _ => self.fetch_error(&name, &file, error.to_string()),
        }
    }

    fn fetch_error(&self, name: &HubName, file: &str, message: String) -> HubError {
        let (name, file, endpoint) = (name.clone(), file.to_owned(), self.endpoint.clone());
        // No message of the libraries below has the token in it; none of theirs to come shall.
        let message = match &self.token {
            Some(token) => message.replace(token, "…"),
            None => message,
        };
        HubError::Fetch { name, file, endpoint, message }
    }
}

fn repository(name: &HubName, revision: &str) -> Repo {
    Repo::with_revision(name.repository().to_owned(), RepoType::Model, revision.to_owned())
}

fn status(error: &ApiError) -> Option<u16> {
    match error {
        ApiError::RequestError(error) => match error.as_ref() {
            ureq::Error::StatusCode(status) => Some(*status),
            _ => None,
        },
        _ => None,
    }
}

fn fetch_shards(source: &dyn Source, index: &Path) -> Result<(), ModelError> {
    for (tensor, file) in read_weight_map(index)? {
        if !is_plain(&file) {
            return Err(ModelError::OutsideFolder { path: index.to_owned(), tensor, file });
        }
        crate::reading::refuse_pickle(Path::new(&file))?;
        source.file(&file)?;
    }
    Ok(())
}

/// Where the files of one model come from.
trait Source {
    /// Where a file is now, if the model has it.
    fn optional(&self, file: &str) -> Result<Option<PathBuf>, HubError>;

    /// The error that says that a file is missing.
    fn missing(&self, file: &str) -> HubError;

    /// Where a file is now that the model has to have.
    fn file(&self, file: &str) -> Result<PathBuf, HubError> {
        self.optional(file)?.ok_or_else(|| self.missing(file))
    }
}

struct Online<'a> {
    hub: &'a Hub,
    name: &'a HubName,
    api: Api,
    commit: String,
}

impl Source for Online<'_> {
    fn optional(&self, file: &str) -> Result<Option<PathBuf>, HubError> {
        // A commit does not change, so what the cache has of it is right.
        match self.api.repo(repository(self.name, &self.commit)).get(file) {
            Ok(path) => Ok(Some(path)),
            Err(error) if status(&error) == Some(404) => Ok(None),
            Err(error) => Err(self.hub.failure(self.name, file, &error)),
        }
    }

    fn missing(&self, file: &str) -> HubError {
        let (name, endpoint) = (self.name.clone(), self.hub.endpoint.clone());
        HubError::NoFile { name, file: file.to_owned(), endpoint }
    }
}

struct Offline<'a> {
    hub: &'a Hub,
    name: &'a HubName,
    cached: CacheRepo,
}

impl Source for Offline<'_> {
    fn optional(&self, file: &str) -> Result<Option<PathBuf>, HubError> {
        // Python writes no reference for a revision that is a commit.
        let commit = self.cached.pointer_path(self.name.revision()).join(file);
        Ok(self.cached.get(file).or_else(|| commit.exists().then_some(commit)))
    }

    fn missing(&self, file: &str) -> HubError {
        let (name, cache) = (self.name.clone(), self.hub.cache.clone());
        HubError::Offline { name, file: file.to_owned(), cache }
    }
}
