//! What can go wrong between a text and its ids.

use std::path::PathBuf;

use crate::TemplateError;

/// A tokenizer folder that cannot be used, or a text that cannot be encoded or decoded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenizeError {
    /// A required file is not there.
    #[error("{}: not found; a tokenizer folder holds {expected}", path.display())]
    Missing {
        /// Where the file was looked for.
        path: PathBuf,
        /// What should be there.
        expected: &'static str,
    },
    /// A file is there but cannot be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A file cannot be written.
    #[error("{}: cannot be written: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A file is not what its name says.
    #[error("{}: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What was found and what was expected, with line and column where the parser knows them.
        reason: String,
    },
    /// A regular expression of `tokenizer.json` does not compile.
    #[error("{}: the pattern `{pattern}` is not a regular expression: {reason}", path.display())]
    Pattern {
        /// The file.
        path: PathBuf,
        /// The pattern.
        pattern: String,
        /// What the regular expression engine said.
        reason: String,
    },
    /// The tokenizer failed on a text.
    #[error("{}: cannot encode the text that starts with {start:?}: {reason}{}", path.display(), named(patterns))]
    Encode {
        /// The tokenizer file.
        path: PathBuf,
        /// The first characters of the text.
        start: String,
        /// What the tokenizer said, or the message of its panic.
        reason: String,
        /// The regular expressions of the tokenizer, the usual suspects.
        patterns: Vec<String>,
    },
    /// The tokenizer failed on ids.
    #[error("{}: cannot decode {count} ids: {reason}", path.display())]
    Decode {
        /// The tokenizer file.
        path: PathBuf,
        /// How many ids there were.
        count: usize,
        /// What the tokenizer said.
        reason: String,
    },
    /// A chat template failed.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// A conversation was to be rendered, but there is no template.
    #[error(
        "{}: no chat template; it is read from chat_template.jinja, or from chat_template in tokenizer_config.json{}",
        folder.display(),
        listed(names)
    )]
    NoTemplate {
        /// The tokenizer folder.
        folder: PathBuf,
        /// The templates there are, under other names.
        names: Vec<String>,
    },
    /// A template without marks writes a turn otherwise when others follow, so that nobody can say which tokens of the
    /// whole text are the turn's.
    #[error(
        "{}: the chat template writes message {index} otherwise when others follow, as templates that leave out old \
         thoughts do; which tokens the assistant wrote can then only be told by {{% generation %}} marks in the template",
        folder.display()
    )]
    Turn {
        /// The tokenizer folder.
        folder: PathBuf,
        /// The message, counted from 0.
        index: usize,
    },
    /// A turn was to be ended, but no token ends one.
    #[error(
        "{}: no token ends a turn; it is read from eos_token in tokenizer_config.json, from eos_token_id in \
         generation_config.json, and from the chat template",
        folder.display()
    )]
    NoEos {
        /// The tokenizer folder.
        folder: PathBuf,
    },
}

fn named(patterns: &[String]) -> String {
    if patterns.is_empty() {
        return String::new();
    }
    format!("; its patterns are `{}`", patterns.join("`, `"))
}

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        return String::new();
    }
    format!("; there are others, named {}", names.join(", "))
}
