//! Secrets are taken out of whatever is written or shown.

use serde_json::Value;

const PLACEHOLDER: &str = "[redacted]";
/// Parts of the names of environment variables and query parameters that hold secrets.
const NAMES: [&str; 6] = ["token", "secret", "password", "passwd", "api_key", "apikey"];
/// What tokens of well-known services start with.
const PREFIXES: [&str; 5] = ["hf_", "sk-", "ghp_", "github_pat_", "xoxb-"];
/// Shorter values of variables are left alone: they would blot out words.
const LEAST_LENGTH: usize = 8;

/// The text without values of environment variables such as `HF_TOKEN`, without tokens of well-known services, and without
/// passwords and tokens in URLs.
#[must_use]
pub fn redact(text: &str) -> String {
    let mut variables = Vec::new();
    for (name, value) in std::env::vars_os() {
        if let (Some(name), Some(value)) = (name.to_str(), value.to_str()) {
            variables.push((name.to_owned(), value.to_owned()));
        }
    }
    redact_with(text, &variables)
}

fn redact_with(text: &str, variables: &[(String, String)]) -> String {
    let is_secret = |(name, value): &&(String, String)| {
        is_secret_name(name) && value.len() >= LEAST_LENGTH && !value.starts_with('/')
    };
    let hidden = variables
        .iter()
        .filter(is_secret)
        .fold(text.to_owned(), |text, (_, value)| text.replace(value.as_str(), PLACEHOLDER));
    let mut clean = String::with_capacity(hidden.len());
    let mut is_value = false;
    for piece in hidden.split_inclusive(is_separator) {
        let (text, end) = piece.split_at(piece.trim_end_matches(is_separator).len());
        if is_value && !text.is_empty() {
            clean.push_str(PLACEHOLDER);
        } else {
            clean.push_str(&word(text));
        }
        // `JUDGE_TOKEN: value`, as YAML gives variables to other programs.
        is_value = is_secret_variable(text) || (is_value && text.is_empty());
        clean.push_str(end);
    }
    clean
}

/// Whether a word is the name of a secret variable in capital letters, and a value follows.
fn is_secret_variable(word: &str) -> bool {
    let is_capital = |one: char| one.is_ascii_uppercase() || one.is_ascii_digit() || one == '_';
    word.strip_suffix(':').is_some_and(|name| is_secret_name(name) && name.chars().all(is_capital))
}

/// The map in which settings give variables to other programs.
const ENVIRONMENT: &str = "environment";

/// Takes the values of secret variables out of settings that give variables to other programs.
pub(crate) fn redact_environments(settings: &mut Value) {
    match settings {
        Value::Object(map) => {
            if let Some(Value::Object(variables)) = map.get_mut(ENVIRONMENT) {
                let secret = variables.iter_mut().filter(|(name, _)| is_secret_name(name));
                secret.for_each(|(_, value)| *value = PLACEHOLDER.into());
            }
            map.values_mut().for_each(redact_environments);
        }
        Value::Array(list) => list.iter_mut().for_each(redact_environments),
        _ => {}
    }
}

fn is_secret_name(name: &str) -> bool {
    let name = name.to_lowercase();
    NAMES.iter().any(|part| name.contains(part))
}

/// What words end at. `=` and `&` separate the parameters of a URL.
fn is_separator(one: char) -> bool {
    one.is_whitespace() || "\"'`,;()[]{}<>&".contains(one)
}

/// One word: a token, a `name=value`, a URL with a password, or something harmless.
fn word(word: &str) -> String {
    if let Some((name, value)) = word.split_once('=') {
        let last = name.rsplit(['?', '.', '-']).next().unwrap_or_default();
        // A number is a setting, such as `max_new_tokens`.
        if is_secret_name(last) && !value.is_empty() && value.parse::<f64>().is_err() {
            return format!("{}={PLACEHOLDER}", self::word(name));
        }
        return format!("{}={}", self::word(name), self::word(value));
    }
    if is_token(word) {
        return PLACEHOLDER.to_owned();
    }
    match word.split_once("://") {
        Some((scheme, rest)) => {
            let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            match host.rsplit_once('@') {
                Some((_, host)) => format!("{scheme}://{PLACEHOLDER}@{host}{path}"),
                None => word.to_owned(),
            }
        }
        None => word.to_owned(),
    }
}

fn is_token(word: &str) -> bool {
    let is_plain = |one: char| one.is_ascii_alphanumeric() || one == '_' || one == '-';
    let rest = PREFIXES.iter().find_map(|prefix| word.strip_prefix(prefix));
    rest.is_some_and(|rest| rest.len() >= 16 && rest.chars().all(is_plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clean(text: &str) -> String {
        let variables =
            [("HF_TOKEN", "canary-1234"), ("HOME", "/places/canary"), ("MY_TOKEN", "x")];
        redact_with(text, &variables.map(|(name, value)| (name.to_owned(), value.to_owned())))
    }

    #[test]
    fn values_of_secret_variables_are_hidden_wherever_they_stand() {
        assert_eq!(clean("a canary-1234, b"), "a [redacted], b");
        assert_eq!(clean("path=/x/canary-1234/y"), "path=/x/[redacted]/y");
        assert_eq!(clean("/places/canary x"), "/places/canary x", "no secret");
    }

    #[test]
    fn tokens_and_passwords_are_hidden_without_being_known() {
        assert_eq!(clean("use hf_abcdefghijklmnopqrst now"), "use [redacted] now");
        assert_eq!(clean("https://me:pass@host/a?b=1"), "https://[redacted]@host/a?b=1");
        assert_eq!(clean("https://host/a?token=abc&b=1"), "https://host/a?token=[redacted]&b=1");
        assert_eq!(clean("server.api_key=abc"), "server.api_key=[redacted]");
        assert_eq!(clean("{A_TOKEN: \"abc\", MODE: x}"), "{A_TOKEN: \"[redacted]\", MODE: x}");
        let both = clean("https://me:pass@host/a?token=abc");
        assert_eq!(both, "https://[redacted]@host/a?token=[redacted]");
    }

    #[test]
    fn variables_for_other_programs_lose_their_secrets_and_nothing_else_does() {
        let mut settings = serde_json::json!({"grpo": {"rewards": [{"process": {
            "command": ["judge"], "environment": {"JUDGE_TOKEN": "canary", "JUDGE_MODE": "strict"},
        }}], "token": "a token of a text"}});
        redact_environments(&mut settings);
        let process = &settings["grpo"]["rewards"][0]["process"];
        assert_eq!(process["environment"]["JUDGE_TOKEN"], PLACEHOLDER);
        assert_eq!(process["environment"]["JUDGE_MODE"], "strict");
        assert_eq!(settings["grpo"]["token"], "a token of a text");
    }

    #[test]
    fn everything_else_stays_as_it_is() {
        for text in [
            "sft.training.learning_rate=1e-3",
            "hf_hub and sk-learn",
            "tokens: 12\nmax_tokens: {a: [1, 2]}",
            "mail@example.org",
            "sampling.max_new_tokens=20",
            "weights of 12/6/3 at https://host/path",
        ] {
            assert_eq!(clean(text), text);
        }
    }
}
