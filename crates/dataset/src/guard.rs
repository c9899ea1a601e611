//! Decoders of foreign formats behind a wall: what goes wrong in them is an error of the file.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs a decoder and turns its errors, and its panics, into the message of an error.
///
/// Decoders panic on some corrupt files, where they index into pages whose sizes the file itself states. Such a panic is
/// the file's fault, so it is caught at the doors to them. The process's panic hook still prints its line: silencing it
/// would silence the panics of other threads too. A file whose first reader is a child process
/// ([`Probe`](crate::Probe)) does not come this far.
pub(crate) fn guarded<T, E: std::fmt::Display>(
    run: impl FnOnce() -> Result<T, E>,
) -> Result<T, String> {
    match caught(run) {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(panic) => Err(format!("corrupt: the decoder failed with `{panic}`")),
    }
}

/// Runs what may panic, and returns the message where it does.
pub(crate) fn caught<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|panic| panic_message(panic.as_ref()).to_owned())
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("no message")
}
