//! Rewards of form. Numbers are those of open-r1 and TRL 1.16.

use forethought_reward::{
    CodeFormatConfig, Fields, FormatConfig, FormatSemantics, Language, PatternConfig,
    ReasoningStepsConfig, RepetitionConfig, Sample, SoftOverlongConfig, TagCount, ThinkBoxed,
    ThinkFormat,
};

const WHOLE: &str = "<think>\nLet me think.\n</think>\n<answer>\n\\boxed{4}\n</answer>";

#[test]
fn the_format_of_open_r1_wants_tags_on_lines_of_their_own() {
    let value = |text: &str| FormatConfig::default().init().judge(text).value;
    assert_eq!(value(WHOLE), Some(1.0));
    assert_eq!(value("<think>a</think><answer>4</answer>"), Some(0.0));
    assert_eq!(value(&format!(" {WHOLE}")), Some(0.0));
    // `$` under MULTILINE is the end of any line.
    assert_eq!(value(&format!("{WHOLE}\nmore")), Some(1.0));
    assert_eq!(value(&format!("{WHOLE} more")), Some(0.0));
}

#[test]
fn the_format_of_february_2025_does_not_go_over_a_line() {
    let early = FormatConfig { semantics: FormatSemantics::OpenR1Early }.init();
    assert_eq!(early.judge("<think>a</think><answer>4</answer>").value, Some(1.0));
    assert_eq!(early.judge("<think>a</think><answer>4</answer>\n").value, Some(1.0));
    assert_eq!(early.judge("<think>a\nb</think><answer>4</answer>").value, Some(0.0));
    assert_eq!(early.judge(WHOLE).value, Some(0.0));
}

#[test]
fn trl_wants_one_opening_tag_at_the_start_and_a_closing_one() {
    let cases = [
        ("<think>\nreason\n</think>\nanswer", 1.0),
        ("<think>\n</think>", 1.0),
        ("<think>a</think><think>b</think>c", 0.0),
        ("<think>a<think>b</think>", 0.0),
        ("pre <think>a</think>", 0.0),
        ("no think", 0.0),
    ];
    for (text, value) in cases {
        assert_eq!(ThinkFormat.judge(text).value, Some(value), "{text:?}");
    }
}

#[test]
fn the_notebooks_want_thinking_and_then_a_closed_box() {
    let value = |text: &str| ThinkBoxed.judge(text).value;
    assert_eq!(value(r"<think>a</think> so \boxed{\frac{1}{2}}"), Some(1.0));
    assert_eq!(value(r"<think>\boxed{1}</think> so 1"), Some(0.0));
    assert_eq!(value(r"<think>a</think> \boxed{1"), Some(0.0));
    assert_eq!(value(r"a</think> \boxed{1}"), Some(0.0));
}

#[test]
fn code_stands_in_a_fence_within_the_answer() {
    let python = CodeFormatConfig::default().init().expect("it names a language");
    let text = "<think>\na\n</think>\n<answer>\n```python\nx = 1\n```\n</answer>";
    assert_eq!(python.judge(text).value, Some(1.0));
    assert_eq!(python.judge(&text.replace("python", "cpp")).value, Some(0.0));
    let unnamed = CodeFormatConfig { language: String::new() }.init();
    assert_eq!(unnamed.expect_err("no language").to_string(), "language must not be empty");
}

#[test]
fn each_tag_that_is_there_once_earns_a_quarter() {
    let value = |text: &str| TagCount.judge(text).value;
    assert_eq!(value(WHOLE), Some(1.0));
    assert_eq!(value("<think>\na\n</think>\n"), Some(0.5));
    assert_eq!(value(&WHOLE.replace("<answer>\n", "")), Some(0.75));
    assert_eq!(value("<think>\n<think>\na"), Some(0.0));
}

#[test]
fn three_steps_earn_everything() {
    let steps = ReasoningStepsConfig::default().init().expect("in range");
    assert_eq!(steps.judge("Step 1: a\nStep 2: b\nStep 3: c").value, Some(1.0));
    assert_eq!(steps.judge("1. a\n2. b").value, Some(1.0 / 3.0));
    assert_eq!(steps.judge("First, a.\n- b").value, Some(2.0 / 3.0));
    assert_eq!(steps.judge("").value, Some(0.0));
    let none = ReasoningStepsConfig { steps: 0 }.init().expect_err("out of range");
    assert_eq!(none.to_string(), "steps must be at least 1, got 0");
}

fn repetition(language: Language, ngram_size: usize, text: &str) -> f64 {
    let config = RepetitionConfig { language, ngram_size, ..RepetitionConfig::default() };
    let fields = Fields::new();
    let tokens: Vec<u32> = text.bytes().map(u32::from).collect();
    let sample = Sample::new(text, &fields).with_tokens(&tokens);
    config.init().expect("in range").judge(&sample).value.expect("judged")
}

#[test]
fn repeated_words_are_punished_by_their_share() {
    let cases = [
        (1, "this is a this is a test", -0.428_571_428_571_428_6),
        (3, "this is a this is a test", -0.2),
        (2, "word word word word word word", -0.8),
        (2, "two words", 0.0),
        (3, "two words", 0.0),
        (1, "  spaced\tout\n\nWords words WORDS ", -0.4),
        (1, "İstanbul ISTANBUL istanbul straße STRASSE", -0.2),
        (1, "", 0.0),
    ];
    for (size, text, expected) in cases {
        let found = repetition(Language::En, size, text);
        assert!((found - expected).abs() < 1e-12, "{text:?}: {found}");
    }
}

#[test]
fn tokens_are_counted_as_they_are() {
    // [1, 2, 3, 4] and [5, 5, 5, 5, 5] of TRL's example.
    assert!(repetition(Language::Tokens, 2, "abcd").abs() < 1e-12);
    assert!((repetition(Language::Tokens, 2, "aaaaa") + 0.75).abs() < 1e-12);
}

/// The first two numbers are open-r1's with jieba 0.42.1, which keeps the spaces between words as words of their own. The
/// third text is cut into 人 得到 一个 问题 ， 人 得到 一个 问题.
#[cfg(feature = "chinese")]
#[test]
fn chinese_is_cut_into_words() {
    let cases = [
        (3, "this is a this is a test", -4.0 / 11.0),
        (3, "word word word word word word", -7.0 / 9.0),
        (2, "人得到一个问题，人得到一个问题", -3.0 / 8.0),
    ];
    for (size, text, expected) in cases {
        let found = repetition(Language::Zh, size, text);
        assert!((found - expected).abs() < 1e-12, "{text}: {found}");
    }
}

/// DAPO's equation 13 with L = 512 and C = 128, as open-r1 and TRL compute it.
#[test]
fn the_last_tokens_before_the_limit_are_punished_more_and_more() {
    let config = SoftOverlongConfig { max_completion_len: 512, soft_punish_cache: 128 };
    let reward = config.init().expect("in range");
    let cases =
        [(0, 0.0), (384, 0.0), (385, -0.007_812_5), (450, -0.515_625), (512, -1.0), (513, -1.0)];
    for (length, expected) in cases {
        assert_eq!(reward.judge(length).value, Some(expected), "{length}");
    }
    let whole = SoftOverlongConfig { max_completion_len: 20, soft_punish_cache: 20 };
    assert_eq!(whole.init().expect("in range").judge(1).value, Some(-0.05));
    let error = SoftOverlongConfig { max_completion_len: 20, soft_punish_cache: 21 }.init();
    assert_eq!(
        error.expect_err("out of range").to_string(),
        "soft_punish_cache must not be greater than max_completion_len, 20, got 21"
    );
}

#[test]
fn an_expression_of_ones_own_is_linear_and_bounded() {
    let pattern = |regex: &str| PatternConfig { regex: regex.to_owned() }.init();
    let reward = pattern(r"\A<answer>\d+</answer>\z").expect("valid");
    assert_eq!(reward.judge("<answer>42</answer>").value, Some(1.0));
    assert_eq!(reward.judge("<answer>forty</answer>").value, Some(0.0));
    // An expression that takes a backtracking engine exponential time takes this one a moment.
    let start = std::time::Instant::now();
    let bomb = pattern("(a+)+b").expect("valid");
    assert_eq!(bomb.judge(&"a".repeat(50_000)).value, Some(0.0));
    assert!(start.elapsed().as_secs() < 5, "{:?}", start.elapsed());
    let too_large = pattern("((a{0,999}){0,999}){0,999}").expect_err("refused").to_string();
    assert!(too_large.contains("exceeds size limit"), "{too_large}");
    let unclosed = pattern("(").expect_err("refused").to_string();
    assert!(unclosed.starts_with("regex `(` cannot be used: "), "{unclosed}");
}
