//! Names on the hub.

use std::fmt;
use std::str::FromStr;

use crate::HubError;

/// A repository of the hub: `owner/name`, and behind an `@` a branch, tag or commit (`main` if there is none).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubName {
    repository: String,
    revision: String,
}

impl HubName {
    /// `owner/name`.
    #[must_use]
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// Branch, tag or commit.
    #[must_use]
    pub fn revision(&self) -> &str {
        &self.revision
    }
}

impl fmt::Display for HubName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}@{}", self.repository, self.revision)
    }
}

impl FromStr for HubName {
    type Err = HubError;

    fn from_str(text: &str) -> Result<Self, HubError> {
        let (repository, revision) = text.split_once('@').unwrap_or((text, "main"));
        let parts: Vec<&str> = repository.split('/').collect();
        let is_valid = parts.len() == 2
            && parts.iter().all(|part| is_word(part))
            && revision.split('/').all(is_word);
        if !is_valid {
            return Err(HubError::Name(text.to_owned()));
        }
        Ok(Self { repository: repository.to_owned(), revision: revision.to_owned() })
    }
}

/// Names become folders of the cache, so none may lead elsewhere.
fn is_word(part: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    !part.is_empty() && !part.starts_with('.') && !part.contains("..") && part.bytes().all(is_plain)
}

/// Where data sets lie, for programs that read paths.
const SCHEME: &str = "hf://datasets/";

/// Files of a data set on the hub: `hf://datasets/owner/name@revision/pattern`, as pandas, polars and `DuckDB` write it, or
/// its name alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubPath {
    /// The data set.
    pub name: HubName,
    /// A file of it, or a pattern; none means its data files.
    pub pattern: Option<String>,
}

impl HubPath {
    /// What a text names, if it is written as a path on the hub.
    ///
    /// # Errors
    ///
    /// If it begins with `hf://datasets/` and no name follows.
    pub fn parse(text: &str) -> Result<Option<Self>, HubError> {
        let Some(rest) = text.strip_prefix(SCHEME) else {
            return Ok(text.parse().ok().map(|name| Self { name, pattern: None }));
        };
        // A revision may have slashes only where no pattern follows it.
        let mut parts = rest.splitn(3, '/');
        let (owner, name) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let name =
            format!("{owner}/{name}").parse().map_err(|_| HubError::Name(text.to_owned()))?;
        let pattern = parts.next().filter(|pattern| !pattern.is_empty()).map(str::to_owned);
        Ok(Some(Self { name, pattern }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_an_owner_a_name_and_a_revision_and_leads_nowhere_else() {
        let parse = |text: &str| text.parse::<HubName>().map(|name| name.to_string());
        assert_eq!(parse("Qwen/Qwen2.5-0.5B").expect("valid"), "Qwen/Qwen2.5-0.5B@main");
        assert_eq!(parse("a/b@refs/pr/1").expect("valid"), "a/b@refs/pr/1");
        for text in ["gpt2", "a/b/c", "../b", "a/..", "a/b@..", "a/b@", "/b", "a b/c", "a/b@x/../y"]
        {
            let message = parse(text).expect_err(text).to_string();
            assert_eq!(
                message,
                format!("{text:?} is no name on the hub: owner/name, or owner/name@revision")
            );
        }
    }

    #[test]
    fn a_path_is_a_name_or_files_of_a_data_set() {
        let parse = |text: &str| HubPath::parse(text).expect("valid");
        let path = parse("hf://datasets/openai/gsm8k@v1/main/*.parquet").expect("a path");
        assert_eq!(
            (path.name.to_string().as_str(), path.pattern.as_deref()),
            ("openai/gsm8k@v1", Some("main/*.parquet"))
        );
        assert_eq!(parse("openai/gsm8k").map(|path| path.pattern), Some(None));
        assert_eq!(parse("traces/a/b.jsonl"), None);
        assert!(HubPath::parse("hf://datasets/gsm8k").is_err());
    }
}
