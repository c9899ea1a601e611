//! A teacher: a model behind an endpoint, or a model folder that writes here.

mod folder;

use std::path::PathBuf;

use forethought_schema::Problem as Row;
use forethought_teacher::{Answer, Cache, Endpoint, EndpointConfig, Progress, Reply, Sampling};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use folder::FolderTeacher;

use super::super::Context;
use super::prompt::Template;
use crate::PipelineError;
use crate::config::Problem;
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

    /// One reply for each row.
    pub(super) fn replies(
        &self,
        context: &Context<'_>,
        rows: &[Row],
    ) -> Result<Vec<Reply>, PipelineError> {
        let template = Template::read(context.name, &self.prompt)?;
        let fill =
            |row: &Row| template.fill(&row.problem, row.solution.as_deref().unwrap_or_default());
        let prompts: Vec<String> = rows.iter().map(fill).collect();
        if context.purpose.is_check() {
            return self.rehearsal(context, prompts.len());
        }
        let mut cache = Cache::open(&self.cache)?;
        tell_damage(context, &cache);
        let replies = match &self.model {
            TeacherModel::Endpoint(config) => {
                let endpoint = Endpoint::new(config, self.sampling, context.seed)?;
                ask(context, &endpoint, &prompts, &mut cache)?
            }
            TeacherModel::Folder(folder) => {
                folder.replies(context, &prompts, &self.sampling, &mut cache)?
            }
        };
        let whole: Option<Vec<Reply>> = replies.into_iter().collect();
        // Only a signal leaves prompts without a reply.
        whole.ok_or_else(|| {
            context
                .console
                .line("      answers so far are kept; a run that goes on asks for the others");
            PipelineError::Interrupted
        })
    }

    /// A check asks nothing, for answers cost. It makes sure that the teacher could be asked, and invents labels so that
    /// the stages after it can be checked.
    fn rehearsal(
        &self,
        context: &Context<'_>,
        num_rows: usize,
    ) -> Result<Vec<Reply>, PipelineError> {
        if let TeacherModel::Endpoint(config) = &self.model {
            Endpoint::new(config, self.sampling, context.seed)?;
        }
        let invented = |row: usize| {
            let text = format!("<count_step>{}</count_step>", row % 4 + 2);
            Reply::Answered(Answer { text, finish_reason: None, tokens: None })
        };
        Ok((0..num_rows).map(invented).collect())
    }
}

fn ask(
    context: &Context<'_>,
    endpoint: &Endpoint,
    prompts: &[String],
    cache: &mut Cache,
) -> Result<Vec<Option<Reply>>, PipelineError> {
    let mut bar = context.console.bar(prompts.len(), "answers of the teacher");
    let mut last = Progress::default();
    let mut show = |progress: Progress| {
        bar.set(progress.num_kept + progress.num_answered + progress.num_refused);
        last = progress;
    };
    let stop = || context.stop.signal().is_some();
    let asked = endpoint.ask(prompts, cache, &stop, &mut show);
    let Progress { num_kept, num_answered, num_refused, num_retries, .. } = last;
    context.console.line(format!(
        "      teacher: {num_answered} answered, {num_refused} refused, {num_retries} tried again; {num_kept} answers were \
         there before ({})",
        cache.path().display()
    ));
    Ok(asked?.replies)
}

fn tell_damage(context: &Context<'_>, cache: &Cache) {
    if !cache.damaged().is_empty() {
        let (path, lines) = (cache.path().display(), cache.damaged());
        context
            .console
            .line(format!("      {path}: lines {lines:?} are broken; they are asked again"));
    }
}
