//! Chinese words between numbers: numerals, fractions, percentages, measure words, conjunctions.

use super::{Lexer, Style, Token};
use crate::number::Literal;
use crate::unit::Unit;

/// Whether a character is Han.
pub(crate) fn is_han(mark: char) -> bool {
    ('\u{4e00}'..='\u{9fff}').contains(&mark)
}

/// Words that change nothing: about, exactly, in all.
const FILLERS: &[&str] = &["大约", "约为", "约", "共", "一共", "总共", "为", "是", "等于"];

/// The value of a numeral, e.g. 三百二十.
fn numeral(text: &str) -> Option<i64> {
    let (mut total, mut section, mut digit) = (0_i64, 0_i64, None);
    for mark in text.chars() {
        if let Some(value) = "零一二三四五六七八九".chars().position(|each| each == mark)
        {
            digit = Some(i64::try_from(value).ok()?);
        } else if mark == '两' {
            digit = Some(2);
        } else if let Some(power) = "十百千".chars().position(|each| each == mark) {
            section += digit.take().unwrap_or(1) * 10_i64.pow(u32::try_from(power).ok()? + 1);
        } else {
            let part = section + digit.take().unwrap_or(0);
            total = if mark == '万' {
                total.checked_add(part.checked_mul(10_000)?)?
            } else {
                total.checked_add(part)?.checked_mul(100_000_000)?
            };
            section = 0;
        }
    }
    total.checked_add(section + digit.unwrap_or(0))
}

impl Lexer {
    /// A run of Han characters.
    pub(super) fn chinese(&mut self) -> Option<()> {
        let run: String = self.chars[self.at..].iter().take_while(|mark| is_han(**mark)).collect();
        if let Some(rest) = run.strip_prefix("百分之") {
            self.at += 3;
            return self.percentage(rest.chars().next());
        }
        if run.starts_with("分之") {
            self.at += 2;
            self.push(Token::Command("parts"));
            return Some(());
        }
        if let Some(word) = ["或者", "以及", "并且", "和", "或", "与", "及", "且"]
            .iter()
            .find(|word| run.starts_with(**word))
        {
            self.at += word.chars().count();
            self.separator();
            return Some(());
        }
        if run.starts_with('负') {
            self.at += 1;
            self.push(Token::Mark('-'));
            return Some(());
        }
        if run == "比" && matches!(self.last(), Some(Token::Number(_))) {
            self.at += 1;
            self.push(Token::Mark(':'));
            return Some(());
        }
        if matches!(self.last(), Some(Token::Number(_))) {
            return self.measure(&run);
        }
        if self.numeral() {
            return Some(());
        }
        if let Some(filler) = FILLERS.iter().find(|filler| run.starts_with(**filler)) {
            self.at += filler.chars().count();
            return Some(());
        }
        if self.style == Style::Plain {
            return None;
        }
        self.at += run.chars().count();
        self.push(Token::Text(run));
        Some(())
    }

    /// The numeral here, if there is one.
    fn numeral(&mut self) -> bool {
        let digits: String = self.chars[self.at..]
            .iter()
            .take(24)
            .take_while(|mark| "零一二两三四五六七八九十百千万亿".contains(**mark))
            .collect();
        let Some(value) =
            numeral(&digits).filter(|_| !digits.is_empty() && !digits.starts_with(['万', '亿']))
        else {
            return false;
        };
        self.at += digits.chars().count();
        self.push(Token::Number(Literal::integer(&value.to_string())));
        true
    }

    /// The number behind 百分之.
    fn percentage(&mut self, next: Option<char>) -> Option<()> {
        match next {
            Some(_) => self.numeral().then_some(())?,
            None => self.number()?,
        }
        self.push(Token::Mark('%'));
        Some(())
    }

    /// Multipliers and units behind a number.
    fn measure(&mut self, run: &str) -> Option<()> {
        for (word, zeros) in [("万", "10000"), ("亿", "100000000"), ("百", "100"), ("千", "1000")]
        {
            if run.starts_with(word)
                && !run.starts_with("千米")
                && !run.starts_with("千克")
                && !run.starts_with("千瓦")
            {
                self.at += 1;
                self.push(Token::Mark('*'));
                self.push(Token::Number(Literal::integer(zeros)));
                return Some(());
            }
        }
        if self.compound_unit() {
            return Some(());
        }
        let length = run.chars().count();
        for taken in (1..=length.min(8)).rev() {
            let name: String = run.chars().take(taken).collect();
            if let Some(unit) = Unit::named(&name) {
                self.at += taken;
                self.push(Token::Unit(unit));
                return Some(());
            }
        }
        // What is counted has no bearing on the count; more words than that are prose.
        self.at += length;
        let ends = self.peek().is_none_or(|next| matches!(next, '.' | ',' | ';' | '!' | ')' | '}'));
        if self.style == Style::Plain && !ends {
            return None;
        }
        self.push(Token::Unit(Unit::count()));
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::numeral;

    #[test]
    fn numerals_have_their_values() {
        assert_eq!(numeral("三百二十"), Some(320));
        assert_eq!(numeral("十五"), Some(15));
        assert_eq!(numeral("两万零五"), Some(20_005));
        assert_eq!(numeral("一亿二千万"), Some(120_000_000));
    }
}
