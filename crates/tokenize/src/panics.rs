//! Calls into the tokenizer, whose panics become errors.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs a call into the tokenizer and turns a panic into an error, since patterns of a file decide whether it panics.
pub(crate) fn guarded<T, E: std::fmt::Display>(
    call: impl FnOnce() -> Result<T, E>,
) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            Err(format!("it panicked: {}", text.unwrap_or("without a message")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_in_the_tokenizer_is_an_error_with_its_message() {
        let error = guarded(|| -> Result<(), String> { panic!("retry limit of `{}`", "(a+)+b") });
        assert_eq!(error, Err("it panicked: retry limit of `(a+)+b`".to_owned()));
    }
}
