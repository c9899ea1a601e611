//! Chat templates as transformers renders them, within bounds.

pub(crate) mod guards;
mod limits;
pub(crate) mod meter;
pub(crate) mod operators;
mod rewrite;

use std::fmt;
use std::io::{self, Write};
use std::ops::Range;
use std::thread;

use forethought_schema::Message;
use minijinja::Environment;
use serde_json::{Map, Value, json};

use crate::{marks, python};

/// Instructions a rendering may take; a turn takes some hundred.
const FUEL: u64 = 5_000_000;
/// Longest source of a template, in bytes; the longest of the known ones are near 20 KB.
const MAX_SOURCE: usize = 64 * 1024;
/// Longest text a rendering may write, in bytes.
const MAX_OUTPUT: usize = 16 * 1024 * 1024;
/// Stack for reading a template, in bytes: the functions that do call themselves for each of a thousand dots or signs.
/// Only what they touch becomes memory.
const STACK: usize = 512 * 1024 * 1024;

/// A template that cannot be used, or a conversation it refuses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// The source is longer than any honest template.
    #[error("chat template {name}: {bytes} bytes long, allowed are {MAX_SOURCE}")]
    SourceTooLong {
        /// The template.
        name: String,
        /// Length of its source.
        bytes: usize,
    },
    /// The source is not a template.
    #[error("chat template {name}: {reason}")]
    Syntax {
        /// The template.
        name: String,
        /// What the parser said, with the line.
        reason: String,
    },
    /// The template failed, or refused the conversation with `raise_exception`.
    #[error("chat template {name}: {reason}")]
    Render {
        /// The template.
        name: String,
        /// What the engine or the template said, with the line.
        reason: String,
    },
    /// Marks changed what the template writes.
    #[error(
        "chat template {name}: what it writes depends on its generation marks, so they cannot be found"
    )]
    Marks {
        /// The template.
        name: String,
    },
    /// The template wrote without end.
    #[error("chat template {name}: wrote more than {MAX_OUTPUT} bytes")]
    OutputTooLong {
        /// The template.
        name: String,
    },
}

/// Whether the text ends where the model shall go on writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GenerationPrompt {
    /// The start of the assistant's turn is added (`add_generation_prompt=True`): what a prompt ends with.
    Add,
    /// The text ends with the last message.
    Omit,
}

/// What a template renders: messages, and what else templates may read.
#[derive(Clone, Debug, PartialEq)]
pub struct Conversation {
    messages: Value,
    tools: Value,
    variables: Map<String, Value>,
    today: Option<String>,
    generation_prompt: GenerationPrompt,
}

impl Conversation {
    /// A conversation, with reasoning and tool calls where messages have them.
    #[must_use]
    pub fn new(messages: &[Message]) -> Self {
        Self::from_json(json!(messages))
    }

    /// A conversation as JSON: a list of objects with `role`, `content` and whatever the template reads beside
    /// (`tool_calls`, `reasoning_content`).
    #[must_use]
    pub fn from_json(messages: Value) -> Self {
        Self {
            messages,
            tools: Value::Null,
            variables: Map::new(),
            today: None,
            generation_prompt: GenerationPrompt::Omit,
        }
    }

    /// The messages, where they are a list.
    pub(crate) fn messages(&self) -> &[Value] {
        self.messages.as_array().map_or(&[], Vec::as_slice)
    }

    /// The same conversation up to its first `count` messages.
    pub(crate) fn first(&self, count: usize) -> Self {
        let messages = self.messages().iter().take(count).cloned().collect();
        Self { messages, ..self.clone() }
    }

    /// Offers tools: a list of JSON schemas.
    #[must_use]
    pub fn tools(mut self, tools: Value) -> Self {
        self.tools = tools;
        self
    }

    /// Sets a variable that some templates read, such as `enable_thinking`.
    #[must_use]
    pub fn variable(mut self, name: impl Into<String>, value: Value) -> Self {
        self.variables.insert(name.into(), value);
        self
    }

    /// The date that `strftime_now` gives to templates, whatever format they ask for. Without it the function is not
    /// defined: a clock would make the same conversation another text tomorrow.
    #[must_use]
    pub fn today(mut self, date: impl Into<String>) -> Self {
        self.today = Some(date.into());
        self
    }

    /// Says whether the assistant's turn is opened at the end.
    #[must_use]
    pub fn generation_prompt(mut self, generation_prompt: GenerationPrompt) -> Self {
        self.generation_prompt = generation_prompt;
        self
    }
}

/// A rendered conversation and which parts of it the template's `{% generation %}` marks say the assistant wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marked {
    /// The text, as [`ChatTemplate::render`] gives it.
    pub text: String,
    /// The marked parts, in bytes of the text, one after another.
    pub generated: Vec<Range<usize>>,
}

/// A chat template, compiled.
pub struct ChatTemplate {
    name: String,
    source: String,
    specials: Map<String, Value>,
    environment: Environment<'static>,
    has_marks: bool,
}

impl ChatTemplate {
    /// Compiles a template. `name` is what errors call it; `specials` are the special tokens it may read by key, such
    /// as `bos_token`.
    ///
    /// # Errors
    ///
    /// If the source is not a template, or longer than 64 KiB.
    pub fn parse(
        name: &str,
        source: &str,
        specials: &Map<String, Value>,
    ) -> Result<Self, TemplateError> {
        if source.len() > MAX_SOURCE {
            return Err(TemplateError::SourceTooLong { name: name.into(), bytes: source.len() });
        }
        let (marked, has_marks) = marks::as_filters(source);
        let environment = on_a_deep_stack(|| compile(name, &marked))
            .map_err(|reason| TemplateError::Syntax { name: name.into(), reason })?;
        let (name, source) = (name.to_owned(), source.to_owned());
        Ok(Self { name, source, specials: specials.clone(), environment, has_marks })
    }

    /// The template as it was written.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The text of a conversation.
    ///
    /// There are bounds on the instructions, on the texts and values that are made on the way, and on what is written: a
    /// rendering of whatever template ends within about a second and takes less than 400 MB.
    ///
    /// # Errors
    ///
    /// If the template fails, refuses the conversation, or does more than a template may.
    pub fn render(&self, conversation: &Conversation) -> Result<String, TemplateError> {
        self.write(self.variables(conversation), conversation)
    }

    /// Whether the template marks what the assistant wrote with `{% generation %}`.
    #[must_use]
    pub fn has_marks(&self) -> bool {
        self.has_marks
    }

    /// The text of a conversation and the parts that the template marks; none without marks.
    ///
    /// # Errors
    ///
    /// As [`Self::render`], and if the template writes something else where it marks.
    pub fn render_marked(&self, conversation: &Conversation) -> Result<Marked, TemplateError> {
        let text = self.render(conversation)?;
        if !self.has_marks {
            return Ok(Marked { text, generated: Vec::new() });
        }
        let marks = marks::choose(&text);
        let mut variables = self.variables(conversation);
        variables.insert(marks::VARIABLE.into(), json!(marks));
        let marked = self.write(variables, conversation)?;
        let generated = marks::locate(&marked, &text, &marks)
            .ok_or_else(|| TemplateError::Marks { name: self.name.clone() })?;
        Ok(Marked { text, generated })
    }

    fn write(
        &self,
        variables: Map<String, Value>,
        conversation: &Conversation,
    ) -> Result<String, TemplateError> {
        let mut written = Bounded::default();
        let rendered = self.environment.get_template(&self.name).and_then(|template| {
            let context = python::context(variables, conversation.today.clone());
            template.render_captured_to(context, &mut written).map(|_| ())
        });
        if written.is_full {
            return Err(TemplateError::OutputTooLong { name: self.name.clone() });
        }
        let failed = |reason: String| TemplateError::Render { name: self.name.clone(), reason };
        rendered.map_err(|error| failed(error.to_string()))?;
        String::from_utf8(written.bytes).map_err(|error| failed(error.to_string()))
    }

    /// The variables transformers sets; special tokens go last there, but never under a name that is taken.
    fn variables(&self, conversation: &Conversation) -> Map<String, Value> {
        let mut variables = self.specials.clone();
        variables.extend(conversation.variables.clone());
        let is_open = conversation.generation_prompt == GenerationPrompt::Add;
        variables.insert("add_generation_prompt".into(), is_open.into());
        variables.insert("messages".into(), conversation.messages.clone());
        variables.insert("tools".into(), conversation.tools.clone());
        variables.insert("documents".into(), Value::Null);
        variables
    }
}

/// The environment with the template in it, written again so that it pays for what it makes.
fn compile(name: &str, source: &str) -> Result<Environment<'static>, String> {
    let rewritten = rewrite::rewrite(name, source, python::syntax())?;
    let mut environment = python::environment();
    environment.set_fuel(Some(FUEL));
    environment
        .add_template_owned(name.to_owned(), rewritten)
        .map_err(|error| error.to_string())?;
    Ok(environment)
}

/// Runs something in a thread of its own with a stack that a deeply nested template does not fill.
fn on_a_deep_stack<T: Send>(work: impl FnOnce() -> Result<T, String> + Send) -> Result<T, String> {
    thread::scope(|scope| {
        let thread = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work);
        let thread = thread.map_err(|error| format!("no thread to read it in: {error}"))?;
        thread.join().unwrap_or_else(|_| Err("the template engine panicked".to_owned()))
    })
}

impl fmt::Debug for ChatTemplate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ChatTemplate").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Collects what is written, up to [`MAX_OUTPUT`].
#[derive(Default)]
struct Bounded {
    bytes: Vec<u8>,
    is_full: bool,
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > MAX_OUTPUT {
            self.is_full = true;
            return Err(io::Error::other("the output is too long"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
