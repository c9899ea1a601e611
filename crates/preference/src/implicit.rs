//! Prompts that stand at the beginning of both completions, as `extract_prompt` of TRL 1.16 finds them.

use forethought_schema::Message;

/// The common beginning of two texts, and what follows it in each. A space before the difference goes to the completions,
/// and where one text begins with the whole other, its last character does, so that no completion is empty.
pub(crate) fn split_texts(chosen: &str, rejected: &str) -> (String, [String; 2]) {
    let starts: Vec<usize> = chosen.char_indices().map(|(start, _)| start).collect();
    let num_equal = chosen.chars().zip(rejected.chars()).take_while(|(c, r)| c == r).count();
    let num_characters = num_equal.min(starts.len().min(rejected.chars().count()).max(1) - 1);
    let mut end = starts.get(num_characters).copied().unwrap_or(chosen.len());
    if num_characters == num_equal && chosen[..end].ends_with(' ') {
        end -= 1;
    }
    (chosen[..end].to_owned(), [chosen[end..].to_owned(), rejected[end..].to_owned()])
}

/// How many turns two conversations begin with in common; where one begins with the whole other, all but its last.
pub(crate) fn num_shared_turns(chosen: &[Message], rejected: &[Message]) -> usize {
    let num_equal = chosen.iter().zip(rejected).take_while(|(c, r)| c == r).count();
    num_equal.min(chosen.len().min(rejected.len()).max(1) - 1)
}
