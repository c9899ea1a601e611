//! Units as they are written behind a value: `kg·m/s^2`, `\mathrm{J/(kg\cdot K)}`, `square feet`, 千米/时.

use super::{Unit, with_greek};
use crate::lexer::is_han;

/// The longest unit that is read, in bytes.
const LONGEST: usize = 96;
/// Upright type.
const UPRIGHT: [&str; 6] =
    ["\\text{", "\\mathrm{", "\\textrm{", "\\mbox{", "\\operatorname{", "\\rm{"];
/// What stands between a value, its unit and the parts of it, and means nothing.
const SPACES: [&str; 7] = [" ", "~", "\\,", "\\;", "\\!", "\\ ", "\\:"];
const TIMES: [&str; 6] = ["\\cdot", "\\times", "·", "⋅", "∙", "*"];

/// What a text begins with.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Written {
    /// The units that are multiplied, and those that are divided by.
    pub(crate) factors: Vec<(Unit, Place)>,
    /// How many bytes of the text they take.
    pub(crate) length: usize,
}

/// Above or below the line of a quotient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Above,
    Below,
}

/// How a factor is joined to those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Join {
    First,
    /// By a stroke or a sign of multiplication.
    Signed,
    /// Side by side.
    Beside,
}

impl Written {
    /// The product.
    pub(crate) fn unit(&self) -> Unit {
        self.factors.iter().fold(Unit::count(), |product, (unit, place)| match place {
            Place::Above => product.times(unit),
            Place::Below => product.times(&unit.power(-1)),
        })
    }
}

/// The longest unit that a text begins with. All that stands behind a stroke is below it: `W/m·K` is `W/(m·K)`.
pub(crate) fn read(text: &str) -> Option<Written> {
    let near = &text[..text.floor_char_boundary(LONGEST)];
    let mut reader = Reader { rest: near, depth: 0 };
    let factors = reader.product()?;
    Some(Written { factors, length: near.len() - reader.rest.len() })
}

/// The unit that a text is.
pub(crate) fn whole(text: &str) -> Option<Written> {
    let text = text.trim();
    read(text).filter(|written| written.length == text.len())
}

struct Reader<'t> {
    rest: &'t str,
    depth: usize,
}

impl<'t> Reader<'t> {
    fn product(&mut self) -> Option<Vec<(Unit, Place)>> {
        (self.depth < 4).then_some(())?;
        self.depth += 1;
        let mut factors = Vec::new();
        let mut place = Place::Above;
        loop {
            let before = self.rest;
            let stroke = !factors.is_empty() && self.sign(&["/", "每"]);
            place = if stroke { Place::Below } else { place };
            let times = !factors.is_empty() && !stroke && self.sign(&TIMES);
            let join = match (factors.is_empty(), stroke || times) {
                (true, _) => Join::First,
                (false, true) => Join::Signed,
                (false, false) => Join::Beside,
            };
            let read = self.factor(join);
            let Some(read) = read else {
                self.rest = before;
                break;
            };
            let placed = |(unit, own): (Unit, Place)| match (place, own) {
                (Place::Below, Place::Below) => (unit, Place::Above),
                (Place::Below, _) | (_, Place::Below) => (unit, Place::Below),
                _ => (unit, Place::Above),
            };
            factors.extend(read.into_iter().map(placed));
        }
        self.depth -= 1;
        (!factors.is_empty()).then_some(factors)
    }

    /// One unit with its power, or several in brackets or in upright type.
    fn factor(&mut self, join: Join) -> Option<Vec<(Unit, Place)>> {
        self.skip_spaces();
        let mut factors = if let Some(inner) = self.upright() {
            let inner = inner.trim_matches([' ', '~']);
            let inner = inner.strip_prefix("\\,").unwrap_or(inner);
            whole(inner)
                .map(|written| written.factors)
                .or_else(|| Some(vec![(Unit::symbol(&with_greek(inner))?, Place::Above)]))?
        } else if join == Join::Signed && self.rest.starts_with('(') {
            self.rest = &self.rest[1..];
            let inner = self.product()?;
            self.sign(&[")"]).then_some(inner)?
        } else {
            vec![(self.name(join)?, Place::Above)]
        };
        // A power behind several units is that of the last.
        if let (Some((last, _)), Some(exponent)) = (factors.last_mut(), self.power()) {
            *last = last.power(exponent);
        }
        Some(factors)
    }

    fn skip_spaces(&mut self) {
        while let Some(rest) = SPACES.iter().find_map(|space| self.rest.strip_prefix(space)) {
            self.rest = rest;
        }
    }

    /// Takes one of these signs, spaces before it passed over.
    fn sign(&mut self, signs: &[&str]) -> bool {
        let before = self.rest;
        self.skip_spaces();
        let found = signs.iter().find_map(|sign| self.rest.strip_prefix(sign));
        self.rest = found.unwrap_or(before);
        found.is_some()
    }

    /// The text of an upright group.
    fn upright(&mut self) -> Option<&'t str> {
        let inner = UPRIGHT.iter().find_map(|command| self.rest.strip_prefix(command))?;
        let mut depth = 0_usize;
        let close = inner.char_indices().find_map(|(at, mark)| match mark {
            '{' => {
                depth += 1;
                None
            }
            '}' if depth == 0 => Some(at),
            '}' => {
                depth -= 1;
                None
            }
            _ => None,
        })?;
        self.rest = &inner[close + 1..];
        Some(&inner[..close])
    }

    /// The name of a unit. Side by side without a sign stand symbols of the SI alone, for prose has words such as `in`; single letters
    /// such as `C` are units behind others only.
    fn name(&mut self, join: Join) -> Option<Unit> {
        let (unit, rest) =
            if self.rest.starts_with(is_han) { self.han()? } else { self.word(join)? };
        self.rest = rest;
        Some(unit)
    }

    fn han(&self) -> Option<(Unit, &'t str)> {
        let run = &self.rest[..self.rest.find(|mark| !is_han(mark)).unwrap_or(self.rest.len())];
        let ends = run.char_indices().map(|(at, mark)| at + mark.len_utf8());
        let ends: Vec<usize> = ends.take(8).collect();
        ends.into_iter().rev().find_map(|end| Some((Unit::named(&run[..end])?, &self.rest[end..])))
    }

    fn word(&self, join: Join) -> Option<(Unit, &'t str)> {
        let (symbol, behind) = self.letters();
        let is_one_word = !behind.starts_with(' ') && !behind.starts_with('-');
        if join == Join::First && !is_one_word {
            let words = |mark: char| mark.is_ascii_alphabetic() || mark == ' ' || mark == '-';
            let phrase = self.rest
                [..self.rest.find(|mark| !words(mark)).unwrap_or(self.rest.len())]
                .trim_end();
            let (unit, length) = Unit::leading(phrase, 1)?;
            return Some((unit, &self.rest[length..]));
        }
        let unit = match join {
            Join::First => Unit::named(&symbol)?,
            Join::Signed => Unit::symbol(&symbol).or_else(|| Unit::named(&symbol))?,
            Join::Beside => Unit::of_si(&symbol)?,
        };
        Some((unit, behind))
    }

    /// The letters that the rest begins with, micro and ohm as single signs, and what follows them.
    fn letters(&self) -> (String, &'t str) {
        let mut letters = String::new();
        let mut rest = self.rest;
        while letters.len() < 32 {
            let greek = ["\\mu ", "\\mu", "\\Omega"].iter().find(|name| rest.starts_with(**name));
            let first = rest.chars().next().filter(|mark| {
                mark.is_ascii_alphabetic() || "μ\u{b5}Ω\u{2126}Å°℃℉€£¥".contains(*mark)
            });
            let length = match (greek, first) {
                (Some(name), _) => name.len(),
                (None, Some(mark)) => mark.len_utf8(),
                (None, None) => break,
            };
            letters.push_str(&with_greek(&rest[..length]));
            rest = &rest[length..];
        }
        (letters, rest)
    }

    /// An exponent: `^2`, `^{-1}`, `²`, `⁻¹`.
    fn power(&mut self) -> Option<i32> {
        if let Some(rest) = self.rest.strip_prefix('^') {
            let inner = rest.strip_prefix(['{', '(']).unwrap_or(rest);
            let is_braced = inner.len() < rest.len();
            let digits = |mark: char| !mark.is_ascii_digit() && mark != '-';
            let end = inner.find(digits).unwrap_or(inner.len());
            let exponent = inner[..end].parse().ok()?;
            let behind = &inner[end..];
            self.rest = if is_braced { behind.strip_prefix(['}', ')'])? } else { behind };
            return Some(exponent);
        }
        let small = "⁰¹²³⁴⁵⁶⁷⁸⁹";
        let written = self.rest.trim_start_matches('⁻');
        let sign = if written.len() < self.rest.len() { -1 } else { 1 };
        let digit = written.chars().next()?;
        let value = small.chars().position(|each| each == digit)?;
        self.rest = &written[digit.len_utf8()..];
        Some(sign * i32::try_from(value).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::{read, whole};
    use crate::unit::Unit;

    #[test]
    fn a_unit_is_read_however_it_is_set() {
        let force = Unit::named("N").expect("a unit");
        for text in [
            "kg·m/s^2",
            "kg m/s^2",
            r"\mathrm{kg\cdot m/s^{2}}",
            r"\,\mathrm{kg\,m\,s^{-2}}",
            r"\text{ kg}\cdot\text{m/s}^2",
            r"~\mathrm{~kg \cdot m/s^2}",
            "kg⋅m⋅s⁻²",
            "newtons",
            "千克·米/秒²",
        ] {
            assert_eq!(whole(text).map(|written| written.unit()), Some(force.clone()), "{text}");
        }
        let area = whole("J/(N/m)").expect("a unit").unit();
        assert_eq!(Some(area), whole("m^2").map(|written| written.unit()));
        let heat = whole("J/(kg·K)").expect("a unit").unit();
        for text in [
            "J/kg·K",
            r"\mathrm{J/(kg\cdot K)}",
            r"\text{J}/(\text{kg}\cdot\text{K})",
            "J kg^-1 K^-1",
        ] {
            assert_eq!(whole(text).map(|written| written.unit()), Some(heat.clone()), "{text}");
        }
    }

    #[test]
    fn what_is_no_unit_is_left() {
        for (text, length) in [
            ("m in total", 1),
            ("cm by 5 cm", 2),
            ("m/x", 1),
            ("square feet of wood", 11),
            ("km/h.", 4),
        ] {
            assert_eq!(read(text).map(|written| written.length), Some(length), "{text}");
        }
        for text in ["x", "apples", r"\sin", "+ 3", ""] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
