//! What the command line can say.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::data::Data;
use crate::generate::Generate;
use crate::logprobs::Logprobs;
use crate::reward::Reward;
use crate::score::Score;
use crate::verify::Verify;

/// Post-training of small language models, from one YAML file to one report.
#[derive(Debug, Parser)]
#[command(name = "forethought", version, max_term_width = 110)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the stages of a pipeline; stages with nothing changed are skipped
    Pipeline(Pipeline),
    /// Look into files of rows, and convert them between the shapes that programs keep them in
    Data(Data),
    /// Sample completions of prompts: JSON lines in, JSON lines out
    Generate(Generate),
    /// Compute the log-probability of every token of given sequences: JSON lines in, JSON lines out
    Logprobs(Logprobs),
    /// Score texts or pairs of completions with a reward model: JSON lines in, JSON lines out
    Score(Score),
    /// Score completions with reward functions, or show where two sets of scores differ: JSON lines in, JSON lines out
    Reward(Reward),
    /// Say whether answers are equal to gold answers, as mathematics: JSON lines in, JSON lines out
    Verify(Verify),
    /// Print the metrics of a finished run as a table, or as JSON
    Evaluate(Evaluate),
    /// Write the report of a finished run again
    Report(Report),
    /// Fold an adapter into the weights of its model, and prove that the logits agree
    Merge(crate::merge::Merge),
    /// Write a model folder in another type or with shards of another size
    Export(crate::export::Export),
    /// Compare with golden numbers of the Python stack, case by case
    Parity(crate::parity::Parity),
    /// Check a pipeline before it runs: every problem at once, and the memory it takes
    Check(crate::check::Check),
    /// Show the curves and sampled completions of a run on a page of this machine, live
    Watch(crate::watch::Watch),
    /// Compute an optimiser step of a run again and compare it with the log
    Replay(crate::replay::Replay),
    /// Print the JSON schema of the YAML files, for editors
    Schema(crate::schema::SchemaArguments),
    /// Print the completion script of a shell
    Completions(crate::completions::Completions),
    /// Read a data file to its end in a process of its own
    #[command(hide = true)]
    Examine(crate::examine::Examine),
}

/// Runs the stages of a pipeline, in order, into one run folder.
#[derive(Debug, Args)]
#[command(after_long_help = PIPELINE_EXAMPLES)]
pub(crate) struct Pipeline {
    /// A name in configs/pipelines (think), or the path of a YAML file
    #[arg(value_name = "NAME|FILE", required_unless_present = "config")]
    pub(crate) name: Option<String>,
    /// A YAML file to use instead of the one that NAME stands for
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Set a value of the file: STAGE.KEY=VALUE, VALUE in YAML; may be given several times
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// The run folder [default: runs/NAME]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Where to compute: cpu, cuda or cuda:N
    #[arg(long, default_value = "cpu")]
    pub(crate) device: String,
    /// Train on several devices of one kind at once: cuda:0,cuda:1; the first takes the place of --device
    #[arg(long, value_name = "DEVICE,DEVICE", conflicts_with = "device")]
    pub(crate) devices: Option<String>,
    /// Run this stage and those after it, although their artifacts are there
    #[arg(long, value_name = "STAGE")]
    pub(crate) from: Option<String>,
    /// Stop after this stage
    #[arg(long, value_name = "STAGE")]
    pub(crate) until: Option<String>,
    /// Go on with an interrupted training from its last checkpoint
    #[arg(long)]
    pub(crate) resume: bool,
    /// Show the steps of trainings as curves in the terminal; q, then s, stops after the step and a checkpoint
    #[arg(long)]
    pub(crate) tui: bool,
}

const PIPELINE_EXAMPLES: &str = "\
Examples:
  forethought pipeline think
      Train and evaluate on the shipped data, on the CPU; the report lands in runs/think/report.html.

  forethought pipeline think --until balance
      Only read, count and split the data: seconds, and a ledger of every row.

  forethought pipeline think --set sft.training.learning_rate=5e-4 --out runs/lower-rate
      Change one value of the file. The first part of the key is the stage.

  forethought pipeline think-files --set 'ingest.sources.0.path=[traces/*.parquet, more.jsonl]'
      The same stages on traces of your own.

  forethought pipeline think --resume
      Go on after Ctrl-C, from the last finished optimiser step.

Exit codes: 0 done, 1 failed, 2 bad usage or config, 130 interrupted (Ctrl-C) and 143 terminated, both
resumable. Either way the step is finished and a checkpoint written; a second signal leaves at once.";

/// Prints the metrics of a finished run: accuracy of every model and baseline with 95 % intervals.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  forethought evaluate runs/think
  forethought evaluate runs/think --json | jq '.[] | {name, within_1: .metrics.within_1.value}'")]
pub(crate) struct Evaluate {
    /// The run folder
    #[arg(value_name = "RUN")]
    pub(crate) run: PathBuf,
    /// Print JSON instead of a table
    #[arg(long)]
    pub(crate) json: bool,
}

/// Writes report.html and report.json of a finished run again, from its artifacts.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  forethought report runs/think
  forethought report runs/think --out page.html")]
pub(crate) struct Report {
    /// The run folder
    #[arg(value_name = "RUN")]
    pub(crate) run: PathBuf,
    /// Where to write the page [default: RUN/report.html]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}
