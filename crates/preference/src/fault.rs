//! Why a row does not hold what its shape says, or cannot be written in another.

use forethought_schema::RecordKind;

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
    /// A field is not there, or null.
    #[error("field `{field}` is missing")]
    Missing {
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
        "field `{field}` must end with one turn of the assistant, found {num_turns} turns after the prompt"
    )]
    Completion {
        /// Its name.
        field: String,
        /// How many turns follow the prompt.
        num_turns: usize,
    },
    /// A completion that is more than a text.
    #[error(
        "field `{field}` has tool calls or reasoning beside its text, which a completion cannot hold; \
         read it as a conversation"
    )]
    NotPlain {
        /// The field of the conversation.
        field: String,
    },
    /// A turn is of a role that the tags do not name.
    #[error("field `{field}` has a turn of the unknown role `{role}`; the tags name {known}")]
    Role {
        /// The field of the conversation.
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
    /// A conversation cannot be written in a shape that holds one text.
    #[error("the shape holds one text as its prompt, found a conversation of {num_turns} turns")]
    Conversation {
        /// How many turns it has.
        num_turns: usize,
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

    /// A name of the reason, to count by.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NoObject { .. } => "not an object",
            Self::Missing { .. } => "missing field",
            Self::Kind { .. } => "wrong type",
            Self::Completion { .. } => "no single completion",
            Self::NotPlain { .. } => "completion with tool calls or reasoning",
            Self::Role { .. } => "unknown role",
            Self::NoTag { .. } => "role without a tag",
            Self::Alternation { .. } => "roles not in turns",
            Self::Equal => "equal sides",
            Self::Empty { .. } => "empty text",
            Self::NoAnswer { .. } => "no answer mark",
            Self::Conversation { .. } => "conversation in a flat shape",
            Self::NoWay { .. } => "another kind of record",
            Self::Undesirable => "undesirable completion",
            Self::Alone => "no counterpart",
        }
    }
}
