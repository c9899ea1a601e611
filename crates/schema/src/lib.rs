//! Records that pass between stages.
//!
//! Every record is plain data with strict JSON: an unknown field is an error, so that a file of another shape is
//! noticed where it is read.

mod chat;
mod preference;
mod problem;
mod record;
mod step;
mod think;

pub use chat::{FunctionCall, Instruction, Message, PromptCompletion, Role, ToolCall};
pub use preference::{PreferencePair, Prompt, UnpairedPreference};
pub use problem::Problem;
pub use record::{Example, Exercise, Record, RecordKind};
pub use step::{AnnotatedQuestion, NoSteps, NoStepsReason, StepLabel};
pub use think::{LabelledQuestion, Prediction, Trace};
