//! Why a request brought no answer, and whether that may pass.

use std::time::Duration;

use serde_json::Value;

/// Why a request brought no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It may pass.
    Passing {
        /// What happened.
        what: String,
        /// When the endpoint says that it will have passed.
        after: Option<Duration>,
    },
    /// This request is refused; others may not be.
    Refused(String),
    /// What was asked for is not there.
    Missing(String),
    /// It will not pass.
    Final(String),
}

impl Fault {
    /// A body that is broken off or no JSON: the next one may be whole.
    #[must_use]
    pub fn broken(error: &serde_json::Error) -> Self {
        let what = format!("the answer is broken off or no JSON: {error}");
        Self::Passing { what, after: None }
    }

    /// The same fault with its text changed.
    #[must_use]
    pub(crate) fn map(self, change: impl FnOnce(String) -> String) -> Self {
        match self {
            Self::Passing { what, after } => Self::Passing { what: change(what), after },
            Self::Refused(what) => Self::Refused(change(what)),
            Self::Missing(what) => Self::Missing(change(what)),
            Self::Final(what) => Self::Final(change(what)),
        }
    }
}

/// What a response with this status means.
pub(crate) fn judge(status: u16, after: Option<Duration>, body: Vec<u8>) -> Result<Vec<u8>, Fault> {
    let said = |advice: &str| format!("status {status}: {}{advice}", complaint(&body));
    match status {
        200..=299 => Ok(body),
        408 | 425 | 429 | 500..=599 => Err(Fault::Passing { what: said(""), after }),
        400 | 413 | 422 => Err(Fault::Refused(said(""))),
        401 | 403 => Err(Fault::Final(said("; is the key right, and is api_key_env set?"))),
        404 => {
            Err(Fault::Missing(said("; is the url right up to /v1, and does it serve this model?")))
        }
        _ => Err(Fault::Final(said(""))),
    }
}

/// What an error of the connection means.
pub(crate) fn of_connection(error: &ureq::Error) -> Fault {
    use ureq::Error;
    let what = error.to_string();
    match error {
        Error::Io(_)
        | Error::Timeout(_)
        | Error::HostNotFound
        | Error::ConnectionFailed
        | Error::Protocol(_) => Fault::Passing { what, after: None },
        Error::BodyExceedsLimit(_) => Fault::Refused(what),
        _ => Fault::Final(what),
    }
}

/// What an endpoint says is wrong: its message where it has the usual shape, else the beginning of what it sent.
fn complaint(body: &[u8]) -> String {
    let value: Option<Value> = serde_json::from_slice(body).ok();
    let said = value.as_ref().and_then(|value| {
        let error = &value["error"];
        error["message"]
            .as_str()
            .or(error.as_str())
            .or(value["message"].as_str())
            .or(value["detail"].as_str())
    });
    match said {
        Some(message) => excerpt(message),
        None => excerpt(&String::from_utf8_lossy(body)),
    }
}

/// The beginning of a text on one line, for a message.
#[must_use]
pub fn excerpt(text: &str) -> String {
    const MOST: usize = 300;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MOST) {
        Some((end, _)) => format!("{} …", &line[..end]),
        None if line.is_empty() => "nothing".to_owned(),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints_are_short() {
        assert_eq!(complaint(br#"{"error": {"message": "too long"}}"#), "too long");
        assert_eq!(complaint(br#"{"detail": "Not Found"}"#), "Not Found");
        assert_eq!(complaint(b"<html>\n Bad  Gateway"), "<html> Bad Gateway");
        assert_eq!(complaint(b""), "nothing");
        assert_eq!(complaint("x".repeat(5000).as_bytes()).chars().count(), 302);
    }

    #[test]
    fn a_status_says_whether_it_may_pass() {
        let fault = |status| judge(status, None, b"no".to_vec()).expect_err("no success");
        let passing = |what: &str| Fault::Passing { what: what.to_owned(), after: None };
        assert_eq!(fault(503), passing("status 503: no"));
        assert_eq!(fault(429), passing("status 429: no"));
        assert_eq!(fault(422), Fault::Refused("status 422: no".to_owned()));
        assert!(matches!(fault(404), Fault::Missing(_)));
        assert!(matches!((fault(401), fault(302)), (Fault::Final(_), Fault::Final(_))));
        assert_eq!(judge(204, None, Vec::new()), Ok(Vec::new()));
    }
}
