//! What looks like a secret in a text: values by the names before them, and tokens by their form.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::PLACEHOLDER;

/// Words at the end of a name that make its value a secret in any text.
const SURE: [&str; 7] =
    ["token", "secret", "password", "passwd", "passphrase", "apikey", "credential"];
/// Words that do where names are those of variables, of options of a program, or of parameters of an address.
const LIKELY: [&str; 9] =
    ["key", "auth", "authorization", "sig", "signature", "credentials", "pwd", "pass", "cookie"];
/// What stands before `token` where it is no token of a text.
const ACCESS: [&str; 8] =
    ["access", "api", "auth", "bearer", "hf", "refresh", "security", "session"];
/// What stands before a secret in a header.
const SCHEMES: [&str; 3] = ["basic", "bearer", "digest"];
/// A shorter number is a setting, such as `max_new_tokens`.
const SHORT_NUMBER: usize = 8;

/// The words of a name: `X-Amz-Signature`, `JUDGE_KEY` and `apiKey` have three, two and two.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for one in name.chars() {
        let begins = !one.is_alphanumeric() || (was_lower && one.is_uppercase());
        if begins && words.last().is_some_and(|word| !word.is_empty()) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| one.is_alphanumeric()) {
            word.extend(one.to_lowercase());
        }
        was_lower = one.is_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}

/// `dbpassword` is one, `tokens` is none.
fn is_sure(word: &str) -> bool {
    SURE.iter().any(|sure| word.ends_with(sure))
}

fn is_likely(word: &str) -> bool {
    is_sure(word) || LIKELY.contains(&word)
}

/// Whether a variable or a parameter of an address of this name holds a secret.
pub(super) fn is_secret_name(name: &str) -> bool {
    let words = words(name);
    words.iter().any(|word| is_sure(word)) || words.last().is_some_and(|word| is_likely(word))
}

/// Whether an option of a program is followed by a secret: `--api-key`, `--token`.
pub(super) fn is_secret_option(word: &str) -> bool {
    let name = word.strip_prefix('-').filter(|_| !word.contains(['=', ' ']));
    name.is_some_and(|name| words(name).last().is_some_and(|word| is_likely(word)))
}

/// A name in capital letters before `:` or `=`. A single `KEY` is one of a map.
fn is_secret_variable(name: &str) -> bool {
    if name.contains('_') { is_secret_name(name) } else { is_sure(&name.to_lowercase()) }
}

/// `server.api_key=…`: the last part of a path of names.
fn is_secret_setting(path: &str) -> bool {
    let words = words(path.rsplit('.').next().unwrap_or_default());
    words.last().is_some_and(|last| is_sure(last) || (last == "key" && words.len() > 1))
}

/// `api_key: …`. Texts speak of tokens, so that more than the word must stand there.
fn is_secret_key(path: &str) -> bool {
    let words = words(path.rsplit('.').next().unwrap_or_default());
    match words.as_slice() {
        [.., before, last] if last == "token" => ACCESS.contains(&before.as_str()),
        [last] => is_sure(last) && last != "token",
        _ => is_secret_setting(path),
    }
}

/// A value in quotes, or up to the next space, bracket or quote.
const VALUE: &str = r#"("(?:[^"\\]|\\.)*"|'[^']*'|[^\s"'`,;()\[\]{}<>&-][^\s"'`,;()\[\]{}<>&]*)"#;

fn compiled(pattern: &str) -> Regex {
    // The patterns are constants that a test compiles.
    Regex::new(&pattern.replace("VALUE", VALUE))
        .unwrap_or_else(|error| panic!("the pattern {pattern}: {error}"))
}

/// A kind of place where secrets stand: its last group is the value, the one before it, if any, its name.
struct Rule {
    pattern: LazyLock<Regex>,
    is_secret: fn(&str) -> bool,
}

fn always(_: &str) -> bool {
    true
}

/// In this order: a value that one rule has hidden is none to the next.
static RULES: [Rule; 8] = [
    // Passwords in addresses; a path of the file system has one slash.
    Rule {
        pattern: LazyLock::new(|| {
            compiled(r#"(?i)\b[a-z][a-z0-9+.-]*:(?://([^\s/"'<>]*)|/([^\s/"'<>]*:[^\s/"'<>]*))@"#)
        }),
        is_secret: always,
    },
    // Parameters of addresses.
    Rule {
        pattern: LazyLock::new(|| compiled(r#"[?&]([A-Za-z][\w.~%-]*)=([^&\s"'`<>#]+)"#)),
        is_secret: is_secret_name,
    },
    // Options of programs, on a command line or in a list.
    Rule {
        pattern: LazyLock::new(|| {
            compiled(r#"(--?[A-Za-z][\w-]*)(?:=|["']?\s*,\s*(?:-\s+)?|["']?\s+(?:-\s+)?)VALUE"#)
        }),
        is_secret: is_secret_option,
    },
    Rule {
        pattern: LazyLock::new(|| compiled(r#"(?i)\bbearer\s+([^\s"'`,;()\[\]{}<>]{8,})"#)),
        is_secret: always,
    },
    Rule {
        pattern: LazyLock::new(|| {
            compiled(
                r#"(?i)\bauthorization["']?\s*[:=]\s*(?:["']?(?:basic|bearer|digest|token)\s+)?VALUE"#,
            )
        }),
        is_secret: always,
    },
    Rule {
        pattern: LazyLock::new(|| {
            compiled(r#"\b([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*)["']?\s*[:=]\s*VALUE"#)
        }),
        is_secret: is_secret_variable,
    },
    Rule {
        pattern: LazyLock::new(|| compiled(r"\b([A-Za-z][\w.-]*)=VALUE")),
        is_secret: is_secret_setting,
    },
    Rule {
        pattern: LazyLock::new(|| compiled(r#"\b([A-Za-z][\w.-]*)["']?:\s+VALUE"#)),
        is_secret: is_secret_key,
    },
];

/// Tokens of well-known services.
static TOKENS: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"\b(?:hf_[A-Za-z0-9_-]{16,}|sk-[A-Za-z0-9_-]{16,}|ghp_[A-Za-z0-9_-]{16,}|github_pat_[A-Za-z0-9_-]{16,}|glpat-[A-Za-z0-9_-]{16,}|xox[abprs]-[A-Za-z0-9_-]{16,}|AKIA[0-9A-Z]{16}|AIza[A-Za-z0-9_-]{30,}|eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]*)",
    )
});

/// The text without whatever looks like a secret; `found` is told each of them.
pub(super) fn hide(text: &str, found: &mut dyn FnMut(&str)) -> String {
    let hidden = RULES.iter().fold(text.to_owned(), |text, rule| rule.hide(&text, found));
    let token = |captures: &Captures<'_>| {
        found(&captures[0]);
        PLACEHOLDER.to_owned()
    };
    TOKENS.replace_all(&hidden, token).into_owned()
}

impl Rule {
    fn hide(&self, text: &str, found: &mut dyn FnMut(&str)) -> String {
        let replaced = self.pattern.replace_all(text, |captures: &Captures<'_>| {
            let whole = &captures[0];
            let mut groups = captures.iter().skip(1).flatten();
            let (first, second) = (groups.next(), groups.next());
            let (name, value) = match (first, second) {
                (Some(name), Some(value)) => (name.as_str(), value),
                (Some(value), None) => ("", value),
                _ => return whole.to_owned(),
            };
            let bare = bare(value.as_str());
            let is_hidden = value.as_str().contains(PLACEHOLDER);
            if !(self.is_secret)(name) || is_hidden || is_harmless(bare) {
                return whole.to_owned();
            }
            found(bare);
            let start = value.start() - captures.get(0).map_or(0, |all| all.start());
            let (before, rest) = whole.split_at(start);
            format!("{before}{}", rest.replacen(bare, PLACEHOLDER, 1))
        });
        replaced.into_owned()
    }
}

/// A value without its quotes, or what follows a sentence or a list.
fn bare(value: &str) -> &str {
    let quoted = ['"', '\'']
        .into_iter()
        .find_map(|quote| value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)));
    quoted.unwrap_or_else(|| value.trim_end_matches([',', ';', ')', ']', '}']))
}

fn is_harmless(value: &str) -> bool {
    let is_setting = value.len() < SHORT_NUMBER && value.parse::<f64>().is_ok();
    value.is_empty() || is_setting || SCHEMES.contains(&value.to_lowercase().as_str())
}
