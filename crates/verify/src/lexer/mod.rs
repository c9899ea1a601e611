//! From text to tokens: LaTeX and plain notation, spacing and styling dropped, numbers and units put together.

mod chinese;
mod command;
mod degree;
mod number;
mod numeral;
mod plain;
mod prefix;
mod vocabulary;
mod word;

use crate::expression::Relation;
use crate::limits::Budget;
use crate::number::Literal;
use crate::unit::{self, Unit};

pub(crate) use chinese::is_han;
pub(crate) use numeral::base_named;
pub(crate) use word::is_small_word;

/// One token.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Token {
    Number(Literal),
    Letter(char),
    /// A command of LaTeX under its usual name, without the backslash.
    Command(&'static str),
    /// Words inside `\text{…}`.
    Text(String),
    Unit(Unit),
    /// ℝ, ℤ and their kind.
    NumberSet(char),
    /// An operator, bracket or separator.
    Mark(char),
    SetOpen,
    SetClose,
    Relation(Relation),
    Approximately,
    Begin(String),
    End(String),
    /// The end of a row.
    Row,
}

/// How letters without a backslash are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// Each letter is a symbol.
    Latex,
    /// Words are prose, which is no expression.
    Plain,
}

/// Tokens, and which of them follow white space.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    pub(crate) all: Vec<Token>,
    pub(crate) spaced: Vec<bool>,
}

/// Reads a text; `None` where it has something that is no notation, or more tokens than the limits allow.
pub(crate) fn lex(source: &str, style: Style, budget: &Budget) -> Option<Tokens> {
    // TeX takes one digit for a subscript, but nobody means the logarithm to base 1 of 0.
    let mut source = std::borrow::Cow::Borrowed(source);
    for (written, meant) in
        [("log_10 ", "log_{10} "), ("log_10(", "log_{10}("), ("US$", "$"), ("US\\$", "\\$")]
    {
        if source.contains(written) {
            source = source.replace(written, meant).into();
        }
    }
    let source = plain::without_bold(&source);
    let lexer = Lexer::new(&source, style);
    lexer.run(budget)
}

/// What stands between two tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Before {
    #[default]
    Nothing,
    Space,
    /// The sign of a currency, which makes an amount of money of the number right behind it.
    Currency(&'static str),
}

struct Lexer {
    chars: Vec<char>,
    at: usize,
    style: Style,
    /// Whether `\\` ends a row.
    has_rows: bool,
    /// Whether commas outside brackets separate thousands.
    commas_group: bool,
    /// Whether a numeral may have a base behind it.
    has_subscripts: bool,
    /// What stands before the next token.
    before: Before,
    out: Tokens,
}

impl Lexer {
    fn new(source: &str, style: Style) -> Self {
        let chars = plain::tidy(source);
        let commas_group = number::commas_group(&chars);
        Self {
            chars,
            at: 0,
            style,
            has_rows: ["\\begin", "\\cr"].iter().any(|mark| source.contains(mark)),
            commas_group,
            has_subscripts: source.contains('_'),
            before: Before::Nothing,
            out: Tokens::default(),
        }
    }

    fn run(mut self, budget: &Budget) -> Option<Tokens> {
        while let Some(next) = self.peek() {
            budget.spend(1)?;
            if self.out.all.len() > budget.limits.tokens {
                return None;
            }
            if next.is_whitespace() || matches!(next, '~' | '$' | '"') {
                self.at += 1;
                if next == '$' && self.style == Style::Plain {
                    self.before = Before::Currency("dollar");
                } else if self.before == Before::Nothing {
                    self.before = Before::Space;
                }
                continue;
            }
            self.token(next)?;
        }
        Some(self.out)
    }

    fn token(&mut self, next: char) -> Option<()> {
        let may_be_numeral =
            self.has_subscripts && matches!(next, '0'..='9' | 'A'..='F' | '(' | '\\');
        if may_be_numeral && !self.is_subscript() && self.lettered_numeral() {
            return Some(());
        }
        match next {
            '0' if self.prefixed_numeral() => Some(()),
            '0'..='9' => self.amount(),
            '.' if self.ahead(1).is_some_and(|next| next.is_ascii_digit())
                || self.repeats_at(1) =>
            {
                self.amount()
            }
            '\\' => self.command(),
            'μ' | '\u{b5}' | 'Ω' | '\u{2126}' if self.prefixed_unit() => Some(()),
            _ if next.is_ascii_alphabetic() => self.word(),
            _ if chinese::is_han(next) => self.chinese(),
            _ => self.mark(next),
        }
    }

    /// A number; behind the sign of a currency it is an amount of money.
    fn amount(&mut self) -> Option<()> {
        let before = self.before;
        self.number()?;
        if let Before::Currency(name) = before {
            self.push_unit(name);
        }
        Some(())
    }

    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn ahead(&self, steps: usize) -> Option<char> {
        self.chars.get(self.at + steps).copied()
    }

    fn push(&mut self, token: Token) {
        if token == Token::Mark('}') && self.lone_in_braces() {
            return;
        }
        self.out.all.push(token);
        self.out.spaced.push(std::mem::take(&mut self.before) != Before::Nothing);
    }

    /// Drops the braces of `{}` and of `{\cup}`, which group nothing.
    fn lone_in_braces(&mut self) -> bool {
        let is_open = |token: Option<&Token>| token == Some(&Token::Mark('{'));
        let count = self.out.all.len();
        if is_open(self.out.all.last()) && !self.takes_argument(count - 1) {
            self.out.all.pop();
            self.out.spaced.pop();
            return true;
        }
        let is_operator = |token: &Token| {
            matches!(
                token,
                Token::Relation(_)
                    | Token::Command("cup" | "cap" | "setminus" | "cdot" | "div" | "pm" | "mp")
            )
        };
        let all = &mut self.out.all;
        if count > 1 && is_open(all.get(count - 2)) && is_operator(&all[count - 1]) {
            all.remove(count - 2);
            self.out.spaced.remove(count - 2);
            return true;
        }
        false
    }

    /// Whether the token before this one takes a group as its argument.
    fn takes_argument(&self, at: usize) -> bool {
        let before = at.checked_sub(1).map(|at| &self.out.all[at]);
        matches!(before, Some(Token::Mark('^' | '_' | '}') | Token::Command(_)))
    }

    /// Whether what comes next is a subscript or an exponent.
    fn is_subscript(&self) -> bool {
        matches!(self.last(), Some(Token::Mark('_' | '^')))
    }

    fn last(&self) -> Option<&Token> {
        self.out.all.last()
    }

    /// Whether a unit may follow what was read last.
    fn follows_value(&self) -> bool {
        matches!(
            self.last(),
            Some(
                Token::Number(_)
                    | Token::Unit(_)
                    | Token::Mark(')' | '}' | '%' | '!')
                    | Token::Command("pi")
            )
        )
    }

    /// Whether what was read last divides a unit by what comes next: `g/cm^3`.
    fn divides_unit(&self) -> bool {
        let is_unit = |token: &Token| matches!(token, Token::Unit(_));
        let recent = &self.out.all[self.out.all.len().saturating_sub(8)..];
        self.last() == Some(&Token::Mark('/')) && recent.iter().any(is_unit)
    }

    /// Whether something stands between the last token and the next.
    fn is_spaced(&self) -> bool {
        self.before != Before::Nothing
    }

    /// A separator between alternatives; several in a row are one.
    fn separator(&mut self) {
        if !matches!(self.last(), None | Some(Token::Mark(',' | ';'))) {
            self.push(Token::Mark(','));
        }
    }

    /// Whether these characters stand here.
    fn looking_at(&self, wanted: &str) -> bool {
        wanted.chars().enumerate().all(|(index, each)| self.ahead(index) == Some(each))
    }

    fn mark(&mut self, mark: char) -> Option<()> {
        if self.small_digits(mark) || (mark == '(' && self.base_phrase()) {
            return Some(());
        }
        if let Some(token) = symbol(mark) {
            self.at += 1;
            self.push(token);
            return Some(());
        }
        if let Some(index) = ['∛', '∜'].iter().position(|root| *root == mark) {
            self.at += 1;
            let index = if index == 0 { "3" } else { "4" };
            let index = Token::Number(Literal::integer(index));
            for token in [Token::Command("sqrt"), Token::Mark('['), index, Token::Mark(']')] {
                self.push(token);
            }
            return Some(());
        }
        let double = self.ahead(1) == Some('=');
        let relation = match mark {
            '<' if double => Some(Relation::LessEqual),
            '>' if double => Some(Relation::GreaterEqual),
            // `6!=720` is about a factorial.
            '!' if double && !matches!(self.last(), Some(Token::Number(_))) => {
                Some(Relation::NotEqual)
            }
            '<' => Some(Relation::Less),
            '>' => Some(Relation::Greater),
            '=' => Some(Relation::Equal),
            _ => None,
        };
        if let Some(relation) = relation {
            self.at += if double { 2 } else { 1 };
            self.push(Token::Relation(relation));
            return Some(());
        }
        match mark {
            '^' if self.degrees() => {}
            '+' | '-' | '*' | '/' | '^' | '_' | '(' | ')' | '[' | ']' | '{' | '}' | '|' | ';'
            | ':' | '!' | '%' | '&' | '\'' | '.' | '#' => {
                let twice = mark == '*' && self.ahead(1) == Some('*');
                self.at += if twice { 2 } else { 1 };
                self.push(Token::Mark(if twice { '^' } else { mark }));
            }
            ',' => {
                self.at += 1;
                self.separator();
            }
            '°' | '℃' | '℉' => self.degree_sign(mark),
            '€' | '£' | '¥' | '￥' | '₹' | '¢' => {
                self.at += 1;
                match unit::currency(mark) {
                    Some(name) if !self.follows_value() => self.before = Before::Currency(name),
                    _ if self.follows_value() => self.push_unit(&mark.to_string()),
                    _ => {}
                }
            }
            _ => return None,
        }
        Some(())
    }

    fn push_unit(&mut self, name: &str) {
        if let Some(unit) = Unit::named(name) {
            self.push(Token::Unit(unit));
        }
    }
}

/// Unicode symbols that are one token.
fn symbol(mark: char) -> Option<Token> {
    Some(match mark {
        '≤' | '⩽' | '≦' => Token::Relation(Relation::LessEqual),
        '≥' | '⩾' | '≧' => Token::Relation(Relation::GreaterEqual),
        '≠' => Token::Relation(Relation::NotEqual),
        '∈' => Token::Relation(Relation::In),
        '≡' => Token::Relation(Relation::Equal),
        '∨' | '∧' => Token::Mark(','),
        '≈' | '≃' | '≅' => Token::Approximately,
        'π' => Token::Command("pi"),
        '∞' => Token::Command("infty"),
        '√' => Token::Command("sqrt"),
        '±' => Token::Command("pm"),
        '∓' => Token::Command("mp"),
        '∪' => Token::Command("cup"),
        '∩' => Token::Command("cap"),
        '∅' => Token::Command("emptyset"),
        'ℝ' => Token::NumberSet('R'),
        'ℤ' => Token::NumberSet('Z'),
        'ℕ' => Token::NumberSet('N'),
        'ℚ' => Token::NumberSet('Q'),
        'ℂ' => Token::NumberSet('C'),
        _ => Token::Letter(
            Some(mark).filter(|mark| ('α'..='ω').contains(mark) || ('Γ'..='Ω').contains(mark))?,
        ),
    })
}
