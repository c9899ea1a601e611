//! The first number of a text: one table of rules, and what holds for any text.

use forethought_reward::first_number;
use proptest::prelude::*;

fn read(text: &str) -> Option<(f64, String)> {
    first_number(text).map(|number| (number.value, number.text))
}

#[test]
fn numbers_are_read_by_the_documented_rules() {
    let rules = [
        ("320", 320.0, "320"),
        (" 320 tokens", 320.0, "320"),
        ("估计的令牌数量范围在320", 320.0, "320"),
        ("第3步到第5步", 3.0, "3"),
        ("token320", 320.0, "320"),
        ("范围在 319-321", 319.0, "319"),
        ("答案：-5", -5.0, "-5"),
        ("--5", -5.0, "-5"),
        ("a-1b", -1.0, "-1"),
        ("+7", 7.0, "7"),
        ("The class is 12.", 12.0, "12"),
        ("约 12.5 左右", 12.5, "12.5"),
        ("1.5.2", 1.5, "1.5"),
        (".5", 0.5, ".5"),
        ("about -.5", -0.5, "-.5"),
        ("No.5", 5.0, "5"),
        ("...5", 5.0, "5"),
        ("1,000", 1.0, "1"),
        ("1_000", 1000.0, "1_000"),
        ("1__0", 1.0, "1"),
        ("1_", 1.0, "1"),
        ("1e3", 1000.0, "1e3"),
        ("2E-1x", 0.2, "2E-1"),
        ("12 e5", 12.0, "12"),
        ("7e", 7.0, "7"),
        ("0x10", 0.0, "0"),
        ("１２", 12.0, "１２"),
        ("٣", 3.0, "٣"),
        ("উত্তর ১২৩.৫", 123.5, "১২৩.৫"),
        ("999999999999999999999", 1e21, "999999999999999999999"),
    ];
    for (text, value, characters) in rules {
        assert_eq!(read(text), Some((value, characters.to_owned())), "{text:?}");
    }
}

#[test]
fn texts_without_a_number_have_none() {
    let too_large = format!("1{}", "0".repeat(400));
    for text in ["", "no number", "nan", "-inf", "三百二十", "½", "Ⅳ", "-", ".", too_large.as_str()]
    {
        assert_eq!(read(text), None, "{text:?}");
    }
}

#[test]
fn the_range_is_in_bytes_of_the_text() {
    let text = "范围在 -１２.5 左右";
    let number = first_number(text).expect("there is one");
    assert_eq!(number.range, 10..19);
    assert_eq!(&text[number.range.clone()], "-１２.5");
}

proptest! {
    #[test]
    fn a_whole_number_is_found_after_any_words(words in "[^0-9\\p{Nd}.-]{0,20}", number in any::<i32>()) {
        let text = format!("{words}{number} 5");
        let found = first_number(&text).expect("there is one");
        prop_assert!(found.value.total_cmp(&f64::from(number)).is_eq());
        prop_assert_eq!(found.range.start, words.len());
    }

    #[test]
    fn what_was_read_stands_where_it_says(text in "\\PC{0,40}") {
        if let Some(number) = first_number(&text) {
            prop_assert!(number.value.is_finite());
            prop_assert_eq!(&text[number.range.clone()], number.text.as_str());
            prop_assert_eq!(first_number(&number.text).map(|again| again.value), Some(number.value));
        }
    }
}
