//! Secrets are taken out of whatever is written or shown: this is the one place that says what a secret is.
//!
//! What is known to be one is hidden wherever it stands: values of environment variables such as `HF_TOKEN`, and what a config
//! gives to other programs under the name of a secret. What looks like one is hidden where it stands (`patterns`).

mod patterns;

use std::collections::BTreeSet;
use std::sync::{PoisonError, RwLock};

use serde_json::Value;

use patterns::{hide, is_secret_name, is_secret_option};

const PLACEHOLDER: &str = "[redacted]";
/// Shorter values are left alone where no name stands before them: they would blot out words.
const LEAST_LENGTH: usize = 8;
/// The map in which settings give variables to other programs.
const ENVIRONMENT: &str = "environment";

/// Secrets of the configs that this process has read. They show up far from their config, such as in what a program says that
/// was given one.
static KNOWN: RwLock<BTreeSet<String>> = RwLock::new(BTreeSet::new());

/// The text without values of environment variables such as `HF_TOKEN`, without secrets of configs that were read, without
/// tokens of well-known services, and without what stands where secrets do: passwords and parameters of addresses, options
/// such as `--api-key`, headers, and variables.
#[must_use]
pub fn redact(text: &str) -> String {
    let mut known: Vec<String> =
        of_environment(std::env::vars_os().filter_map(|(name, value)| {
            Some((name.to_str()?.to_owned(), value.to_str()?.to_owned()))
        }));
    known.extend(KNOWN.read().unwrap_or_else(PoisonError::into_inner).iter().cloned());
    redact_with(text, known)
}

/// The values of variables that hold secrets.
fn of_environment(variables: impl Iterator<Item = (String, String)>) -> Vec<String> {
    let is_secret = |(name, value): &(String, String)| {
        is_secret_name(name) && value.len() >= LEAST_LENGTH && !value.starts_with('/')
    };
    variables.filter(is_secret).map(|(_, value)| value).collect()
}

fn redact_with(text: &str, mut known: Vec<String>) -> String {
    // One may be part of another.
    known.sort_by_key(|value| std::cmp::Reverse(value.len()));
    let hidden = known.iter().fold(text.to_owned(), |text, value| text.replace(value, PLACEHOLDER));
    hide(&hidden, &mut |_| {})
}

/// The words of a command line without its secrets; one may stand in the word behind its option.
pub(crate) fn redact_words(words: &[String]) -> Vec<String> {
    let word = |(index, word): (usize, &String)| {
        if is_behind_option(words, index) { PLACEHOLDER.to_owned() } else { redact(word) }
    };
    words.iter().enumerate().map(word).collect()
}

/// Whether a word is what the option before it is set to, and that is a secret.
fn is_behind_option(words: &[String], index: usize) -> bool {
    let option = index.checked_sub(1).and_then(|before| words.get(before));
    option.is_some_and(|option| is_secret_option(option))
        && words.get(index).is_some_and(|word| !word.starts_with("--"))
}

/// The list as words, where it is one of texts.
fn as_words(list: &[Value]) -> Option<Vec<String>> {
    list.iter().map(|one| one.as_str().map(str::to_owned)).collect()
}

/// Takes the secrets out of settings.
pub(crate) fn redact_settings(settings: &mut Value) {
    match settings {
        Value::Object(map) => {
            if let Some(Value::Object(variables)) = map.get_mut(ENVIRONMENT) {
                let secret = variables.iter_mut().filter(|(name, _)| is_secret_name(name));
                secret.for_each(|(_, value)| *value = PLACEHOLDER.into());
            }
            map.values_mut().for_each(redact_settings);
        }
        Value::Array(list) => match as_words(list) {
            Some(words) => *list = redact_words(&words).into_iter().map(Value::from).collect(),
            None => list.iter_mut().for_each(redact_settings),
        },
        Value::String(text) => *text = redact(text),
        _ => {}
    }
}

/// Keeps in mind what is secret in these settings, so that it is hidden wherever it shows up.
pub(crate) fn remember(settings: &Value) {
    let mut found = BTreeSet::new();
    collect(settings, &mut |value| {
        found.insert(value.to_owned());
    });
    // A word of a language, such as the name of a column, is none that could be hidden everywhere.
    found.retain(|value| {
        let is_word = value.chars().all(char::is_lowercase);
        let is_hidden = value.contains(PLACEHOLDER);
        value.len() >= LEAST_LENGTH && !value.starts_with('/') && !is_word && !is_hidden
    });
    KNOWN.write().unwrap_or_else(PoisonError::into_inner).append(&mut found);
}

fn collect(settings: &Value, found: &mut dyn FnMut(&str)) {
    match settings {
        Value::Object(map) => {
            if let Some(Value::Object(variables)) = map.get(ENVIRONMENT) {
                let secret = variables.iter().filter(|(name, _)| is_secret_name(name));
                secret.filter_map(|(_, value)| value.as_str()).for_each(&mut *found);
            }
            map.values().for_each(|value| collect(value, found));
        }
        Value::Array(list) => {
            let words = as_words(list).unwrap_or_default();
            let secret = (0..words.len()).filter(|index| is_behind_option(&words, *index));
            secret.for_each(|index| found(&words[index]));
            for value in list {
                collect(value, found);
            }
        }
        Value::String(text) => {
            hide(text, found);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clean(text: &str) -> String {
        let variables = [
            ("HF_TOKEN", "canary-1234"),
            ("JUDGE_KEY", "canary-12345"),
            ("HOME", "/places/canary"),
            ("MY_TOKEN", "x"),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        redact_with(text, of_environment(variables.into_iter()))
    }

    #[test]
    fn values_of_secret_variables_are_hidden_wherever_they_stand() {
        assert_eq!(clean("a canary-1234, b"), "a [redacted], b");
        assert_eq!(clean("path=/x/canary-1234/y"), "path=/x/[redacted]/y");
        assert_eq!(clean("a canary-12345, b"), "a [redacted], b", "one begins like another");
        assert_eq!(clean("/places/canary x"), "/places/canary x", "no secret");
    }

    #[test]
    fn passwords_and_parameters_of_addresses_are_hidden_without_being_known() {
        for (text, expected) in [
            ("https://me:pass@host/a?b=1", "https://[redacted]@host/a?b=1"),
            ("open https:/me:pass@host/a", "open https:/[redacted]@host/a"),
            ("https://host/a?token=abc&b=1", "https://host/a?token=[redacted]&b=1"),
            ("(https://host/a?key=abc)", "(https://host/a?key=[redacted])"),
            ("https://host/a?b=1&sig=a%2Bc%3D", "https://host/a?b=1&sig=[redacted]"),
            (
                "'https://h/?X-Amz-Signature=0123abcd&X-Amz-Date=1'",
                "'https://h/?X-Amz-Signature=[redacted]&X-Amz-Date=1'",
            ),
            ("https://h/?apiKey=abc,def b", "https://h/?apiKey=[redacted] b"),
            ("https://me:pass@host/a?token=abc", "https://[redacted]@host/a?token=[redacted]"),
        ] {
            assert_eq!(clean(text), expected);
        }
    }

    #[test]
    fn options_headers_variables_and_tokens_are_hidden_without_being_known() {
        for (text, expected) in [
            ("use hf_abcdefghijklmnopqrst now", "use [redacted] now"),
            ("server.api_key=abc", "server.api_key=[redacted]"),
            ("judge --api-key abc --mode x", "judge --api-key [redacted] --mode x"),
            ("judge --api-key=abc --mode x", "judge --api-key=[redacted] --mode x"),
            (r#"["judge","--token","a b"]"#, r#"["judge","--token","[redacted]"]"#),
            ("[judge, --api-key, abc]", "[judge, --api-key, [redacted]]"),
            ("- judge\n- --api-key\n- abc\n", "- judge\n- --api-key\n- [redacted]\n"),
            ("curl -H 'X: Bearer abcdefgh'", "curl -H 'X: Bearer [redacted]'"),
            ("Authorization: Basic YTpi", "Authorization: Basic [redacted]"),
            ("{A_TOKEN: \"abc\", MODE: x}", "{A_TOKEN: \"[redacted]\", MODE: x}"),
            ("X_KEY=abc run", "X_KEY=[redacted] run"),
            ("environment: {x_key: abc}", "environment: {x_key: [redacted]}"),
        ] {
            assert_eq!(clean(text), expected);
            assert_eq!(clean(expected), expected, "hiding twice hides no more");
        }
    }

    #[test]
    fn settings_lose_their_secrets_and_nothing_else() {
        let mut settings = serde_json::json!({"grpo": {"rewards": [{"process": {
            "command": ["judge", "--api-key", "canary of words", "--mode=fast", "--token=canary"],
            "environment": {"JUDGE_TOKEN": "canary", "X_KEY": "canary", "JUDGE_MODE": "strict"},
        }}, {"http": {"url": "http://host/?key=canary"}}], "token": "a token of a text"}});
        redact_settings(&mut settings);
        let expected = serde_json::json!({"grpo": {"rewards": [{"process": {
            "command": ["judge", "--api-key", PLACEHOLDER, "--mode=fast", "--token=[redacted]"],
            "environment": {"JUDGE_TOKEN": PLACEHOLDER, "X_KEY": PLACEHOLDER, "JUDGE_MODE": "strict"},
        }}, {"http": {"url": "http://host/?key=[redacted]"}}], "token": "a token of a text"}});
        assert_eq!(settings, expected);
    }

    #[test]
    fn secrets_of_a_config_are_hidden_wherever_they_show_up() {
        remember(&serde_json::json!({"process": {
            "command": ["judge", "--api-key", "Canary of a judge", "--sort-key", "completion"],
            "environment": {"X_KEY": "canary-of-a-variable", "MODE": "not-a-secret"},
        }}));
        let said = "it was given Canary of a judge and canary-of-a-variable";
        assert_eq!(redact(said), "it was given [redacted] and [redacted]");
        assert_eq!(redact("completion, not-a-secret"), "completion, not-a-secret");
    }

    #[test]
    fn everything_else_stays_as_it_is() {
        for text in [
            "sft.training.learning_rate=1e-3",
            "hf_hub and sk-learn",
            "tokens: 12\nmax_tokens: {a: [1, 2]}",
            "token: 12, an unknown token: tick",
            "eos_token: \"<|im_end|>\"",
            "mail@example.org",
            "sampling.max_new_tokens=20",
            "api_key_env: HF_TOKEN",
            "Usage: forethought pipeline --set <KEY=VALUE> --out DIR",
            "weights of 12/6/3 at https://host/path",
            "--tokenizer folder --key-columns a",
        ] {
            assert_eq!(clean(text), text);
        }
    }
}
