//! The page, the table and the file: complete, well-formed, and safe with whatever text they are given.

use forethought_evaluate::{
    Chart, ClassCount, Dropped, Entry, Fact, LedgerStage, LogProbDifference, Outcome, Report,
    Sample, Series, StageDuration, Target, html, table, text_table,
};
use unicode_width::UnicodeWidthStr;

use crate::{outcome, outcomes};

/// What must not reach the page as markup.
const EVIL: &str = "<script>alert('x')</script> & \"quotes\" 1 < 2";

fn full() -> Report {
    let mut report = Report::new("A run", Target::thinking_tokens(25));
    report.entries = vec![
        Entry::baseline("nearest neighbours", &outcomes(20, 80), 25),
        Entry::model("after SFT", &outcomes(60, 40), 25),
    ];
    report.data = vec![ClassCount { class: 3, train: 900, validation: 100 }];
    report.ledger = vec![LedgerStage {
        stage: "ingest".to_owned(),
        read: 1234,
        kept: 1000,
        dropped: vec![Dropped { reason: "unfinished".to_owned(), count: 234 }],
    }];
    report.charts = vec![Chart {
        title: "SFT: loss".to_owned(),
        y_label: "nats".to_owned(),
        series: vec![Series::new("training", [(1, 4.0), (2, f64::NAN), (3, 1.0)])],
    }];
    report.samples = vec![sample("How many?", "about 3")];
    report.configuration.push_str("seed: 42\n");
    report.facts.seed = Some(42);
    report.facts.lines = vec![Fact { name: "version".to_owned(), value: "1.2.3".to_owned() }];
    report.facts.stages =
        vec![StageDuration { stage: "sft".to_owned(), seconds: 192.4, is_reused: true }];
    report.facts.log_prob_difference = Some(LogProbDifference { mean: 2e-7, max: 8.5e-6 });
    report
}

fn sample(question: &str, completion: &str) -> Sample {
    let outcome = outcome(3, Some(3.0));
    Sample { question: question.to_owned(), completion: completion.to_owned(), outcome }
}

fn page(report: &Report) -> String {
    html(report).expect("every report can be drawn")
}

/// Every element that is opened is closed, in order; attributes hold no `>`.
#[track_caller]
fn assert_well_formed(page: &str) {
    const VOID: [&str; 2] = ["meta", "!DOCTYPE"];
    let mut open = Vec::new();
    for tag in page.split('<').skip(1) {
        let (inside, _) = tag.split_once('>').unwrap_or_else(|| panic!("no end: {tag}"));
        let name = inside.split_whitespace().next().unwrap_or_default();
        if let Some(closed) = name.strip_prefix('/') {
            assert_eq!(open.pop(), Some(closed), "in {tag}");
        } else if !inside.ends_with('/') && !VOID.contains(&name) {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "still open: {open:?}");
}

#[test]
fn a_full_page_shows_every_section_with_its_numbers() {
    let page = page(&full());
    assert_well_formed(&page);
    for id in ["results", "models", "samples", "training", "data", "run", "words"] {
        assert!(page.contains(&format!("<section id=\"{id}\">")), "{id}");
    }
    let shown = [
        "Beats every baseline",
        "<td>60.0%<small>50.2–69.1</small></td>", // 60 of 100, Wilson
        "<td>20.0%<small>13.3–28.9</small></td>",
        "1,234",
        "unfinished",
        "How many?",
        "about 3",
        "3 min 12 s (taken over from an earlier run)",
        "2.00e-7 nats on average, 8.50e-6 at most",
        "values that were not finite: 1",
        "class 10 is 250 to 274 tokens",
        "seed: 42",
        "1.2.3",
    ];
    for text in shown {
        assert!(page.contains(text), "{text}");
    }
}

#[test]
fn a_report_on_steps_speaks_of_steps() {
    let mut rows = outcomes(3, 1);
    rows.push(outcome(3, None));
    let mut report = Report::new("Steps", Target::steps());
    report.entries = vec![Entry::model("after SFT", &rows, 1)];
    report.samples = vec![sample("How many?", "3")];
    let page = page(&report);
    assert_well_formed(&page);
    let shown = [
        "predicts in how many steps it will be answered",
        "predicts the exact number of steps for 60.0% of 5 validation questions and is at most one step off for 60.0%",
        "<td>60.0%<small>23.1–88.2</small></td>", // 3 of all 5, Wilson
        "<td>75.0%<small>30.1–95.4</small></td>", // 3 of the 4 that hold a number
        "strict of parsed</th>",
        "MAE, steps",
        "predicted − true steps",
        "expects too few steps, right of it too many steps",
    ];
    for text in shown {
        assert!(page.contains(text), "{text}");
    }
    for absent in ["±0.5", "tokens", "true class", "thinking"] {
        assert!(!page.contains(absent), "{absent}");
    }
    let text = table(&report);
    assert!(text.contains("+-1 of parsed  MAE, steps"), "{text}");
    assert!(!text.contains("class"), "{text}");
}

#[test]
fn a_page_asks_for_nothing_and_runs_nothing() {
    let page = page(&full());
    for forbidden in ["://", "<script", "<link", "src=", "href=", "@import", "url(", "onload"] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    assert!(page.contains("default-src &#x27;none&#x27;") || page.contains("default-src 'none'"));
}

#[test]
fn sections_without_data_are_left_out() {
    let page = page(&Report::new("Nothing yet", Target::thinking_tokens(25)));
    assert_well_formed(&page);
    for id in ["results", "models", "samples", "training", "data", "run"] {
        assert!(!page.contains(&format!("<section id=\"{id}\">")), "{id}");
    }
    for absent in ["<table", "<svg", "NaN", "<figure", "class=\"badge"] {
        assert!(!page.contains(absent), "{absent}");
    }
    assert!(page.contains("No model was evaluated."));
}

#[test]
fn empty_parts_do_not_look_broken() {
    let mut report = full();
    report.entries = vec![Entry::model("untrained", &[], 25)];
    report.charts[0].series = vec![Series::new("empty", [])];
    report.ledger[0].dropped.clear();
    report.data[0] = ClassCount { class: 3, train: 0, validation: 0 };
    let page = page(&report);
    assert_well_formed(&page);
    assert!(!page.contains("NaN") && !page.contains("inf"), "{page}");
    assert!(
        !page.contains("<section id=\"training\">") && !page.contains("<section id=\"models\">")
    );
    assert!(page.contains("<td class=\"text\">nothing</td>"));
}

#[test]
fn a_ledger_that_does_not_add_up_is_called_out() {
    let mut report = full();
    assert!(page(&report).contains("Every row is accounted for"));
    report.ledger[0].kept -= 1;
    let page = page(&report);
    assert!(page.contains("Rows are missing: read is not kept + left out in ingest."));
    assert!(!page.contains("Every row is accounted for"));
}

#[test]
fn no_text_becomes_markup() {
    let evil = || EVIL.to_owned();
    let mut report = full();
    report.title = evil();
    report.entries = vec![
        Entry::baseline(EVIL, &outcomes(20, 80), 25),
        Entry::model(EVIL, &outcomes(60, 40), 25),
    ];
    report.ledger[0].stage = evil();
    report.ledger[0].dropped[0].reason = evil();
    report.charts[0].title = evil();
    report.charts[0].y_label = evil();
    report.charts[0].series[0].name = evil();
    report.samples = vec![sample(EVIL, EVIL)];
    report.configuration = evil();
    report.facts.lines = vec![Fact { name: evil(), value: evil() }];
    report.facts.stages[0].stage = evil();
    let page = page(&report);
    assert_well_formed(&page);
    assert!(!page.contains("<script"));
    assert!(!page.contains("1 < 2"));
    let escaped = page.matches("&lt;script&gt;alert(").count();
    assert!(escaped >= 16, "the text is there, as text: {escaped} times");
}

#[test]
fn hundreds_of_classes_share_the_rows_of_the_heat_map() {
    let rows: Vec<Outcome> =
        (0..4000_u32).map(|i| outcome(i % 321, Some(f64::from(i % 300)))).collect();
    let mut report = Report::new("Many classes", Target::thinking_tokens(25));
    report.entries = vec![Entry::model("m", &rows, 25)];
    let page = page(&report);
    assert_well_formed(&page);
    assert!(page.len() < 1_000_000, "{} bytes", page.len());
    // 321 classes are 65 rows of 5; a label stands at every fiftieth class.
    assert!(page.contains("\n300\n</text>") && page.contains("\n50\n</text>"));
}

#[test]
fn absurd_predictions_are_drawn_and_counted() {
    let predictions = [Some(1e300), Some(-1e300), Some(-4.0), None, Some(3.0)];
    let mut report = full();
    report.entries = vec![Entry::model("m", &predictions.map(|one| outcome(3, one)), 25)];
    let page = page(&report);
    assert_well_formed(&page);
    assert!(page.contains("≥12") && page.contains("≤−12"));
    assert!(page.contains("e301"), "the mean error is shown as a power of ten");
    assert!(page.contains("<td>20.0%<small>3.6–62.4</small></td>"), "1 of 5");
}

#[test]
fn a_report_is_the_same_after_writing_and_reading_it() {
    let report = full();
    let json = serde_json::to_string(&report).expect("plain data");
    let read: Report = serde_json::from_str(&json).expect("the same data");
    assert_eq!(read, report);
    assert_eq!(read.charts[0].series[0].num_not_finite, 1);
    let error = serde_json::from_str::<Report>(&json.replacen("\"title\"", "\"titel\"", 1));
    assert!(error.expect_err("misspelt").to_string().contains("titel"));
}

#[test]
fn the_same_report_makes_the_same_page() {
    assert_eq!(page(&full()), page(&full()));
}

#[test]
fn columns_line_up_whatever_the_script() {
    let rows = [["最频繁的类", "3.1%"], ["after SFT", "100.0%"], ["k 近邻", "–"]];
    let rows: Vec<Vec<String>> = rows.iter().map(|row| row.map(str::to_owned).into()).collect();
    let text = text_table(&["", "strict"], &rows);
    let expected = [
        "            strict",
        "------------------",
        "最频繁的类    3.1%",
        "after SFT   100.0%",
        "k 近邻           –",
    ];
    assert_eq!(text.lines().collect::<Vec<_>>(), expected);
    assert!(text.lines().all(|line| line.width() == 18), "{text}");
}

#[test]
fn the_terminal_shows_values_above_their_intervals() {
    let text = table(&full());
    let lines: Vec<&str> = text.lines().collect();
    let row = lines.iter().position(|line| line.starts_with("after SFT")).expect("a row");
    let cells = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let values = ["after", "SFT", "60.0%", "60.0%", "60.0%", "60.0%", "270.0", "0.0%"];
    assert_eq!(cells(lines[row]), values);
    let shares = ["50.2-69.1"; 4];
    assert_eq!(cells(lines[row + 1])[..4], shares);
    assert!(text.contains("It beats every baseline on both"));
    assert!(text.contains("a class is 25 tokens of thinking wide"));
}
