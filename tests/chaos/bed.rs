//! A small pipeline, a run of it that was left alone, and folders in which others begin.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use forethought_tests::{Project, copy_folder};

/// Fine-tuning with two micro-batches a step, then answers that two steps each are trained on, judged by a process that takes
/// its time; every step is saved. Then both models are asked.
const STAGES: &str = "  - sft:
      per_device_train_batch_size: 4
      gradient_accumulation_steps: 2
      training: {learning_rate: 3.0e-3, max_steps: 8, save_steps: 1, logging_steps: 1}
  - grpo:
      prompts_per_step: 4
      prompts_per_micro_batch: 2
      num_generations: 4
      sampling: {max_new_tokens: 24}
      rewards:
        - {tiered: 12/6/3}
        - {process: {command: [sh, judge.sh], columns: []}, weight: 0.0}
      loss: {num_iterations: 2, beta: 0.04}
      training: {learning_rate: 1.0e-3, max_steps: 8, save_steps: 1, logging_steps: 1}
  - predict:
      sampling: {temperature: 0.2, top_p: 0.7, max_new_tokens: 24}
";

/// Says 0 of every completion after a while. Files say whether it is at work, and when it was last.
const JUDGE: &str = r#"while read -r line; do
  id=${line#*\"id\":}
  : > judging
  sleep 0.004
  echo "{\"id\": ${id%%,*}, \"score\": 0}"
  echo x > judged
  rm -f judging
done
"#;

/// The stages that train, in their order.
pub(crate) const TRAININGS: [&str; 2] = ["sft", "grpo"];

/// Where all runs take place.
pub(crate) struct Bed {
    project: Project,
    binary: PathBuf,
    /// How long a run takes that is left alone.
    pub(crate) duration: Duration,
}

/// The folder of the run that was left alone.
const STRAIGHT: &str = "straight";
/// The folder of the stages before the first training.
const PREPARED: &str = "prepared";

impl Bed {
    /// Makes the small pipeline and runs it undisturbed.
    pub(crate) fn new(binary: &Path) -> Result<Self, String> {
        let binary =
            binary.canonicalize().map_err(|error| format!("{}: {error}", binary.display()))?;
        let project = Project::new();
        let text = fs::read_to_string(project.pipeline()).map_err(|error| error.to_string())?;
        let head = text.find("  - sft:").map(|end| &text[..end]).ok_or("no stage sft")?;
        project.write("pipeline.yaml", format!("{head}{STAGES}"));
        project.write("judge.sh", JUDGE);
        let mut bed = Self { project, binary, duration: Duration::ZERO };
        bed.succeed(PREPARED, &["--until", "convert"])?;
        bed.fresh(STRAIGHT)?;
        let started = Instant::now();
        bed.succeed(STRAIGHT, &[])?;
        bed.duration = started.elapsed();
        Ok(bed)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.project.path(name)
    }

    /// Arguments of a run into a folder.
    pub(crate) fn arguments(&self, folder: &str) -> Vec<String> {
        let binary = self.binary.display().to_string();
        let words = ["pipeline", "pipeline.yaml", "--resume", "--out", folder];
        [binary].into_iter().chain(words.map(str::to_owned)).collect()
    }

    /// A run into a folder, its messages into a file beside it.
    pub(crate) fn command(&self, folder: &str) -> Result<Command, String> {
        let arguments = self.arguments(folder);
        self.command_of(&arguments[0], &arguments[1..], folder)
    }

    pub(crate) fn command_of(
        &self,
        program: &str,
        arguments: &[String],
        folder: &str,
    ) -> Result<Command, String> {
        let log = fs::File::create(self.log_path(folder)).map_err(|error| error.to_string())?;
        // A judge whose run was killed has no time to tidy up.
        let _ = fs::remove_file(self.path("judging"));
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.path("")).stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(log);
        Ok(command)
    }

    fn log_path(&self, folder: &str) -> PathBuf {
        self.path(&format!("{folder}.log"))
    }

    /// What the last run into a folder said.
    pub(crate) fn log(&self, folder: &str) -> String {
        let bytes = fs::read(self.log_path(folder)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Runs to the end.
    pub(crate) fn succeed(&self, folder: &str, further: &[&str]) -> Result<(), String> {
        let status = self.command(folder)?.args(further).status();
        match status.map_err(|error| error.to_string())? {
            status if status.success() => Ok(()),
            status => Err(format!("{status}: {}", self.log(folder))),
        }
    }

    /// A folder in which the trainings are about to begin.
    pub(crate) fn fresh(&self, folder: &str) -> Result<(), String> {
        self.copy(PREPARED, folder)
    }

    /// Makes one folder a copy of another.
    pub(crate) fn copy(&self, from: &str, to: &str) -> Result<(), String> {
        let (from, to) = (self.path(from), self.path(to));
        let copied = remove(&to).and_then(|()| copy_folder(&from, &to));
        copied.map_err(|error| format!("copy of {}: {error}", from.display()))
    }

    /// Compares a finished run with the one that was left alone: weights and logs of both trainings, and what the models
    /// say.
    pub(crate) fn compare(&self, folder: &str) -> Result<(), String> {
        TRAININGS.iter().try_for_each(|stage| {
            self.compare_one(folder, stage)?;
            let name = format!("{stage}.jsonl");
            let [one, other] = [folder, STRAIGHT].map(|run| self.read(run, "predict", &name));
            if one? == other? { Ok(()) } else { Err(format!("the answers of {stage} differ")) }
        })
    }

    /// A file of an artifact.
    fn read(&self, run: &str, stage: &str, name: &str) -> Result<Vec<u8>, String> {
        let path = self.path(run).join("artifacts").join(stage).join(name);
        fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))
    }

    /// Compares one training that is done.
    pub(crate) fn compare_one(&self, folder: &str, stage: &str) -> Result<(), String> {
        let file = |run: &str, name: &str| self.read(run, stage, name);
        let name = "model/model.safetensors";
        if file(folder, name)? != file(STRAIGHT, name)? {
            return Err(format!("the weights of {stage} differ"));
        }
        let [one, other] = [folder, STRAIGHT].map(|run| file(run, "history.jsonl"));
        if timeless(&one?) != timeless(&other?) {
            return Err(format!("the log of {stage} differs"));
        }
        Ok(())
    }
}

/// A log without the speed, which the clock decides.
fn timeless(log: &[u8]) -> String {
    let text = String::from_utf8_lossy(log);
    let speed = "\"tokens_per_second\":";
    let line = |line: &str| match line.split_once(speed) {
        Some((before, after)) => {
            let rest = after.find([',', '}']).map_or("", |end| &after[end..]);
            format!("{before}{rest}\n")
        }
        None => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

fn remove(folder: &Path) -> io::Result<()> {
    if folder.exists() { fs::remove_dir_all(folder) } else { Ok(()) }
}
