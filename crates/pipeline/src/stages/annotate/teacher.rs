//! A teacher: a model behind an endpoint, or a model folder that writes here.

mod folder;

use std::path::PathBuf;

use forethought_schema::Problem as Row;
use forethought_teacher::{Answer, Cache, Endpoint, EndpointConfig, Progress, Reply, Sampling};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use folder::FolderTeacher;
use folder::Writer;

use super::super::Context;
use super::prompt::Template;
use crate::PipelineError;
use crate::config::Problem;
use crate::console::Bar;
use crate::training::problem;

/// A model that is asked how many steps a solution has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TeacherSource {
    /// The model.
    pub model: TeacherModel,
    /// A text file with what it is asked; `{problem}` and `{solution}` stand for those of the row. It has to ask for
    /// `<count_step>n</count_step>`.
    pub prompt: PathBuf,
    /// How answers are drawn. Default: temperature 0.3, top-p 0.95, top-k 50, at most 400 tokens, as in the published
    /// workflow.
    #[serde(default)]
    pub sampling: Sampling,
    /// The folder where answers are kept under model, prompt and sampling; runs share it. Default `runs/teacher`.
    #[serde(default = "default_cache")]
    pub cache: PathBuf,
}

fn default_cache() -> PathBuf {
    ["runs", "teacher"].iter().collect()
}

/// Where the model is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TeacherModel {
    /// Behind an address that serves `/chat/completions`: vLLM, llama.cpp's server, and others.
    Endpoint(EndpointConfig),
    /// In a Hugging Face folder.
    Folder(FolderTeacher),
}

impl TeacherSource {
    pub(super) fn problems(&self) -> Vec<Problem> {
        let section = |below: &str| format!("source.teacher.{below}");
        let sampling = self.sampling.check().err();
        let sampling = sampling.map(|error| problem(&section("sampling"), &error.to_string()));
        let model = match &self.model {
            TeacherModel::Endpoint(endpoint) => endpoint.check().err(),
            TeacherModel::Folder(_) => None,
        };
        let model = model.map(|error| problem(&section("model.endpoint"), &error.to_string()));
        sampling.into_iter().chain(model).collect()
    }

    pub(super) fn files(&self) -> Result<Vec<PathBuf>, PipelineError> {
        let mut files = vec![self.prompt.clone()];
        if let TeacherModel::Folder(folder) = &self.model {
            files.extend(folder.files()?);
        }
        Ok(files)
    }

    /// Makes the teacher ready for so many rows at most. A check asks nothing, for answers cost: it makes sure that the
    /// teacher could be asked.
    pub(super) fn open<'a>(
        &'a self,
        context: &'a Context<'_>,
        most_rows: usize,
    ) -> Result<Teacher<'a>, PipelineError> {
        let template = Template::read(context.name, &self.prompt)?;
        let endpoint = |config| Endpoint::new(config, self.sampling, context.seed);
        let model = match &self.model {
            TeacherModel::Endpoint(config) if context.purpose.is_check() => {
                endpoint(config)?;
                Model::Rehearsed { num_asked: 0 }
            }
            TeacherModel::Folder(_) if context.purpose.is_check() => {
                Model::Rehearsed { num_asked: 0 }
            }
            TeacherModel::Endpoint(config) => {
                let endpoint = endpoint(config)?;
                let bar = context.console.bar(most_rows, ANSWERS);
                let (cache, progress) = (self.answers(context)?, Progress::default());
                Model::Endpoint(Box::new(Served { endpoint, cache, progress, bar }))
            }
            TeacherModel::Folder(folder) => {
                let cache = self.answers(context)?;
                let bar = context.console.bar(most_rows, ANSWERS);
                Model::Folder(Box::new(folder.open(context, self.sampling, (cache, bar))?))
            }
        };
        Ok(Teacher { context, template, model })
    }

    /// The answers of this run and of others.
    fn answers(&self, context: &Context<'_>) -> Result<Cache, PipelineError> {
        let cache = Cache::open(&self.cache)?;
        tell_damage(context, &cache);
        Ok(cache)
    }
}

/// What the bar counts.
const ANSWERS: &str = "answers of the teacher";

/// A teacher that is handed rows some at a time. Every answer is kept as it comes.
pub(super) struct Teacher<'a> {
    context: &'a Context<'a>,
    template: Template,
    model: Model<'a>,
}

/// Who answers.
enum Model<'a> {
    /// Nobody: labels are invented, so that the stages after it can be checked.
    Rehearsed {
        num_asked: usize,
    },
    Endpoint(Box<Served>),
    Folder(Box<Writer<'a>>),
}

impl Teacher<'_> {
    /// One reply for each row.
    pub(super) fn replies(&mut self, rows: &[Row]) -> Result<Vec<Reply>, PipelineError> {
        let fill = |row: &Row| {
            self.template.fill(&row.problem, row.solution.as_deref().unwrap_or_default())
        };
        let prompts: Vec<String> = rows.iter().map(fill).collect();
        let replies = match &mut self.model {
            Model::Rehearsed { num_asked } => {
                let first = *num_asked;
                *num_asked += prompts.len();
                return Ok((first..*num_asked).map(invented).collect());
            }
            Model::Endpoint(served) => served.ask(self.context, &prompts)?,
            Model::Folder(writer) => writer.replies(&prompts)?,
        };
        let whole: Option<Vec<Reply>> = replies.into_iter().collect();
        // Only a signal leaves prompts without a reply.
        whole.ok_or_else(|| {
            self.context
                .console
                .line("      answers so far are kept; a run that goes on asks for the others");
            PipelineError::Interrupted
        })
    }

    /// Says what was asked of an endpoint.
    pub(super) fn end(self) {
        let Model::Endpoint(served) = self.model else { return };
        let Served { cache, progress, .. } = *served;
        let Progress { num_kept, num_answered, num_refused, num_retries, .. } = progress;
        self.context.console.line(format!(
            "      teacher: {num_answered} answered, {num_refused} refused, {num_retries} tried again; {num_kept} answers \
             were there before ({})",
            cache.path().display()
        ));
    }
}

fn invented(row: usize) -> Reply {
    let text = format!("<count_step>{}</count_step>", row % 4 + 2);
    Reply::Answered(Answer { text, finish_reason: None, tokens: None })
}

/// A model behind an address, and what it was asked so far.
struct Served {
    endpoint: Endpoint,
    cache: Cache,
    progress: Progress,
    bar: Bar,
}

impl Served {
    fn ask(
        &mut self,
        context: &Context<'_>,
        prompts: &[String],
    ) -> Result<Vec<Option<Reply>>, PipelineError> {
        let Self { endpoint, cache, progress, bar } = self;
        let before = *progress;
        let mut show = |now: Progress| {
            *progress = before;
            *progress += now;
            bar.set(progress.num_kept + progress.num_answered + progress.num_refused);
        };
        let stop = || context.stop.signal().is_some();
        Ok(endpoint.ask(prompts, cache, &stop, &mut show)?.replies)
    }
}

fn tell_damage(context: &Context<'_>, cache: &Cache) {
    if !cache.damaged().is_empty() {
        let (path, lines) = (cache.path().display(), cache.damaged());
        context
            .console
            .line(format!("      {path}: lines {lines:?} are broken; they are asked again"));
    }
}
