//! Why a row does not hold what its shape says, or cannot be written in another.

use forethought_schema::RecordKind;

use crate::slips::{did_you_mean, nearest};

/// Why a row cannot be read or written. Rows are data: the caller counts them by reason.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RowFault {
    /// The row is not a JSON object.
    #[error("a row must be an object, found {found}")]
    NoObject {
        /// What it is.
        found: &'static str,
    },
    /// A field is not there.
    #[error("field `{field}` is missing{}", among(nearest.as_deref(), found))]
    Missing {
        /// Its name.
        field: String,
        /// The field of the row whose name is most like it.
        nearest: Option<String>,
        /// The fields there are.
        found: Vec<String>,
    },
    /// A field is null.
    #[error("field `{field}` is null")]
    Null {
        /// Its name.
        field: String,
    },
    /// A field holds something else than it should.
    #[error("field `{field}` must be {expected}, found {found}")]
    Kind {
        /// Its name.
        field: String,
        /// What it should be.
        expected: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// A conversation does not end with exactly one turn of the assistant after the prompt.
    #[error(
        "field `{field}` must end with one turn of the assistant, found {num_turns} turn{} after the prompt",
        if *num_turns == 1 { "" } else { "s" }
    )]
    Completion {
        /// Its name.
        field: String,
        /// How many turns follow the prompt.
        num_turns: usize,
    },
    /// A turn that is more than a text, where there is room for nothing else.
    #[error(
        "field `{field}` has tool calls or reasoning beside its text, which a text cannot hold; read it as a \
         conversation"
    )]
    NotPlain {
        /// The field of the conversation.
        field: String,
    },
    /// A conversation in which nobody of a role speaks, or the assistant not after the user.
    #[error("field `{field}` has no turn of the {role}{}; its roles are: {roles}", after(role))]
    NoTurn {
        /// The field of the conversation.
        field: String,
        /// The role.
        role: &'static str,
        /// The roles of the turns, in their order.
        roles: String,
    },
    /// A turn is of a role that the tags do not name.
    #[error("field `{field}` is of the unknown role `{role}`; the tags name {known}")]
    Role {
        /// The turn.
        field: String,
        /// The role.
        role: String,
        /// The roles there are.
        known: String,
    },
    /// A shape has no word for a role.
    #[error("the tags have no word for {role}")]
    NoTag {
        /// The role.
        role: &'static str,
    },
    /// A conversation that LLaMA-Factory passes over: it reads the two sides in turns.
    #[error(
        "LLaMA-Factory reads user and assistant in turns, starting with the user and ending with {ends}: \
         turn {turn} is of the {role}"
    )]
    Alternation {
        /// With whom a conversation ends in this shape.
        ends: &'static str,
        /// The turn, counted from 1 after the system's.
        turn: usize,
        /// Whose it is.
        role: &'static str,
    },
    /// Both completions are the same, so there is nothing to prefer.
    #[error("`chosen` and `rejected` are equal")]
    Equal,
    /// A text is empty.
    #[error("field `{field}` is empty")]
    Empty {
        /// Its name.
        field: String,
    },
    /// A solution without the mark of its answer.
    #[error("field `{field}` has no {mark}, after which the answer stands")]
    NoAnswer {
        /// Its name.
        field: String,
        /// The mark.
        mark: &'static str,
    },
    /// A conversation cannot be written where the prompt is to be one text.
    #[error(
        "the prompt is to be one text, as a single turn of the user is, found turns of: {roles}; conversations have a place in \
         messages, sharegpt, openai and alpaca, and in prompt, prompt_completion, preference and unpaired if their prompts stay \
         turns"
    )]
    Conversation {
        /// Whose turns it has.
        roles: String,
    },
    /// A record of another kind.
    #[error("a {from} is no {to} and cannot be made one")]
    NoWay {
        /// What the row holds.
        from: &'static str,
        /// What it should hold.
        to: &'static str,
    },
    /// An undesirable completion is none to imitate.
    #[error("the completion is labelled undesirable and is none to imitate")]
    Undesirable,
    /// A labelled completion without a counterpart.
    #[error("the prompt has no completion of the other label to pair this one with")]
    Alone,
}

impl RowFault {
    pub(crate) fn no_way(from: RecordKind, to: RecordKind) -> Self {
        Self::NoWay { from: from.as_str(), to: to.as_str() }
    }

    /// A field that a row with these fields does not have.
    pub(crate) fn missing<'a>(field: String, found: impl IntoIterator<Item = &'a String>) -> Self {
        let found: Vec<String> = found.into_iter().cloned().collect();
        Self::Missing { nearest: nearest(&field, &found), field, found }
    }

    /// The field that is at fault, such as `messages[1].role`, where it is one.
    #[must_use]
    pub fn field(&self) -> Option<&str> {
        match self {
            Self::Missing { field, .. }
            | Self::Null { field }
            | Self::Kind { field, .. }
            | Self::Completion { field, .. }
            | Self::NotPlain { field }
            | Self::NoTurn { field, .. }
            | Self::Role { field, .. }
            | Self::Empty { field }
            | Self::NoAnswer { field, .. } => Some(field),
            _ => None,
        }
    }

    /// A name of the reason, to count by.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NoObject { .. } => "not_an_object",
            Self::Missing { .. } => "missing_field",
            Self::Null { .. } => "null",
            Self::Kind { .. } => "wrong_type",
            Self::Completion { .. } => "no_single_completion",
            Self::NotPlain { .. } => "completion_not_plain",
            Self::NoTurn { .. } => "missing_role",
            Self::Role { .. } => "unknown_role",
            Self::NoTag { .. } => "role_without_a_tag",
            Self::Alternation { .. } => "roles_not_in_turns",
            Self::Equal => "equal_sides",
            Self::Empty { .. } => "empty_text",
            Self::NoAnswer { .. } => "no_answer_mark",
            Self::Conversation { .. } => "conversation_in_a_flat_shape",
            Self::NoWay { .. } => "another_kind_of_record",
            Self::Undesirable => "undesirable_completion",
            Self::Alone => "no_counterpart",
        }
    }
}

fn after(role: &str) -> &'static str {
    if role == "assistant" { " after one of the user" } else { "" }
}

/// What there is in place of a missing field.
fn among(nearest: Option<&str>, found: &[String]) -> String {
    let there =
        if found.is_empty() { String::new() } else { format!("; there are: {}", found.join(", ")) };
    did_you_mean(nearest) + &there
}
