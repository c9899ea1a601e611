//! Why a row is no preference.

/// Why a row is no preference. Rows are data: the caller counts them by reason.
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
        field: &'static str,
    },
    /// A field holds something else than it should.
    #[error("field `{field}` must be {expected}, found {found}")]
    Kind {
        /// Its name.
        field: &'static str,
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
        field: &'static str,
        /// How many turns follow the prompt.
        num_turns: usize,
    },
    /// A turn is of a role that nobody knows.
    #[error("field `{field}` has a turn of the unknown role `{role}`")]
    Role {
        /// The field of the conversation.
        field: &'static str,
        /// The role.
        role: String,
    },
    /// Both completions are the same, so there is nothing to prefer.
    #[error("`chosen` and `rejected` are equal")]
    Equal,
    /// A completion is empty.
    #[error("field `{field}` is empty")]
    Empty {
        /// Its name.
        field: &'static str,
    },
    /// A conversation cannot be written in a shape that holds one text.
    #[error("the shape holds one text as its prompt, found a conversation of {num_turns} turns")]
    Conversation {
        /// How many turns it has.
        num_turns: usize,
    },
}

impl RowFault {
    /// A name of the reason, to count by.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NoObject { .. } => "not an object",
            Self::Missing { .. } => "missing field",
            Self::Kind { .. } => "wrong type",
            Self::Completion { .. } => "no single completion",
            Self::Role { .. } => "unknown role",
            Self::Equal => "equal sides",
            Self::Empty { .. } => "empty completion",
            Self::Conversation { .. } => "conversation in a flat shape",
        }
    }
}
