//! The command that the readme tells a newcomer to test with.

/// The first `cargo test` command in a fenced block, as it stands there.
///
/// # Errors
///
/// If there is none.
pub(super) fn test_command(readme: &str) -> Result<&str, String> {
    // Every other piece between fences is a block.
    let blocks = readme.split("```").skip(1).step_by(2);
    let lines = blocks.flat_map(str::lines).map(|line| line.trim_start_matches("$ ").trim());
    let is_test = |line: &&str| line.split_whitespace().take(2).eq(["cargo", "test"]);
    lines
        .into_iter()
        .find(is_test)
        .ok_or_else(|| "README.md shows no `cargo test` command".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_is_read_from_a_block_as_it_stands_there() {
        let readme = "Run `cargo test` so:\n```console\n$ cargo xtask ci\n$ cargo test --workspace  # all\n```\n";
        assert_eq!(test_command(readme), Ok("cargo test --workspace  # all"));
    }

    #[test]
    fn a_readme_without_a_test_command_is_an_error() {
        let readme = "cargo test --workspace\n```console\n$ cargo testify\n```\n";
        assert_eq!(test_command(readme), Err("README.md shows no `cargo test` command".into()));
    }
}
