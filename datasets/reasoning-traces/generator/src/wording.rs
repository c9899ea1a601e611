//! How a question is dressed: openings and facts that do not matter, drawn apart from the problem itself.
//!
//! They make the length of the question say little about the length of the thinking.

use crate::draw::Draw;
use crate::language::{Language, say};
use crate::tokens::estimate_tokens;

/// A fact that has nothing to do with the problem; the solver only remarks that it is not needed.
#[derive(Clone, Debug)]
pub(crate) struct Aside {
    sentence: String,
    /// What the fact is about, for the solver's remark.
    about: &'static str,
}

impl Aside {
    /// The solver's remark.
    pub(crate) fn remark(&self, language: Language) -> String {
        let about = self.about;
        say!(language, "The {about} do not matter.", "{about}与此无关。")
    }
}

const ENGLISH_NAMES: [&str; 12] =
    ["Mia", "Leo", "Ann", "Ben", "Eva", "Tom", "Zoe", "Max", "Lily", "Jack", "Nora", "Sam"];

const CHINESE_NAMES: [&str; 12] = [
    "小明", "小红", "小华", "小丽", "小刚", "小芳", "小军", "小云", "小林", "小兰", "小龙", "小雨",
];

/// The names people have in a language.
pub(crate) fn names(language: Language) -> &'static [&'static str] {
    language.choose(&ENGLISH_NAMES, &CHINESE_NAMES)
}

/// A random name.
pub(crate) fn name(language: Language, draw: &mut Draw) -> &'static str {
    draw.pick(names(language))
}

/// Draws a fact that does not matter.
fn aside(language: Language, draw: &mut Draw) -> Aside {
    let number = draw.within(2..=98);
    let name = name(language, draw);
    let (sentence, about) = match draw.below(8) {
        0 => (
            say!(language, "The room has {number} windows.", "房间有{number}扇窗。"),
            ["windows", "窗"],
        ),
        1 => (
            say!(language, "{name} has {number} books at home.", "{name}家里有{number}本书。"),
            ["books", "书"],
        ),
        2 => (
            say!(language, "There are {number} trees outside the house.", "屋外有{number}棵树。"),
            ["trees", "树"],
        ),
        3 => (
            say!(language, "Last year {name} saw {number} birds.", "去年{name}看到{number}只鸟。"),
            ["birds", "鸟"],
        ),
        4 => (
            say!(
                language,
                "{name} bought {number} apples for lunch.",
                "{name}午饭买了{number}个苹果。"
            ),
            ["apples", "苹果"],
        ),
        5 => (
            say!(
                language,
                "The street of {name} has {number} lamps.",
                "{name}家的街上有{number}盏灯。"
            ),
            ["lamps", "灯"],
        ),
        6 => (
            say!(
                language,
                "{name} owns {number} pens and likes music.",
                "{name}有{number}支笔，也喜欢音乐。"
            ),
            ["pens", "笔"],
        ),
        _ => (
            say!(
                language,
                "In the garden there are {number} flowers in bloom today.",
                "今天花园里开了{number}朵花。"
            ),
            ["flowers", "花"],
        ),
    };
    let [english, chinese] = about;
    Aside { sentence, about: language.choose(english, chinese) }
}

const ENGLISH_OPENINGS: [&str; 6] = [
    "Here is a problem. ",
    "Please solve this. ",
    "A question from the book: ",
    "Can you help me with this one? ",
    "Take your time with this problem. ",
    "I found this in an old book and would like to know the result. ",
];

const CHINESE_OPENINGS: [&str; 6] = [
    "有一道题。",
    "请解这道题。",
    "书里有一题：",
    "你能帮我看看这道题吗？",
    "这道题请慢慢想。",
    "我在一本旧书里看到这道题，想知道结果。",
];

/// A core below so many tokens always gets an opening.
const SHORT: usize = 15;

/// A question around its core, and the facts in it that do not matter.
pub(crate) fn dress(core: &str, language: Language, draw: &mut Draw) -> (String, Vec<Aside>) {
    let num_asides = draw.pick(&[0, 0, 0, 1, 1, 2]);
    let asides: Vec<Aside> = (0..num_asides).map(|_| aside(language, draw)).collect();
    let openings = language.choose(&ENGLISH_OPENINGS, &CHINESE_OPENINGS);
    let gap = language.choose(" ", "");
    let mut question = String::new();
    if draw.percent(40) || estimate_tokens(core) < SHORT {
        question.push_str(draw.pick(openings));
    }
    for aside in &asides {
        question.push_str(&aside.sentence);
        question.push_str(gap);
    }
    question.push_str(core);
    (question, asides)
}
