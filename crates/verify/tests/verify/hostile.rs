//! Input made to crash, to overflow a stack or to take long.

use std::time::Instant;

use forethought_verify::{Limits, Rules, extract, verify};

/// Pieces that random texts are made of.
const PIECES: &[&str] = &[
    "1",
    "2",
    "9",
    "0.5",
    "x",
    "y",
    "n",
    "e",
    "i",
    "+",
    "-",
    "*",
    "/",
    "^",
    "_",
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "|",
    ",",
    ";",
    ":",
    "=",
    "<",
    "!",
    "%",
    "'",
    "&",
    "~",
    "\\\\",
    "\\frac",
    "\\sqrt",
    "\\pm",
    "\\cup",
    "\\cap",
    "\\infty",
    "\\sum_{k=1}^{999}",
    "\\prod",
    "\\int_0^1",
    "\\lim_{x\\to 0}",
    "\\sin",
    "\\ln",
    "\\log_2",
    "\\pi",
    "\\circ",
    "\\begin{pmatrix}",
    "\\end{pmatrix}",
    "\\begin{cases}",
    "\\{",
    "\\}",
    "\\mid",
    "\\text{a}",
    "\\text{ cm}",
    "\\le",
    "\\neq",
    "\\in",
    "\\approx",
    "\\left",
    "\\right",
    "\\overline{3}",
    "\\mathbb{R}",
    "9^{9^9}",
    "99!",
    "1000000!",
    "\\binom{99}{5}",
    "$",
    "$$",
    "\\(",
    "\\)",
    "\\boxed{",
    "\\boxed",
    "answer:",
    "final answer is",
    "####",
    "元",
    "百分之",
    "三",
    "é",
    "∞",
    "²",
    "½",
    " ",
    "\n",
    "e-5",
    "1,000",
    "and",
    "or",
    "km",
    "percent",
    "\\",
    "\\mathrm{",
    "_{16}",
    "A",
];

/// A generator for tests (xorshift64*), seeded so that a failure comes again.
pub(crate) fn texts(seed: u64, count: usize) -> impl Iterator<Item = String> {
    let mut state = seed | 1;
    let mut next = move || {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        usize::try_from(state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33).expect("31 bits")
    };
    (0..count).map(move |_| {
        let length = next() % 40;
        let body: String = (0..length).map(|_| PIECES[next() % PIECES.len()]).collect();
        if next() % 2 == 0 { format!("${body}$") } else { body }
    })
}

/// `FORETHOUGHT_FUZZ=1000000` runs a million.
#[test]
fn random_texts_cause_no_panic() {
    let count = std::env::var("FORETHOUGHT_FUZZ")
        .ok()
        .and_then(|count| count.parse().ok())
        .unwrap_or(20_000);
    let mut before = String::from("1");
    for text in texts(7, count) {
        let start = Instant::now();
        let judgement = verify(&before, &text);
        let took = start.elapsed();
        // A debug build on a busy machine is slow; what has no bound takes minutes.
        assert!(took.as_secs() < 20, "{before:?} and {text:?} took {took:?}: {judgement:?}");
        before = text;
    }
}

/// Nested far deeper than a stack is.
fn nested() -> Vec<String> {
    let deep = |open: &str, inner: &str, close: &str, times: usize| {
        format!("${}{inner}{}$", open.repeat(times), close.repeat(times))
    };
    vec![
        deep("(", "1", ")", 100_000),
        deep("{", "1", "}", 100_000),
        deep("\\frac{1}{", "2", "}", 20_000),
        deep("\\sqrt{", "2", "}", 20_000),
        deep("[(", "1", ")]", 20_000),
        deep("\\{", "1", "\\}", 20_000),
        deep("|", "x", "|", 20_000),
        deep("f(", "x", ")", 20_000),
        deep("-", "1", "", 100_000),
        deep("2^", "2", "", 100_000),
        deep("2^{", "2", "}", 20_000),
        deep("x!", "", "", 50_000),
        deep("x_", "1", "", 50_000),
        deep("\\sin ", "x", "", 50_000),
        deep("\\boxed{", "1", "}", 50_000),
        deep("\\begin{pmatrix}", "1", "\\end{pmatrix}", 5_000),
        deep("1\\cup ", "1", "", 50_000),
        deep("x\\pm ", "1", "", 50_000),
        deep("\\sum_{k=1}^{999}", "k", "", 40),
        deep("1:", "1", "", 50_000),
        deep("x=", "1", "", 50_000),
    ]
}

/// A megabyte of one piece.
fn long() -> impl Iterator<Item = String> {
    [
        "$",
        "1",
        "1 ",
        "\\boxed{",
        "\\boxed ",
        "answer ",
        "answer: $",
        "\\[",
        "\\(",
        "1,",
        "####",
        "(",
        "\\",
        "答案",
        "x^",
        "\\frac",
        "$1$ and ",
        ". ",
        " is ",
        "it is 2x. ",
        "5 m ",
        "5 m/s ",
        "2 h 30 min ",
        "5 kg 3 g ",
        "5\\mathrm{m^{2}}",
        "1\\mu",
        "5 kg·",
        "**1** ",
        "{x|",
        "C(2,1)/",
        "P(X=",
        "\\begin{cases}1&x<0\\\\",
        "(x=1舍去）",
        "2, about ",
    ]
    .into_iter()
    .map(|piece| piece.repeat(1_000_000 / piece.len()))
}

/// Small texts with huge values.
const HUGE: &[&str] = &[
    "9^{9^{9^9}}",
    "1000000!",
    "2^{2^{2^{2^{2^2}}}}",
    r"\binom{10^9}{10^8}",
    r"\sum_{k=1}^{10^9} k",
    "10^{10^{10}}",
    "1e999999",
    "0^0",
    "0^{-1}",
    r"\frac00",
    "x^{99999999}",
    "(x+1)^{10^6}",
];

#[test]
fn deep_long_and_huge_input_ends_at_once() {
    let huge = HUGE.iter().map(|text| (*text).to_owned());
    for input in nested().into_iter().chain(long()).chain(huge) {
        let start = Instant::now();
        let judgement = verify(&input, "1");
        let again = verify("x+1", &input);
        let took = start.elapsed();
        let shown: String = input.chars().take(30).collect();
        assert!(took.as_secs() < 20, "{shown} took {took:?}: {judgement:?} {again:?}");
    }
}

#[test]
fn limits_are_kept_and_say_so() {
    use forethought_verify::{Verdict, equivalent};
    let few = Limits { steps: 40, ..Limits::default() };
    let rules = Rules::default();
    let gold = extract("(x+1)^2(x-3)", &rules, &Limits::default());
    let answer = extract("x^3-x^2-5x-3", &rules, &Limits::default());
    assert_eq!(equivalent(&gold, &answer, &few).verdict, Verdict::Undecided);
    assert_eq!(equivalent(&gold, &answer, &Limits::default()).verdict, Verdict::Equal);
    let shallow = Limits { depth: 5, ..Limits::default() };
    assert!(!extract(r"$\sqrt{1+\sqrt{1+\sqrt{1+x}}}$", &rules, &shallow).is_read());
}
