//! The data files: English in one record shape, Chinese in another.

use std::path::{Path, PathBuf};

use forethought_dataset::{DatasetError, Table};

use crate::whole::number;
use crate::{Language, Problem};

impl Language {
    /// The file of the problems in this language.
    #[must_use]
    pub fn file_name(self) -> &'static str {
        self.choose("traces-en.parquet", "traces-zh.parquet")
    }

    /// The columns of question and completion in that file.
    #[must_use]
    pub fn column_names(self) -> [&'static str; 2] {
        self.choose(["prompt", "completion"], ["instruction", "response"])
    }
}

/// The problems of one language as the table of its file; `id` counts over both files.
#[must_use]
pub fn table(problems: &[Problem], language: Language) -> Table {
    let [question, completion] = language.column_names();
    let mine =
        || problems.iter().enumerate().filter(move |(_, problem)| problem.language == language);
    let column = |value: fn(&Problem) -> String| mine().map(move |(_, problem)| value(problem));
    let steps = |problem: &Problem| number(problem.solution.num_steps());
    Table::new()
        .text("id", mine().map(|(index, _)| format!("{index:05}")))
        .text("family", column(|problem| problem.family.name().to_owned()))
        .text("language", column(|problem| problem.language.code().to_owned()))
        .text(question, column(|problem| problem.question.clone()))
        .text(completion, column(Problem::completion))
        .text("answer", column(|problem| problem.solution.answer.clone()))
        .integer("num_steps", mine().map(|(_, problem)| steps(problem)))
}

/// Writes the files into a folder and tells their paths.
///
/// # Errors
///
/// If a file cannot be written.
pub fn write(problems: &[Problem], folder: &Path) -> Result<Vec<PathBuf>, DatasetError> {
    let languages = [Language::English, Language::Chinese];
    languages
        .map(|language| {
            let path = folder.join(language.file_name());
            table(problems, language).write_parquet(&path).map(|()| path)
        })
        .into_iter()
        .collect()
}
