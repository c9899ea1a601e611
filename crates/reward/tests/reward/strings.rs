//! Rewards that compare strings. Numbers are those of python-Levenshtein 0.27.5 and of verl's copies of Hendrycks' code.

use forethought_reward::{
    AgainstSolution, BoxedAccuracyConfig, Gsm8kConfig, LevenshteinConfig, Method, Space, Verdict,
    final_number, is_equiv, normalized, ratio,
};

#[test]
fn a_substitution_costs_two() {
    let cases = [
        ("kitten", "sitting", 8.0 / 13.0),
        ("flaw", "lawn", 0.75),
        ("人得到一个问题", "人得到问题", 10.0 / 12.0),
        ("Saturday", "Sunday", 10.0 / 14.0),
        ("", "", 1.0),
        ("a", "", 0.0),
        ("né", "ne", 0.5),
    ];
    for (left, right, expected) in cases {
        assert!((ratio(left, right) - expected).abs() < 1e-12, "{left} {right}");
    }
}

#[test]
fn only_what_follows_the_reasoning_is_compared() {
    let keep = LevenshteinConfig::default().init().expect("in range");
    let value = |completion: &str, solution: &str| keep.judge(completion, solution).value;
    assert_eq!(value("<think>a</think>hello", "hello"), Some(1.0));
    assert_eq!(value("<think>a</think>\nhello", "hello"), Some(10.0 / 11.0));
    assert_eq!(value("hello", "hello"), Some(0.0));
    assert_eq!(value("a</think>b</think>kitten", "sitting"), Some(8.0 / 13.0));
    assert_eq!(value("</think>", ""), Some(1.0));
    let trim = LevenshteinConfig { space: Space::Trim, ..LevenshteinConfig::default() };
    let trim = trim.init().expect("in range");
    assert_eq!(trim.judge("<think>a</think>\nhello ", "hello").value, Some(1.0));
}

#[test]
fn a_text_that_is_too_long_to_compare_is_left_unjudged() {
    let config = LevenshteinConfig { max_chars: 5, ..LevenshteinConfig::default() };
    let reward = config.init().expect("in range");
    assert_eq!(reward.judge("</think>hello", "hello").value, Some(1.0));
    let score = reward.judge("</think>hello!", "hello");
    assert_eq!((score.value, score.verdict), (None, Verdict::Undecided));
    assert_eq!(score.reason, "the answer has more than the 5 characters of max_chars");
}

#[test]
fn answers_are_tidied_before_they_are_compared() {
    let tidied = [
        ("1/2", r"\frac{1}{2}"),
        (r"\dfrac{1}{2}", r"\frac{1}{2}"),
        (".5", r"\frac{1}{2}"),
        (r"\frac12", r"\frac{1}{2}"),
        (r"\frac1{72}", r"\frac{1}{72}"),
        (r"\sqrt3", r"\sqrt{3}"),
        (r"50\%", "50"),
        (r"10\text{ cm}", "10"),
        ("x=5", "5"),
        ("abc=5", "abc=5"),
        (r"\left(1,2\right)", "(1,2)"),
        (r"90^\circ", "90"),
        ("1,000", "1,000"),
        ("5.0", "5.0"),
        ("007/2", "007/2"),
        (r"\sqrt", r"\sqrt"),
    ];
    for (answer, expected) in tidied {
        assert_eq!(normalized(answer), expected, "{answer}");
    }
    assert!(is_equiv("3/4", r"\tfrac34") && !is_equiv("5.0", "5"));
}

#[test]
fn the_last_box_is_compared_with_the_solution() {
    let reward = BoxedAccuracyConfig::default().init();
    let judge = |completion: &str, solution: &str| reward.judge(completion, solution);
    assert_eq!(judge(r"\boxed{1} so \boxed{\frac12}", r"\boxed{1/2}").value, Some(1.0));
    assert_eq!(judge(r"\boxed{1}", "2").value, Some(0.0));
    assert_eq!(judge(r"\boxed{1", "1").verdict, Verdict::Unparseable);
}

#[test]
fn the_final_number_of_gsm8k_is_read_as_verl_reads_it() {
    let cases = [
        ("The answer is #### 42", Some("42"), Some("42")),
        ("#### 1,234", Some("1234"), Some("1,234")),
        ("#### -5.5", Some("-5.5"), Some("-5.5")),
        ("#### $12", None, Some("12")),
        ("x = 7", None, Some("7")),
        ("no", None, None),
        ("#### 1 then #### 2", Some("2"), Some("2")),
        ("a 1,000 b .", None, Some("1,000")),
        ("#### 12.", Some("12."), Some("12.")),
    ];
    for (text, strict, flexible) in cases {
        assert_eq!(final_number(text, Method::Strict).as_deref(), strict, "{text}");
        assert_eq!(final_number(text, Method::Flexible).as_deref(), flexible, "{text}");
    }
    let reward = Gsm8kConfig { format_score: 0.1, ..Gsm8kConfig::default() };
    let reward = reward.init().expect("in range");
    assert_eq!(reward.judge("#### 1,234", "so #### 1,234").value, Some(1.0));
    assert_eq!(reward.judge("#### 5", "1234").value, Some(0.1));
    assert_eq!(reward.judge("1234", "1234").value, Some(0.0));
}
