//! `--tui` where there is no terminal, or no dashboard in the binary. What a terminal shows, the tests of `train` look at.

use forethought_tests::Project;

use crate::{outcome, pipeline};

/// What begins a screen of its own.
const SCREEN: &str = "\u{1b}[?1049h";

#[test]
fn without_a_terminal_there_are_plain_lines_or_a_word_on_how_to_get_a_dashboard() {
    let project = Project::new();
    let (code, output, log) = outcome(&mut pipeline(&project, &["--until", "sft", "--tui"]));
    assert!(!log.contains(SCREEN) && !output.contains(SCREEN), "{log}");
    if cfg!(feature = "tui") {
        assert_eq!(code, Some(0), "{log}");
        assert!(log.contains("sft: 5/5, loss "), "{log}");
    } else {
        assert_eq!(code, Some(2), "{log}");
        assert!(log.contains("cargo xtask pipeline ... --tui"), "{log}");
    }
}
