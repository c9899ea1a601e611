//! The files of one repository, all of one commit, from the cache or from the hub.

use std::path::{Path, PathBuf};

use hf_hub::api::sync::{Api, ApiBuilder, ApiError};
use hf_hub::{Cache, CacheRepo, Repo, RepoType};

use crate::checksum::{self, Mismatch};
use crate::variables::Access;
use crate::{Hub, HubError, HubName};

/// How often a download that breaks off is taken up again.
const RETRIES: usize = 5;

/// What errors call the names of all files.
pub(crate) const LISTING: &str = "list of files";

/// What a repository holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A model.
    Model,
    /// A data set.
    Dataset,
}

/// A repository at one commit.
#[derive(Debug)]
pub struct Repository<'a> {
    pub(crate) hub: &'a Hub,
    pub(crate) name: &'a HubName,
    kind: Kind,
    place: Place,
}

#[derive(Debug)]
enum Place {
    /// What the revision names now.
    Online { api: Box<Api>, commit: String },
    /// What the cache has.
    Offline,
}

impl Hub {
    /// A repository. Online, one request asks which commit the revision names, and every file comes from that commit;
    /// `probe` is a file to ask with, and what errors name.
    ///
    /// # Errors
    ///
    /// If the hub does not know the repository, refuses, or cannot be reached.
    pub fn open<'a>(
        &'a self,
        name: &'a HubName,
        kind: Kind,
        probe: &str,
    ) -> Result<Repository<'a>, HubError> {
        let mut repository = Repository { hub: self, name, kind, place: Place::Offline };
        if self.access == Access::Online {
            let api = self.api().map_err(|error| self.failure(name, probe, &error))?;
            let commit = repository.commit(&api, probe)?;
            repository.place = Place::Online { api: Box::new(api), commit };
        }
        Ok(repository)
    }

    fn api(&self) -> Result<Api, ApiError> {
        let builder = ApiBuilder::from_cache(Cache::new(self.cache.clone()));
        let builder = builder.with_endpoint(self.endpoint.clone()).with_token(self.token.clone());
        builder.with_retries(RETRIES).with_progress(true).build()
    }

    pub(crate) fn failure(&self, name: &HubName, file: &str, error: &ApiError) -> HubError {
        let (name, file, endpoint) = (name.clone(), file.to_owned(), self.endpoint.clone());
        match status(error) {
            Some(404) => HubError::NoFile { name, file, endpoint },
            Some(status @ (401 | 403)) => HubError::Refused { name, file, endpoint, status },
            _ => self.fetch_error(&name, &file, error.to_string()),
        }
    }

    pub(crate) fn fetch_error(&self, name: &HubName, file: &str, message: String) -> HubError {
        let (name, file, endpoint) = (name.clone(), file.to_owned(), self.endpoint.clone());
        // No message of the libraries below has the token in it; none of theirs to come shall.
        let message = match &self.token {
            Some(token) => message.replace(token, "…"),
            None => message,
        };
        HubError::Fetch { name, file, endpoint, message }
    }
}

fn status(error: &ApiError) -> Option<u16> {
    match error {
        ApiError::RequestError(error) => match error.as_ref() {
            ureq::Error::StatusCode(status) => Some(*status),
            _ => None,
        },
        ApiError::TooManyRetries(error) => status(error),
        _ => None,
    }
}

impl Repository<'_> {
    fn commit(&self, api: &Api, probe: &str) -> Result<String, HubError> {
        let failed = |error| self.hub.failure(self.name, probe, &error);
        let repository = api.repo(self.at(self.name.revision()));
        let commit = match self.kind {
            Kind::Model => {
                api.metadata(&repository.url(probe)).map_err(failed)?.commit_hash().to_owned()
            }
            Kind::Dataset => repository.info().map_err(|error| self.no_data_set(&error))?.sha,
        };
        // It becomes a folder of the cache.
        if commit.is_empty() || !commit.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            let message = format!("{commit:?} is no commit");
            return Err(self.hub.fetch_error(self.name, probe, message));
        }
        self.cached().create_ref(&commit).map_err(|error| {
            let message = format!("{}: {error}", self.hub.cache.display());
            self.hub.fetch_error(self.name, probe, message)
        })?;
        Ok(commit)
    }

    /// The error of a hub that does not list the files.
    fn no_data_set(&self, error: &ApiError) -> HubError {
        match status(error) {
            Some(404) => {
                let (name, endpoint) = (self.name.clone(), self.hub.endpoint.clone());
                HubError::NoDataSet { name, endpoint }
            }
            _ => self.hub.failure(self.name, LISTING, error),
        }
    }

    /// Where a file is now, if the repository has it; it is fetched if it is not there yet.
    ///
    /// # Errors
    ///
    /// If the hub refuses or cannot be reached, or what came is not what it announced.
    pub fn optional(&self, file: &str) -> Result<Option<PathBuf>, HubError> {
        let Place::Online { api, commit } = &self.place else { return Ok(self.in_cache(file)) };
        // A commit does not change, so what the cache has of it is right.
        let at_commit = self.at(commit);
        if let Some(path) = Cache::new(self.hub.cache.clone()).repo(at_commit.clone()).get(file) {
            return Ok(Some(path));
        }
        match api.repo(at_commit).download(file) {
            Ok(path) => self.checked(file, path).map(Some),
            Err(error) if status(&error) == Some(404) => Ok(None),
            Err(error) => Err(self.hub.failure(self.name, file, &error)),
        }
    }

    /// Where a file is now that the repository has to have.
    ///
    /// # Errors
    ///
    /// As [`Repository::optional`], and if it does not have it.
    pub fn file(&self, file: &str) -> Result<PathBuf, HubError> {
        self.optional(file)?.ok_or_else(|| self.missing(file))
    }

    /// The error that says that a file is missing.
    #[must_use]
    pub fn missing(&self, file: &str) -> HubError {
        let (name, file) = (self.name.clone(), file.to_owned());
        match &self.place {
            Place::Online { .. } => {
                HubError::NoFile { name, file, endpoint: self.hub.endpoint.clone() }
            }
            Place::Offline => HubError::Offline { name, file, cache: self.hub.cache.clone() },
        }
    }

    /// Whether the file is there without fetching it.
    #[must_use]
    pub fn has(&self, file: &str) -> bool {
        match &self.place {
            Place::Online { commit, .. } => {
                Cache::new(self.hub.cache.clone()).repo(self.at(commit)).get(file).is_some()
            }
            Place::Offline => self.in_cache(file).is_some(),
        }
    }

    /// The files of the repository: as the hub lists them, or as it did when it was last asked.
    pub(crate) fn list(&self) -> Result<Vec<String>, HubError> {
        let listing = self.listing();
        let Place::Online { api, commit } = &self.place else {
            let text = std::fs::read(&listing).map_err(|_| self.missing(LISTING))?;
            return serde_json::from_slice(&text).map_err(|error| {
                self.hub.fetch_error(self.name, &listing.display().to_string(), error.to_string())
            });
        };
        let info = api.repo(self.at(commit)).info();
        let info = info.map_err(|error| self.hub.failure(self.name, LISTING, &error))?;
        let mut files: Vec<String> = info.siblings.into_iter().map(|one| one.rfilename).collect();
        // Names become paths of the cache, so none may lead elsewhere.
        files.retain(|file| is_inside(file));
        files.sort();
        // Without it nothing is lost but the names of what is missing offline.
        let _ = serde_json::to_vec(&files).map(|text| std::fs::write(&listing, text));
        Ok(files)
    }

    /// Where the names of the files are kept, beside the snapshots.
    fn listing(&self) -> PathBuf {
        let folder = self.cached().pointer_path(self.name.revision());
        let folder = folder.parent().and_then(Path::parent).unwrap_or(Path::new("")).to_owned();
        folder.join(format!("files-{}.json", self.name.revision().replace('/', "--")))
    }

    /// Removes what is not what it should be.
    fn checked(&self, file: &str, path: PathBuf) -> Result<PathBuf, HubError> {
        let failed =
            |error: std::io::Error| self.hub.fetch_error(self.name, file, error.to_string());
        let blob = path.canonicalize().map_err(failed)?;
        let tag = blob.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some(Mismatch { algorithm, found, expected }) =
            checksum::check(&blob, &tag).map_err(failed)?
        else {
            return Ok(path);
        };
        std::fs::remove_file(&path).and_then(|()| std::fs::remove_file(&blob)).map_err(failed)?;
        let (name, file) = (self.name.clone(), file.to_owned());
        let message = format!("{algorithm} is {found}, but the hub says {expected}");
        Err(HubError::Checksum { name, file, message })
    }

    fn in_cache(&self, file: &str) -> Option<PathBuf> {
        // Python writes no reference for a revision that is a commit.
        let commit = self.cached().pointer_path(self.name.revision()).join(file);
        self.cached().get(file).or_else(|| commit.exists().then_some(commit))
    }

    fn cached(&self) -> CacheRepo {
        Cache::new(self.hub.cache.clone()).repo(self.at(self.name.revision()))
    }

    fn at(&self, revision: &str) -> Repo {
        let kind = match self.kind {
            Kind::Model => RepoType::Model,
            Kind::Dataset => RepoType::Dataset,
        };
        Repo::with_revision(self.name.repository().to_owned(), kind, revision.to_owned())
    }
}

/// Whether a path stays below the folder it starts from.
fn is_inside(file: &str) -> bool {
    let is_plain = |part: &str| !part.is_empty() && part != "." && part != "..";
    !file.contains('\\') && file.split('/').all(is_plain)
}
