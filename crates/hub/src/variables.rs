//! Where the hub and its cache are, as the environment says it.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::HubError;

/// The hub, and the cache of what was fetched from it. Its token is never shown.
#[derive(Clone)]
pub struct Hub {
    pub(crate) cache: PathBuf,
    pub(crate) endpoint: String,
    pub(crate) token: Option<String>,
    pub(crate) access: Access,
}

/// Whether files may be fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Online,
    Offline,
}

impl Hub {
    /// The hub of the environment's variables.
    ///
    /// # Errors
    ///
    /// If neither a cache nor a home folder is named.
    pub fn from_env() -> Result<Self, HubError> {
        Self::from_variables(|name| std::env::var(name).ok())
    }

    /// The hub of these variables: `HF_HOME`, `HF_HUB_CACHE`, `HF_ENDPOINT`, `HF_TOKEN`, `HF_HUB_OFFLINE` and `HOME`, as
    /// Python's `huggingface_hub` reads them. An empty value counts as none.
    ///
    /// # Errors
    ///
    /// If neither a cache nor a home folder is named.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Self, HubError> {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let own = set("HF_HOME").map(PathBuf::from);
        let home = own.or_else(|| Some(Path::new(&set("HOME")?).join(".cache/huggingface")));
        let hub = home.as_ref().map(|home| home.join("hub"));
        let cache = set("HF_HUB_CACHE").map(PathBuf::from).or(hub).ok_or(HubError::NoCache)?;
        // The cache links from one of its folders to another, which needs whole paths.
        let cache = std::path::absolute(&cache).unwrap_or(cache);
        let endpoint = set("HF_ENDPOINT").unwrap_or_else(|| "https://huggingface.co".to_owned());
        let stored = || std::fs::read_to_string(home?.join("token")).ok();
        let token = set("HF_TOKEN").or_else(stored).map(|token| token.trim().to_owned());
        let offline = set("HF_HUB_OFFLINE").unwrap_or_default().to_lowercase();
        let is_offline = ["1", "on", "yes", "true"].contains(&offline.as_str());
        Ok(Self {
            cache,
            endpoint: endpoint.trim_end_matches('/').to_owned(),
            token: token.filter(|token| !token.is_empty()),
            access: if is_offline { Access::Offline } else { Access::Online },
        })
    }
}

impl Hub {
    /// Whether nothing may be fetched.
    #[must_use]
    pub fn is_offline(&self) -> bool {
        self.access == Access::Offline
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cache, endpoint, token, access } = self;
        let token = token.as_ref().map(|_| "…");
        formatter
            .debug_struct("Hub")
            .field("cache", cache)
            .field("endpoint", endpoint)
            .field("token", &token)
            .field("access", access)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hub(variables: &[(&str, &str)]) -> Result<Hub, HubError> {
        let find = |name: &str| variables.iter().find(|(known, _)| *known == name);
        Hub::from_variables(|name| find(name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn variables_mean_what_they_mean_to_python() {
        let plain = hub(&[("HOME", "/people/me")]).expect("a cache");
        assert_eq!(plain.cache, Path::new("/people/me/.cache/huggingface/hub"));
        assert_eq!(
            (plain.endpoint.as_str(), plain.access),
            ("https://huggingface.co", Access::Online)
        );
        assert_eq!(plain.token, None);
        let set = [
            ("HF_HOME", "/models"),
            ("HF_ENDPOINT", "http://127.0.0.1:1/"),
            ("HF_TOKEN", "secret\n"),
            ("HF_HUB_OFFLINE", "ON"),
        ];
        let own = hub(&set).expect("a cache");
        assert_eq!(own.cache, Path::new("/models/hub"));
        assert_eq!((own.endpoint.as_str(), own.access), ("http://127.0.0.1:1", Access::Offline));
        assert_eq!(own.token.as_deref(), Some("secret"));
        let cache = hub(&[("HF_HOME", "/models"), ("HF_HUB_CACHE", "/cache")]).expect("a cache");
        assert_eq!(cache.cache, Path::new("/cache"));
        assert!(matches!(hub(&[("HOME", "")]), Err(HubError::NoCache)));
    }

    #[test]
    fn the_token_is_read_from_the_home_of_the_hub_and_never_shown() {
        let home = tempfile::tempdir().expect("a folder");
        std::fs::write(home.path().join("token"), "hf_stored\n").expect("written");
        let path = home.path().to_string_lossy();
        let hub = hub(&[("HF_HOME", &path)]).expect("a cache");
        assert_eq!(hub.token.as_deref(), Some("hf_stored"));
        assert!(!format!("{hub:?}").contains("hf_stored"));
    }
}
