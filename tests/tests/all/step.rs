//! The pipeline that predicts steps: labels counted, given and taught; what is cleaned away; what the report says.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use forethought_dataset::Ledger;
use forethought_schema::{AnnotatedQuestion, LabelledQuestion, Prediction, StepLabel};
use forethought_seed::Seed;
use forethought_tests::Project;
use serde_json::{Value, json};

use crate::attempt::{Attempt, Finished, read};

/// Problems with 2 to 5 steps.
const LABELLED: usize = 60;
/// The steps of a problem that is far from the others.
const FAR: usize = 30;

/// The pipeline; `FOLDER` stands for the folder of the project, `SOURCE` for where the labels come from.
const PIPELINE: &str = "\
name: steps
seed: 7
stages:
  - ingest:
      records: problems
      sources:
        - path: 'FOLDER/problems.jsonl'
  - model:
      scratch:
        architecture: 'FOLDER/architecture.yaml'
        tokenizer:
          train: {vocab_size: 400}
  - annotate:
      source: SOURCE
  - clean: {}
  - convert:
      prompt: 'FOLDER/prompt.txt'
  - sft:
      per_device_train_batch_size: 4
      training: {learning_rate: 3.0e-3, max_steps: 3}
  - predict:
      sampling: {temperature: 0.2, top_p: 0.7, max_new_tokens: 3}
  - report: {}
";

fn numbered(steps: usize) -> String {
    (1..=steps).fold(String::new(), |mut text, step| {
        let _ = writeln!(text, "{step}. It is added.");
        text
    })
}

/// How many steps row `index` has, from 0.
fn steps(index: usize) -> usize {
    2 + index % 4
}

/// Problems with numbered solutions; one far from the others, and two whose steps nobody can count.
fn project(source: &str) -> Project {
    let project = Project::new();
    let mut lines = String::new();
    let mut line = |problem: String, solution: &str| {
        let row = json!({"problem": problem, "solution": solution, "answer": "none"});
        let _ = writeln!(lines, "{row}");
    };
    for index in 0..LABELLED {
        line(
            format!("Add {} numbers, please, case {index}.", steps(index)),
            &numbered(steps(index)),
        );
    }
    line("Add very many numbers.".to_owned(), &numbered(FAR));
    line("Why?".to_owned(), "Because it is so.");
    line("How?".to_owned(), "1. This.\n3. That.");
    project.write("problems.jsonl", &lines);
    let folder = project.path("").display().to_string();
    let pipeline = PIPELINE.replace("SOURCE", source);
    project.write("pipeline.yaml", pipeline.replace("FOLDER", folder.trim_end_matches('/')));
    project
}

fn side(run: &Finished, split: &str) -> Vec<LabelledQuestion> {
    run.rows(&format!("clean/{split}.jsonl"))
}

fn labels(run: &Finished) -> Vec<Result<u32, String>> {
    let rows: Vec<AnnotatedQuestion> = run.rows("annotate/annotated.jsonl");
    let label = |row: AnnotatedQuestion| match row.steps {
        StepLabel::Counted(steps) => Ok(steps),
        StepLabel::Missing(none) => Err(none.reason.as_str().to_owned()),
    };
    rows.into_iter().map(label).collect()
}

#[test]
fn listed_steps_are_counted_cleaned_split_learned_and_reported() {
    let project = project("{listed: {}}");
    let run = Attempt::new(&project, "run").finish();
    let labels = labels(&run);
    let counted: Vec<usize> =
        labels[..LABELLED].iter().flatten().map(|steps| *steps as usize).collect();
    assert_eq!(counted, (0..LABELLED).map(steps).collect::<Vec<_>>());
    let rest =
        [Ok(30), Err("no_numbered_steps".to_owned()), Err("numbers_out_of_order".to_owned())];
    assert_eq!(labels[LABELLED..], rest);

    let (train, validation) = (side(&run, "train"), side(&run, "validation"));
    assert_eq!((train.len(), validation.len()), (42, 18), "70 to 30");
    let questions = |rows: &[LabelledQuestion]| -> BTreeSet<String> {
        rows.iter().map(|row| row.question.clone()).collect()
    };
    assert!(questions(&train).is_disjoint(&questions(&validation)));
    assert!(train.iter().chain(&validation).all(|row| row.amount == row.class && row.class <= 5));
    let ledger: Ledger = run.json("artifacts/clean/ledger.json");
    let reasons: Vec<(&str, u64)> = ledger.dropped_by_reason().into_iter().collect();
    assert_eq!(reasons, [("no_numbered_steps", 1), ("numbers_out_of_order", 1), ("outlier", 1)]);

    let info: Value = run.json("artifacts/convert/dataset_info.json");
    assert!(info["step_train"].is_object() && info["step_validation"].is_object(), "{info}");
    let predictions: Vec<Prediction> = run.rows("predict/sft.jsonl");
    assert_eq!(predictions.len(), 18);
    let report: Value = run.json("report.json");
    assert_eq!(report["target"], json!({"quantity": "steps", "class_width": 1}));
    // Always answering the most frequent number of the training side is right where the validation side has it.
    let frequent = (2..=5).max_by_key(|class| {
        (train.iter().filter(|row| row.class == *class).count(), u32::MAX - class)
    });
    let right = validation.iter().filter(|row| Some(row.class) == frequent).count();
    let strict = &report["entries"][0]["metrics"]["strict"];
    assert_eq!((&strict["successes"], &strict["n"]), (&json!(right), &json!(18)));
    let page = String::from_utf8(read(&run.folder.join("report.html"))).expect("UTF-8");
    for words in ["in how many steps it will be answered", "strict of parsed", "MAE, steps"] {
        assert!(page.contains(words), "{words}");
    }
    assert!(!page.contains("tokens of thinking") && !page.contains("thinking tokens"));
}

#[test]
fn a_given_number_may_stand_alone_or_in_what_a_teacher_wrote() {
    let project = project("{given: {}}");
    let rows = [
        ("a", json!("3")),
        ("b", json!("1. x\n2. y\n<count_step>2</count_step>")),
        ("c", json!("<count_step>2步</count_step>")),
        ("d", json!(4)),
        ("e", json!("0")),
    ];
    let line = |(problem, answer): &(&str, Value)| {
        json!({"problem": problem, "answer": answer}).to_string()
    };
    project.write("problems.jsonl", rows.iter().map(line).collect::<Vec<_>>().join("\n"));
    let run = Attempt::new(&project, "run").until("annotate").finish();
    let reason = |text: &str| Err(text.to_owned());
    let expected = [Ok(3), Ok(2), reason("not_a_whole_number"), Ok(4), reason("zero_steps")];
    assert_eq!(labels(&run), expected);
}

#[test]
fn rows_that_are_too_long_or_too_many_are_booked_before_anything_is_asked() {
    let project = project("{listed: {}}\n      longest_solution: 100\n      max_rows: 20");
    let run = Attempt::new(&project, "run").until("annotate").finish();
    let ledger: Ledger = run.json("artifacts/annotate/ledger.json");
    let reasons: Vec<(&str, u64)> = ledger.dropped_by_reason().into_iter().collect();
    // The far one has 30 lines; 62 rows are left, of which 20 are drawn.
    assert_eq!(reasons, [("beyond_max_rows", 42), ("solution_too_long", 1)]);
    assert_eq!(labels(&run).len(), 20);
}

/// Problems so long that they are read in several parts.
const MANY: usize = 2500;

#[test]
fn problems_that_are_read_in_parts_are_drawn_and_labelled_as_in_one() {
    let project = project("{listed: {}}\n      max_rows: 1000");
    let words = "very ".repeat(400);
    let lines = (0..MANY).map(|index| {
        let problem = format!("Add {} {words}large numbers, case {index}.", steps(index));
        json!({"problem": problem, "solution": numbered(steps(index)), "answer": "none"})
            .to_string()
    });
    let text: Vec<String> = lines.collect();
    let text = text.join("\n");
    assert!(text.len() > 5 << 20, "more than is read at once");
    project.write("problems.jsonl", text);
    let run = Attempt::new(&project, "run").until("annotate").finish();
    let rows: Vec<AnnotatedQuestion> = run.rows("annotate/annotated.jsonl");
    // The seed draws by the question, whatever is read with it.
    let seed = Seed::new(7).derive("annotate");
    let mut keys: Vec<(u64, u64)> = (0..MANY as u64)
        .map(|index| {
            let steps = steps(usize::try_from(index).expect("few"));
            let problem = format!("Add {steps} {words}large numbers, case {index}.");
            (seed.key("row", problem.as_bytes()), index + 1)
        })
        .collect();
    keys.sort_unstable();
    let mut drawn: Vec<u64> = keys[..1000].iter().map(|(_, row)| *row).collect();
    drawn.sort_unstable();
    assert_eq!(rows.iter().map(|row| row.row).collect::<Vec<_>>(), drawn);
    for (row, label) in rows.iter().zip(labels(&run)) {
        let index = usize::try_from(row.row).expect("few") - 1;
        assert_eq!(label, Ok(u32::try_from(steps(index)).expect("few")));
    }
    let ledger: Ledger = run.json("artifacts/annotate/ledger.json");
    ledger.check().expect("sums that agree");
    assert_eq!((ledger.read(), ledger.kept()), (MANY as u64, 1000));
    assert_eq!(ledger.entries[0].dropped["beyond_max_rows"].count, MANY as u64 - 1000);

    // What a teacher is asked in parts, it is asked once.
    let (url, asked) = teacher();
    project.write("ask.txt", "{problem}\n{solution}\nHow many steps?");
    let folder = project.path("").display().to_string();
    let source = format!(
        "annotate.source={{teacher: {{model: {{endpoint: {{url: '{url}', model: m, concurrency: 4}}}}, \
         prompt: '{folder}/ask.txt', cache: '{folder}/answers'}}}}"
    );
    let taught = Attempt::new(&project, "run").set(source).until("annotate").finish();
    assert_eq!(asked.load(Ordering::SeqCst), 1000);
    let told: Vec<AnnotatedQuestion> = taught.rows("annotate/annotated.jsonl");
    let steps = |rows: &[AnnotatedQuestion]| -> Vec<StepLabel> {
        rows.iter().map(|row| row.steps.clone()).collect()
    };
    assert_eq!(steps(&told), steps(&rows));
}

/// A teacher that counts the numbered lines of its prompt, and how often it was asked.
fn teacher() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}/v1", listener.local_addr().expect("an address"));
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            count.fetch_add(1, Ordering::SeqCst);
            let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                reader.read_line(&mut head).expect("a head");
            }
            let length = head.lines().find_map(|line| {
                line.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok()
            });
            let mut body = vec![0; length.expect("a body")];
            reader.read_exact(&mut body).expect("the body");
            let body: Value = serde_json::from_slice(&body).expect("JSON");
            let prompt = body["messages"][0]["content"].as_str().expect("a prompt");
            let steps = prompt.lines().filter(|line| line.contains(". It is added.")).count();
            let text = format!("I count them.\n<count_step>{steps}</count_step>");
            let answer =
                json!({"choices": [{"message": {"content": text}, "finish_reason": "stop"}]})
                    .to_string();
            let length = answer.len();
            write!(
                stream,
                "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{answer}"
            )
            .expect("the client is there");
        }
    });
    (url, asked)
}

#[test]
fn a_teacher_is_asked_once_for_each_row_whatever_runs_again() {
    let (url, asked) = teacher();
    let source = format!(
        "{{teacher: {{model: {{endpoint: {{url: '{url}', model: m, concurrency: 2}}}}, \
         prompt: 'FOLDER/ask.txt', cache: 'FOLDER/answers'}}}}"
    );
    let project = project(&source);
    project.write("ask.txt", "{problem}\n{solution}\nHow many steps?");
    let run = Attempt::new(&project, "run").until("clean").finish();
    let labels = labels(&run);
    let counted: Vec<usize> =
        labels[..LABELLED].iter().flatten().map(|steps| *steps as usize).collect();
    assert_eq!(counted, (0..LABELLED).map(steps).collect::<Vec<_>>());
    let zero = Err("zero_steps".to_owned());
    assert_eq!(labels[LABELLED..], [Ok(30), zero.clone(), zero]);
    assert_eq!(asked.load(Ordering::SeqCst), LABELLED + 3);

    let again = Attempt::new(&project, "other").until("clean").finish();
    assert_eq!(asked.load(Ordering::SeqCst), LABELLED + 3, "another run pays nothing");
    assert_eq!(again.bytes("clean/train.jsonl"), run.bytes("clean/train.jsonl"));
}

#[test]
fn a_model_folder_may_teach_and_where_it_tells_nothing_the_ledger_is_printed() {
    let project = project("{listed: {}}");
    let run = Attempt::new(&project, "run").until("model").finish();
    let folder = run.artifact("model/model").display().to_string();
    project.write("ask.txt", "{problem}\n{solution}\nHow many steps?");
    let path = project.path("").display().to_string();
    let source = format!(
        "annotate.source={{teacher: {{model: {{folder: {{path: '{folder}', batch: 5}}}}, prompt: '{path}/ask.txt', \
         sampling: {{max_tokens: 4}}, cache: '{path}/answers'}}}}"
    );
    let attempt =
        || Attempt::new(&project, "taught").set("annotate.max_rows=12").set(source.clone());
    let error = attempt().until("clean").error();
    assert!(error.contains("nothing is left for train"), "{error}");
    assert!(error.contains("clean: 12 rows read = 0 kept + 12 dropped"), "{error}");
    let kept = read(&project.path("answers/answers.jsonl"));
    assert_eq!(String::from_utf8_lossy(&kept).lines().count(), 12);
    let taught = Finished { folder: project.path("taught") };
    let rows: Vec<AnnotatedQuestion> = taught.rows("annotate/annotated.jsonl");
    assert!(rows.iter().all(|row| row.written.is_some()));
    attempt().from("annotate").until("clean").error();
    assert_eq!(read(&project.path("answers/answers.jsonl")), kept, "nothing is written twice");
}
